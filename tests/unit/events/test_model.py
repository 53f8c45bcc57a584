from rolecall.authorization.actor import NOBODY
from rolecall.directory.errors import UserNameTaken
from rolecall.events.calls import Call
from rolecall.events.model import CallOutcome
from rolecall.kernel.errors import NotFound


def test_a_call_is_nobodys_and_went_well_until_somebody_says_otherwise():
    call = Call(request_id="1", method="GET", target="/")
    assert call.actor is NOBODY
    assert call.outcome is CallOutcome.OK
    assert not call.recorded


def test_a_refusal_leaves_its_code_its_sentence_and_its_status_on_the_call():
    call = Call(request_id="1", method="POST", target="/", status=201, status_of=lambda error: len(error.code))
    call.refuse(UserNameTaken("Taken."))
    assert call.outcome is CallOutcome.REFUSED
    assert (call.code, call.detail, call.status) == ("user_name_taken", "Taken.", len("user_name_taken"))


def test_without_an_edge_a_refusal_has_no_status():
    call = Call(request_id="1", method="GET", target="/", status=200)
    call.refuse(NotFound("Nothing."))
    assert call.status is None
