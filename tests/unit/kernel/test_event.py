from dataclasses import dataclass
from typing import ClassVar

from rolecall.directory.events import UserDeactivated, UserProtected
from rolecall.directory.model import UserId
from rolecall.kernel.event import Category, Event, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class _SomethingHappened(Event):
    type: ClassVar[str] = "tests.something.happened"
    where: str
    often: int


def test_an_event_is_about_the_system_and_wants_no_attention_unless_it_says_so():
    event = _SomethingHappened(where="here", often=2)
    assert event.category is Category.SYSTEM
    assert event.severity is Severity.INFO
    assert event.subject_id() is None


def test_the_data_of_an_event_are_its_own_fields_in_their_order():
    assert list(_SomethingHappened(where="here", often=2).data().items()) == [("where", "here"), ("often", 2)]


def test_inherited_fields_come_first():
    event = UserDeactivated(user_id=UserId("1"), user_name="ada", reason="scim")
    assert list(event.data()) == ["user_id", "user_name", "reason"]
    assert event.subject_id() == "1"


def test_a_refused_lock_out_is_a_warning():
    event = UserProtected(user_id=UserId("1"), user_name="ada", attempt="delete", because="break_glass")
    assert event.severity is Severity.WARNING
