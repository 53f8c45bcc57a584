"""What do events say of who gained and lost what?"""

from datetime import UTC, datetime

from rolecall.connections.log.decide import counts_of, effects_of, followed, sources_begun
from rolecall.connections.log.model import Counts, EffectKind
from rolecall.events.model import LoggedEvent

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def event(kind, *, actor_kind="api_key", **data):
    return LoggedEvent(
        sequence=1,
        id="e",
        happened_at=NOW,
        type=f"directory.{kind}",
        category="SYSTEM",
        severity="INFO",
        subject_id=None,
        actor_kind=actor_kind,
        actor_user_id=None,
        request_id="r",
        data=data,
    )


def role(verb, user="ada", source="scim-group:g", **more):
    named = {"user_id": f"id of {user}", "user_name": user, "team_id": "t", "role": "viewer", "source": source}
    return event(f"role.{verb}", **named, **more)


def person(verb, user="ada"):
    return event(f"user.{verb}", user_id=f"id of {user}", user_name=user, reason="left")


def finished(source):
    return event("reconciliation.finished", actor_kind="system", source=source)


BEGUN = event("reconciliation.started", source="scim-group:g", users=500)


def test_an_assignment_is_told_with_its_team_role_and_source():
    (gained,) = effects_of([role("assigned")])
    assert (gained.kind, gained.at, gained.by_job) == (EffectKind.ROLE_GAINED, NOW, False)
    assert (gained.user_id, gained.user_name) == ("id of ada", "ada")
    assert (gained.team_id, gained.role, gained.source) == ("t", "viewer", "scim-group:g")


def test_the_end_of_all_access_is_told_without_a_role():
    effects = effects_of([person("deactivated"), person("reactivated"), person("deleted"), person("created"), BEGUN])
    assert [effect.kind for effect in effects] == [
        EffectKind.ACCESS_ENDED,
        EffectKind.ACCESS_RESTORED,
        EffectKind.USER_DELETED,
    ]
    assert {(effect.team_id, effect.role, effect.source) for effect in effects} == {(None, None, None)}


def test_each_kind_is_counted_for_itself():
    events = [role("assigned"), role("removed"), role("removed"), person("deactivated"), person("deleted")]
    assert counts_of(events) == Counts(gained=1, lost=2, ended=2, goes_on=False)
    assert counts_of([person("reactivated"), BEGUN]) == Counts(goes_on=True)
    assert counts_of([]) == Counts()


def test_the_sources_that_a_job_goes_on_with_are_those_that_were_begun():
    assert sources_begun([role("assigned"), BEGUN]) == {"scim-group:g"}


def test_what_the_job_made_for_a_source_belongs_to_the_call_up_to_the_end_of_the_job():
    by_job = {"actor_kind": "system"}
    events = [
        role("removed", "ada", **by_job),
        role("assigned", "grace", source="scim-group:other", **by_job),
        role("assigned", "alan"),
        finished("scim-group:other"),
        finished("scim-group:g"),
        role("assigned", "edsger", **by_job),
    ]
    effects, waiting = followed(events, frozenset({"scim-group:g"}))
    assert [(effect.user_name, effect.kind, effect.by_job) for effect in effects] == [
        ("ada", EffectKind.ROLE_LOST, True)
    ]
    assert waiting == frozenset()


def test_a_source_whose_job_has_not_ended_is_waited_for():
    effects, waiting = followed([finished("a")], frozenset({"a", "b"}))
    assert (effects, waiting) == ((), {"b"})
