"""What is killed at random moments, under which load, and what must be there each time it is back?

`test_crash.py` does it a few times in every run; `bench/crash_rounds.py` as often as one likes.
"""

import random
from collections.abc import Callable
from typing import Any

from tests.conformance.audit_log import read_records
from tests.conformance.load import Told, Worker, changer, create_user, creator, joiner, run_until_killed, version_of
from tests.conformance.scim_client import Resource, ScimClient, member_ids, values
from tests.make.databases import SQLITE, Database, ask_database
from tests.make.served import Served, serve

CREATORS, CHANGERS, JOINERS = 3, 2, 3
EARLIEST_SECONDS, LATEST_SECONDS = 0.05, 0.5
"""Between these a kill comes after the clients have begun."""
LOOKED_UP = 5
"""So many of the newest users are also searched for and read one by one."""
_RECORD = ("phase", "request_id", "outcome", "method", "status", "subject_id")


def survive_kills(
    database: Database, rounds: int, chance: random.Random, after_each: Callable[[], None] = lambda: None
) -> Told:
    """Kill one fresh installation `rounds` times under load; return what the clients had been told.

    Raises: AssertionError at the first thing that is lost, half done, or there without a reason.
    """
    told = Told()
    with serve(database) as served:
        with served.client() as http:
            scim = ScimClient(http)
            changing = [create_user(scim, told, f"changing-{number}@crash.example") for number in range(CHANGERS)]
            group = scim.create_group("Crash Crew")
        for crash in range(rounds):
            seconds = chance.uniform(EARLIEST_SECONDS, LATEST_SECONDS)
            run_until_killed(served, workers(told, crash, changing, group["id"]), seconds)
            served.start()
            with served.client() as http:
                users = check_everything(served, ScimClient(http), told, group)
            settle(told, users)
            after_each()
        check_audit(read_records(served), users, told)
        check_database(database, told)
    return told


def summary_of(told: Told) -> str:
    """Return in a few words how much was at stake."""
    changes = sum(told.numbers.values())
    return (
        f"{len(told.request_ids):,} acknowledged writes, {told.unanswered:,} unanswered; "
        f"{len(told.created):,} users created, {changes:,} changes of users, {told.membership_changes:,} of memberships"
    )


def workers(told: Told, crash: int, changing: list[str], group_id: str) -> list[Worker]:
    return [
        *(creator(told, f"made-{crash}-{number}") for number in range(CREATORS)),
        *(changer(told, user_id, told.numbers.get(user_id, 0)) for user_id in changing),
        *(joiner(told, f"joined-{crash}-{number}", group_id) for number in range(JOINERS)),
    ]


def check_everything(served: Served, scim: ScimClient, told: Told, group: Resource) -> dict[str, Resource]:
    users = {user["userName"]: user for user in scim.everything("/Users")}
    check_users(scim, users, told)
    check_changes(users, told)
    check_group(scim, users, told, group)
    check_audit(kept_records(served.database), users, told)
    return users


def check_users(scim: ScimClient, users: dict[str, Resource], told: Told) -> None:
    for name, user_id in told.created.items():
        assert name in users, f"{name} was acknowledged and is gone"
        assert users[name]["id"] == user_id, f"{name} is another user than the one that was acknowledged"
    assert set(users) <= set(told.created) | told.maybe_created, "a user that nobody asked for"
    for name, user in users.items():
        assert values(user["emails"]) == {name}, f"{name} without its address"
    sample = [*told.maybe_created, *list(told.created)[-LOOKED_UP:]]
    for name in sample:
        expected = {users[name]["id"]} if name in users else set()
        assert values(scim.search("/Users", f'userName eq "{name}"'), "id") == expected
        assert values(scim.search("/Users", f'emails.value eq "{name}"'), "id") == expected
        if name in users:
            assert scim.read(f"/Users/{users[name]['id']}") == users[name]
            # Whoever retries an unanswered create must learn that it was done.
            assert scim.send("POST", "/Users", {"userName": name}).status_code == 409


def check_changes(users: dict[str, Resource], told: Told) -> None:
    by_id = {user["id"]: user for user in users.values()}
    for user_id in {*told.numbers, *told.maybe_numbers}:
        user = by_id[user_id]
        number = int(user.get("title", "0"))
        possible = {told.numbers.get(user_id, 0), told.maybe_numbers.get(user_id, told.numbers.get(user_id, 0))}
        assert number in possible, f"change {number} is there, and not one of {possible}"
        if number:
            assert (user["active"], user["name"]["familyName"]) == (number % 2 == 0, str(number)), "half a change"
        assert version_of(user) == told.first_versions[user_id] + number, "a change that the version does not count"
        told.numbers[user_id] = number


def check_group(scim: ScimClient, users: dict[str, Resource], told: Told, group: Resource) -> None:
    now = scim.read(f"/Groups/{group['id']}")
    members = member_ids(now)
    assert told.inside <= members, "a member was acknowledged and is gone"
    assert members <= told.inside | told.maybe_inside, "a member that nobody added, or that was removed"
    assert {user["id"] for user in users.values() if user.get("groups")} == members, "group and users disagree"
    changes = version_of(now) - version_of(group)
    assert told.membership_changes <= changes <= told.membership_changes + len(told.maybe_inside)
    told.membership_changes = changes
    told.inside = members


def kept_records(database: Database) -> list[dict[str, Any]]:
    """Return of all audit records what `check_audit` needs, quicker than the command line does."""
    rows = ask_database(database, f"SELECT {', '.join(_RECORD)} FROM audit_record")
    return [dict(zip(_RECORD, row, strict=True)) for row in rows]


def check_audit(records: list[dict[str, Any]], users: dict[str, Resource], told: Told) -> None:
    done = {record["request_id"] for record in records if record["outcome"] == "ok"}
    intended = {record["request_id"] for record in records if record["phase"] == "intent"}
    assert not set(told.request_ids) - done, "an acknowledged write without its result"
    assert not set(told.request_ids) - intended, "an acknowledged write without its intent"
    made = [record["subject_id"] for record in records if (record["method"], record["status"]) == ("POST", 201)]
    ids = {user["id"] for user in users.values()}
    assert set(made) >= ids, "a user without an audit record"
    assert len(made) == len(ids) + 1, "an audit record of a change that is not there (the one more is the group's)"


def settle(told: Told, users: dict[str, Resource]) -> None:
    """After a check the doubts are over: what is there is known."""
    told.unanswered += len(told.maybe_created) + len(told.maybe_numbers) + len(told.maybe_inside)
    told.created = {name: user["id"] for name, user in users.items()}
    told.maybe_created.clear()
    told.maybe_numbers.clear()
    told.maybe_inside.clear()


def check_database(database: Database, told: Told) -> None:
    """Look at what no edge shows: the event log, and whether SQLite itself is content with its file."""
    events = ask_database(
        database, "SELECT subject_id FROM event WHERE type = 'directory.user.created' AND actor_kind = 'api_key'"
    )
    assert sorted(subject_id for (subject_id,) in events) == sorted(told.created.values()), "events are not as users"
    if database.kind == SQLITE:
        assert ask_database(database, "PRAGMA integrity_check") == [("ok",)]
