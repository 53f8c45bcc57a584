"""Is every acknowledged change on an SQLite disk whose power is cut at any moment, and no half one?"""

import asyncio
import json
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

import pytest

from rolecall.directory import groups, provisioned_users
from rolecall.directory.model import AddMembers, GroupId, RemoveMembers, UserId
from rolecall.events.audit import CallJournal
from rolecall.events.calls import Call
from rolecall.kernel.errors import DomainError, Unavailable
from rolecall.storage import checkpoints
from rolecall.storage.transaction import WriteTx
from tests.contract.storage.recorded_disk import Fate, Platter, Promised, RecordedDisk, Step
from tests.make.actors import PROVISIONER
from tests.make.databases import Database, fresh_sqlite
from tests.make.directory import ANY_VERSION, group_profile, pushed_group, setting, user_profile
from tests.make.transactions import Installed, copy_of, installed_on

T = TypeVar("T")

CLIENTS, TURNS, CUTS = 8, 12, 120
FILE = "rolecall.sqlite3"
_numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one answer said: the call, and which version of which user or group it led to (None: it was refused)."""

    request_id: str
    subject_id: str | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A load on an empty installation, as the disk and the clients saw it."""

    before: bytes
    """The database file when the disk was first used."""
    trace: list[Step]


class Client:
    """One provider that asks, waits for the answer, and asks the next."""

    def __init__(self, installed: Installed, disk: RecordedDisk, *, is_brief: bool) -> None:
        self.installed = installed
        self.is_brief = is_brief
        self.disk = disk

    async def write(self, change: Callable[[WriteTx], T], told: Callable[[T], tuple[str, int]]) -> str:
        """Write as a SCIM call does, note the promise, and return the id of the user or group."""
        call = Call(request_id=f"request-{next(_numbers)}", method="POST", target="/")

        def journaled(tx: WriteTx) -> T:
            value = change(tx)
            call.subject_id = told(value)[0]
            return value

        try:
            value = await self.installed.transactions.write(
                PROVISIONER, journaled, journal=CallJournal(call), brief=self.is_brief
            )
        except DomainError:
            self.disk.promise(Told(request_id=call.request_id))
            raise
        subject_id, version = told(value)
        self.disk.promise(Told(request_id=call.request_id, subject_id=subject_id, version=version))
        return subject_id

    async def work(self, number: int, group_id: GroupId) -> None:
        """Create users, change them, let them come into the group and leave, and be refused."""
        for turn in range(TURNS):
            name = f"user-{number}-{turn}@cut.example"
            user_id = UserId(await self.write(created(name), whole))
            await self.write(members_changed(group_id, AddMembers(operation=0, members=(user_id,))), changed)
            for change in range(turn % 4):
                await self.write(renumbered(user_id, change), changed)
            with pytest.raises(DomainError):
                await self.write(created(name), whole)
            if turn % 3 == 0:
                await self.write(members_changed(group_id, RemoveMembers(operation=0, members=(user_id,))), changed)


def whole(thing):
    return thing.id, thing.version


def changed(change):
    return whole(change.thing)


def addresses(*local_parts):
    return [{"value": f"{part}@cut.example"} for part in local_parts]


def created(name):
    return lambda tx: provisioned_users.create_user(
        tx, user_profile(name, emails=addresses(name.partition("@")[0], "all"))
    )


def renumbered(user_id, number):
    change = setting(title=str(number), emails=addresses(f"number-{number}", *(str(each) for each in range(number))))
    return lambda tx: provisioned_users.change_user(tx, user_id, change, ANY_VERSION)


def members_changed(group_id, *steps):
    return lambda tx: groups.change_group(tx, group_id, steps, ANY_VERSION, with_members=False)


@contextmanager
def on_recorded_disk(database: Database, *pragmas: str) -> Iterator[tuple[Installed, RecordedDisk]]:
    """Let Rolecall open the database on a recorded disk; the pragmas undo promises that it makes itself."""
    disk = RecordedDisk(f"recorded-{next(_numbers)}")

    def connect(path, **options):
        connection = disk.connect(path, **options)
        if not pragmas:
            return connection
        return Weakened(connection, pragmas)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", connect)
        with installed_on(database) as installed:
            yield installed, disk
    disk.unregister()


class Weakened:
    """A connection on which what Rolecall says of syncing is replaced."""

    def __init__(self, connection: Any, pragmas: tuple[str, ...]) -> None:
        self._connection = connection
        self._pragmas = pragmas

    def execute(self, statement: str, parameters: Any = ()) -> Any:
        if statement.startswith("PRAGMA synchronous"):
            return [self._connection.execute(pragma) for pragma in self._pragmas]
        return self._connection.execute(statement, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def record(template: Database, *pragmas: str) -> Recording:
    """Run the load and return what was written down of it."""
    with copy_of(template) as database:
        assert database.directory is not None
        before = (database.directory / FILE).read_bytes()
        with pytest.MonkeyPatch.context() as patched:
            # The load is short, and the journal shall move many times meanwhile.
            patched.setattr(checkpoints, "_PAUSE_SECONDS", 0.005)
            with on_recorded_disk(database, *pragmas) as (installed, disk):
                asyncio.run(load(installed, disk))
    return Recording(before=before, trace=disk.trace)


async def load(installed: Installed, disk: RecordedDisk) -> None:
    on_the_loop, in_the_thread = (Client(installed, disk, is_brief=is_brief) for is_brief in (True, False))
    everybody = group_profile("Everybody")
    group_id = GroupId(await in_the_thread.write(lambda tx: groups.create_group(tx, everybody, ()), whole))
    clients = (on_the_loop, in_the_thread)
    await asyncio.gather(*(clients[number % 2].work(number, group_id) for number in range(CLIENTS)))


@pytest.fixture(scope="module")
def recording(sqlite_template: Database) -> Recording:
    return record(sqlite_template)


def touches_database_file(step: Step) -> bool:
    return getattr(step, "file", None) == FILE


def cuts(trace: list[Step], chance: random.Random) -> list[int]:
    """Choose moments: anywhere, just after an answer, and amid the move of the journal into the database file."""
    answers = [place + 1 for place, step in enumerate(trace) if isinstance(step, Promised)]
    moves = [place for place, step in enumerate(trace) if touches_database_file(step)]
    chosen = [chance.sample(places, min(CUTS // 3, len(places))) for places in (answers, moves, range(len(trace)))]
    return sorted(place for places in chosen for place in places)


@contextmanager
def put_back(files: dict[str, bytes]) -> Iterator[Database]:
    """Offer the files that a power cut has left, on the real file system."""
    with fresh_sqlite() as database:
        assert database.directory is not None
        for name, content in files.items():
            (database.directory / name).write_bytes(content)
        yield database


def flaws_after_cuts(recording: Recording, seed: int) -> Iterator[str]:
    """Cut the power at many moments of the recording; yield everything that is wrong afterwards."""
    chance = random.Random(seed)
    platter = Platter({FILE: recording.before})
    reached = 0
    for place in cuts(recording.trace, chance):
        platter.follow(recording.trace[reached:place])
        reached = place
        fate = chance.choice(list(Fate))
        with put_back(platter.after_power_cut(fate, chance)) as database:
            for flaw in flaws_of(database, platter.promises):
                yield f"cut {place}, unsynced {fate.value}: {flaw}"


def flaws_of(database: Database, promises: list[Told]) -> list[str]:
    """Open a database as after a power cut, go on writing, and return what is wrong with it."""
    try:
        with installed_on(database) as installed:
            flaws = flaws_in(installed, promises)
            pushed_group(installed, "Made after the cut")
    except (sqlite3.DatabaseError, Unavailable) as error:
        return [f"unusable: {error}"]
    return flaws


def flaws_in(installed: Installed, promises: list[Told]) -> list[str]:
    def ask(statement: str) -> list[Any]:
        return list(installed.ask(lambda tx: tx.connection.execute(statement).fetchall()))

    flaws = [f"integrity: {text}" for (text,) in ask("PRAGMA integrity_check") if text != "ok"]
    flaws += [f"dangling: {row}" for row in ask("PRAGMA foreign_key_check")]
    return [*flaws, *broken_promises(ask, promises), *half_changes(ask)]


def broken_promises(ask: Callable[[str], list[Any]], promises: list[Told]) -> Iterator[str]:
    results = dict(ask("SELECT request_id, outcome FROM audit_record WHERE phase = 'result'"))
    versions = dict(ask("SELECT id, version FROM directory_user UNION ALL SELECT id, version FROM directory_group"))
    for told in promises:
        if results.get(told.request_id) != ("refused" if told.subject_id is None else "ok"):
            yield f"{told.request_id} was answered and has no such result"
        if told.subject_id is not None and versions.get(told.subject_id, 0) < told.version:
            yield f"{told.subject_id} was answered as version {told.version} and is not"


def half_changes(ask: Callable[[str], list[Any]]) -> Iterator[str]:
    """Return where row, e-mail rows, members, events and audit records do not tell of the same changes."""
    users = {row[0]: row[1:] for row in ask("SELECT id, version, profile FROM directory_user")}
    versions = {user_id: version for user_id, (version, _) in users.items()}
    versions |= dict(ask("SELECT id, version FROM directory_group"))
    logged = ask("SELECT subject_id, type, data, request_id FROM event ORDER BY sequence")
    results = ask("SELECT subject_id FROM audit_record WHERE phase = 'result' AND outcome = 'ok'")
    intents = {row[0] for row in ask("SELECT request_id FROM audit_record WHERE phase = 'intent'")}
    for what, told in {
        "events": Counter(subject_id for subject_id, *_ in logged),
        "audit records": Counter(subject_id for (subject_id,) in results),
    }.items():
        if told != versions:
            yield f"{what} of {sorted(set(told.items()) ^ set(versions.items()))}"
    kept = Counter(ask("SELECT user_id, value_key FROM user_email"))
    shown = Counter((key, email["value"]) for key, (_, text) in users.items() for email in json.loads(text)["emails"])
    if kept != shown:
        yield f"addresses of {sorted(set(kept) ^ set(shown))}"
    members: set[str] = set()
    for _, kind, data, _ in logged:
        if kind == "directory.group.members-changed":
            members = (members | set(json.loads(data)["added"])) - set(json.loads(data)["removed"])
    if {row[0] for row in ask("SELECT member_id FROM group_member")} != members:
        yield "members that no event tells of, or the other way round"
    tried = {row[0] for row in ask("SELECT request_id FROM audit_record WHERE phase = 'result'")}
    if intents != tried:
        yield f"intents without a result, or results without an intent: {sorted(intents ^ tried)}"


@pytest.mark.parametrize("seed", range(2))
def test_a_power_cut_at_any_moment_loses_nothing_that_was_acknowledged(recording, seed):
    assert list(flaws_after_cuts(recording, seed)) == []


def test_the_recording_has_many_commits_and_moves_of_the_journal_amid_the_load(recording):
    steps = recording.trace
    last = max(place for place, step in enumerate(steps) if isinstance(step, Promised))
    moved = [step for step in steps[:last] if touches_database_file(step)]
    assert len(moved) > 100, "hardly any checkpoint: cuts amid one prove nothing"
    assert sum(isinstance(step, Promised) for step in steps) > CLIENTS * TURNS * 3


@pytest.mark.parametrize("level", ["OFF", "NORMAL"])
def test_without_a_sync_for_each_commit_a_power_cut_loses_acknowledged_changes(sqlite_template, level):
    weakened = record(sqlite_template, f"PRAGMA synchronous={level}")
    assert any("was answered" in flaw for flaw in flaws_after_cuts(weakened, seed=0))


@pytest.mark.parametrize(
    "loss",
    [
        "UPDATE directory_user SET version = version + 1 WHERE id = (SELECT min(id) FROM directory_user)",
        "DELETE FROM user_email WHERE user_id = (SELECT min(user_id) FROM user_email)",
        "DELETE FROM event WHERE sequence = (SELECT max(sequence) FROM event)",
        "DELETE FROM audit_record WHERE sequence = (SELECT max(sequence) FROM audit_record WHERE outcome = 'ok')",
        "DELETE FROM audit_record WHERE sequence = (SELECT max(sequence) FROM audit_record WHERE phase = 'intent')",
        "DELETE FROM group_member WHERE member_id = (SELECT min(member_id) FROM group_member)",
    ],
)
def test_a_half_change_is_noticed(recording, loss):
    platter = Platter({FILE: recording.before})
    platter.follow(recording.trace)
    with (
        put_back(platter.after_power_cut(Fate.KEPT, random.Random(0))) as database,
        installed_on(database) as installed,
    ):
        assert flaws_in(installed, platter.promises) == []
        assert installed.change(lambda tx: tx.connection.execute(loss).rowcount) > 0
        assert flaws_in(installed, platter.promises) != []
