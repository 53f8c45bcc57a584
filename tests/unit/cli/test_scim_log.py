from dataclasses import replace

import pytest

from rolecall import main as wiring
from rolecall.directory import groups
from rolecall.directory.model import AddMembers, RemoveMembers
from rolecall.directory.provisioned_users import create_user
from rolecall.events import audit
from rolecall.events.calls import Call
from rolecall.events.model import CallOutcome
from rolecall.settings import Settings
from tests.make.actors import PROVISIONER
from tests.make.directory import ANY_VERSION, group_profile, user_profile


@pytest.fixture
def said(tmp_path):
    """Change something as an identity provider's call named so does, with its record."""
    installation = wiring.build(Settings(data_dir=tmp_path / "data"))

    def call(name, change, method="PATCH", **named):
        actor = replace(PROVISIONER, request_id=name)
        record = Call(request_id=name, method=method, target="/scim/v2/Groups", actor=actor, status=200, **named)

        def as_call(tx):
            thing = change(tx)
            audit.record_results(tx, [record])
            return thing

        return installation.transactions.run_write(actor, as_call)

    yield call
    wiring.close(installation)


@pytest.fixture
def pushed(rolecall, ada, said):
    """Grace was pushed into a mapped group and taken out again; then somebody sent a user that is there already."""
    rolecall("admin", "mappings", "create", "Staff", "--gives", "Root:viewer")
    grace = said("made", lambda tx: create_user(tx, user_profile("grace")), method="POST").id
    group = said("group", lambda tx: groups.create_group(tx, group_profile("Staff"), ()), method="POST").id
    for name, kind in (("in", AddMembers), ("out", RemoveMembers)):
        step = kind(operation=0, members=(grace,))
        said(
            name,
            lambda tx, step=step: groups.change_group(tx, group, (step,), ANY_VERSION, with_members=False),
            subject_id=group,
            operations=("applied",),
            request={"members": [grace]},
        )
    said("read", lambda _tx: None, method="GET")
    refusal = {"outcome": CallOutcome.REFUSED, "code": "user_name_taken", "detail": "In use.", "request": {"a": "x-1"}}
    said("refused", lambda _tx: None, method="POST", **refusal)
    return grace, group


def listed(rolecall, *options):
    ended = rolecall("admin", "scim-log", "list", "--json", *options)
    assert ended.code == 0, ended.err
    return [each["request_id"] for each in ended.json["calls"]]


def test_calls_are_listed_the_newest_first_by_what_they_concerned(rolecall, pushed):
    grace, group = pushed
    assert listed(rolecall) == ["refused", "read", "out", "in", "group", "made"]
    assert listed(rolecall, "--limit", "2") == ["refused", "read"]
    assert listed(rolecall, "--writes") == ["refused", "out", "in", "group", "made"]
    assert listed(rolecall, "--user", "grace") == listed(rolecall, "--user", grace) == ["out", "in", "made"]
    assert listed(rolecall, "--group", "Staff") == listed(rolecall, "--group", group) == ["out", "in", "group"]
    assert listed(rolecall, "--outcome", "refused", "--containing", "x-1") == ["refused"]
    assert listed(rolecall, "--connection", "Default") == []
    assert listed(rolecall, "--since", "2999-01-01") == listed(rolecall, "--until", "2000-01-01") == []
    assert listed(rolecall, "--user", "00000000-0000-7000-8000-00000000ffff") == []


def test_a_list_says_in_a_line_what_came_of_each_call(rolecall, pushed):
    out = rolecall("admin", "scim-log", "list").out
    assert "1 gained" in out
    assert "1 lost" in out
    assert "refused 200 user_name_taken" in out


def test_one_call_is_shown_with_who_lost_what(rolecall, pushed):
    grace, group = pushed
    calls = rolecall("admin", "scim-log", "list", "--json", "--user", "grace").json["calls"]
    shown = rolecall("admin", "scim-log", "show", calls[0]["id"], "--json").json
    (effect,) = shown["effects"]
    assert (effect["kind"], effect["user_name"], effect["role"]) == ("role_lost", "grace", "viewer")
    out = rolecall("admin", "scim-log", "show", calls[0]["id"]).out
    for words in (
        "PATCH /scim/v2/Groups",
        "applied",
        f'{{"members": ["{grace}"]}}',
        "role_lost",
        f"scim-group:{group}",
    ):
        assert words in out


def test_a_call_without_effect_says_so(rolecall, pushed):
    (newest, *_) = rolecall("admin", "scim-log", "list", "--json").json["calls"]
    out = rolecall("admin", "scim-log", "show", newest["id"]).out
    assert "In use." in out
    assert out.splitlines()[-1] == "Nobody gained or lost anything."


def test_a_call_that_a_job_goes_on_with_says_so(rolecall, pushed, said):
    rolecall("admin", "mappings", "choose", "--users-at-once", "1")

    def push(tx):
        crowd = tuple(create_user(tx, user_profile(f"user {number}")).id for number in range(3))
        groups.change_group(tx, pushed[1], (AddMembers(operation=0, members=crowd),), ANY_VERSION, with_members=False)

    said("many", push)
    (newest, *_) = rolecall("admin", "scim-log", "list", "--json").json["calls"]
    assert (newest["request_id"], newest["goes_on"]) == ("many", True)
    assert "a job goes on" in rolecall("admin", "scim-log", "list", "--limit", "1").out
    out = rolecall("admin", "scim-log", "show", newest["id"]).out
    assert out.splitlines()[-1] == "A job goes on with it."


@pytest.mark.parametrize(
    "arguments, code, said",
    [
        (("list", "--user", "nobody"), 3, "There is no user named 'nobody'."),
        (("list", "--group", "nothing"), 3, "There is no group"),
        (("list", "--connection", "none"), 3, "There is no SCIM connection named 'none'."),
        (("list", "--since", "yesterday"), 2, "--since: must be a day"),
        (("show", "12345"), 3, "There is no SCIM call with the id 12345."),
    ],
)
def test_what_is_not_there_is_told(rolecall, ada, arguments, code, said):
    ended = rolecall("admin", "scim-log", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
