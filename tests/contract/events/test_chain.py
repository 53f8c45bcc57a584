"""Does the audit log show whatever is done to it by SQL, and nothing else, on either database?"""

import threading
from datetime import timedelta

import pytest

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import SYSTEM
from rolecall.events import audit
from rolecall.events.chain import decide, sealing, verifying
from rolecall.events.chain.sealer import SealerThread
from rolecall.events.chain.store import COLUMNS
from rolecall.events.tables import audit_record
from rolecall.kernel.errors import Forbidden
from rolecall.storage.errors import UniqueViolation
from rolecall.storage.resealing import forget_key
from rolecall.storage.secrets import SecretKeyInUse
from tests.make.actors import all_but
from tests.make.chain import key_ring, seal, verify, write_records
from tests.make.jobs import wait_until


@pytest.fixture
def keys(tmp_path, installed):
    return key_ring(tmp_path, installed)


@pytest.fixture
def numbers(installed, keys):
    """The sequence numbers of five records in two seals."""
    write_records(installed, "a", "b", "c")
    seal(installed, keys)
    write_records(installed, "d", "e")
    seal(installed, keys)
    return [record.sequence for record in installed.ask(audit.list_records, limit=9)][::-1]


def execute(installed, statement):
    """Do to the database what somebody does who has nothing but that."""
    installed.change(lambda tx: tx.connection.execute(statement))


def newest_checkpoint(installed):
    return decide.to_checkpoint(installed.ask(sealing.find_last_seal))


def test_every_column_of_a_record_is_sealed():
    assert set(COLUMNS) == {column.name for column in audit_record.c}


def test_a_log_that_nobody_touched_is_whole(installed, keys, numbers):
    write_records(installed, "f")
    step, found = verify(installed, keys, since=newest_checkpoint(installed))
    assert (found, step.records, step.seals, step.unsealed) == ([], 0, 0, 1)
    step, found = verify(installed, keys)
    assert (found, step.records, step.seals, step.unsealed) == ([], len(numbers), 2, 1)


def test_an_empty_log_is_whole(installed, keys):
    step, found = verify(installed, keys)
    assert (found, step.seals, step.unsealed, step.previous) == ([], 0, 0, None)
    assert seal(installed, keys) == 0


@pytest.mark.parametrize(
    "statement, kind, place",
    [
        ("UPDATE audit_record SET user_name = 'nobody' WHERE sequence = {n}", "changed", 1),
        ("UPDATE audit_record SET recorded_at = recorded_at + 1 WHERE sequence = {n}", "changed", 4),
        ("DELETE FROM audit_record WHERE sequence = {n}", "removed", 0),
        ("DELETE FROM audit_record WHERE sequence = {n}", "removed", 4),
        ("UPDATE audit_seal SET sealed_at = sealed_at + 1 WHERE last_sequence = {n}", "seal_changed", 4),
        ("DELETE FROM audit_seal WHERE last_sequence = {n}", "seal_removed", 2),
    ],
)
def test_what_somebody_does_by_sql_is_found_and_named(installed, keys, numbers, statement, kind, place):
    execute(installed, statement.format(n=numbers[place]))
    _step, found = verify(installed, keys)
    if kind.startswith("seal"):
        assert [each for each, _ in found if each != "cut_off"] == [kind]
    else:
        assert found == [(kind, numbers[place])]


def test_an_inserted_record_is_found(installed, keys, numbers):
    execute(installed, f"DELETE FROM audit_record WHERE sequence = {numbers[1]}")
    execute(
        installed,
        "INSERT INTO audit_record (sequence, phase, request_id, recorded_at) VALUES "
        f"({numbers[1]}, 'result', 'forged', 0), ({numbers[0] - 100}, 'result', 'forged', 0)",
    )
    _step, found = verify(installed, keys)
    assert found == [("inserted", numbers[0] - 100), ("changed", numbers[1])]


def test_records_that_changed_places_are_found(installed, keys, numbers):
    one, two = numbers[0], numbers[4]
    for before, after in ((one, -1), (two, one), (-1, two)):
        execute(installed, f"UPDATE audit_record SET sequence = {after} WHERE sequence = {before}")
    _step, found = verify(installed, keys)
    assert found == [("changed", one), ("changed", two)]


def test_a_log_that_was_cut_off_is_found_by_the_checkpoint_in_the_log_file(installed, keys, numbers):
    noted = newest_checkpoint(installed)
    for table, column in (("audit_record", "sequence"), ("audit_seal", "last_sequence")):
        execute(installed, f"DELETE FROM {table} WHERE {column} > {numbers[2]}")
    _step, found = verify(installed, keys)
    assert found == []  # the database alone cannot tell
    _step, found = verify(installed, keys, since=noted)
    assert found == [("cut_off", numbers[4])]


def test_a_log_of_which_everything_is_gone_is_found_by_the_event_that_told_of_it(installed, keys, numbers):
    for table in ("audit_record", "audit_seal"):
        execute(installed, f"DELETE FROM {table}")
    _step, found = verify(installed, keys)
    assert found == [("cut_off", numbers[2])]


def test_an_event_that_tells_of_another_checkpoint_is_found(installed, keys, numbers):
    execute(installed, "UPDATE event SET data = '{}' WHERE subject_id = 'audit-log'")
    _step, found = verify(installed, keys)
    assert found == [("cut_off", 0)]


def test_a_chain_that_somebody_made_anew_without_the_key_is_found(installed, keys, numbers, tmp_path):
    execute(installed, "UPDATE audit_record SET user_name = 'nobody'")
    execute(installed, "DELETE FROM audit_seal")
    (tmp_path / "other").mkdir()
    seal(installed, key_ring(tmp_path / "other", installed))
    kinds = {kind for kind, _ in verify(installed, keys)[1]}
    assert kinds == {"cut_off", "key_missing"}
    execute(installed, f"UPDATE audit_seal SET key_id = '{keys.primary}'")
    kinds = {kind for kind, _ in verify(installed, keys)[1]}
    assert kinds == {"cut_off", "seal_changed"}


def test_a_new_key_seals_and_the_old_one_stays_while_it_proves_something(installed, keys, numbers):
    old = keys.primary
    installed.clock.advance(timedelta(minutes=1))
    keys.rotate(installed.clock.now)
    write_records(installed, "f")
    seal(installed, keys)
    assert installed.ask(sealing.find_last_seal).key_id == keys.primary != old
    assert verify(installed, keys)[1] == []
    with pytest.raises(SecretKeyInUse) as refused:
        installed.change(forget_key, keys, old)
    assert "2 seals" in refused.value.detail
    assert old in keys.key_ids


def test_many_records_are_sealed_in_blocks_and_read_in_steps(installed, keys, monkeypatch):
    monkeypatch.setattr(decide, "MOST_RECORDS", 3)
    write_records(installed, *map(str, range(40)))
    assert seal(installed, keys) == 14
    step, found = verify(installed, keys)
    assert (found, step.records, step.seals) == ([], 40, 14)


def test_a_checkpoint_is_told_at_first_and_then_now_and_then(installed, keys):
    for _ in range(3):
        write_records(installed, "a")
        seal(installed, keys)
    installed.clock.advance(decide.CHECKPOINT_TIME)
    write_records(installed, "b")
    seal(installed, keys)
    told = [event for event in installed.events() if event.type == "events.audit.checkpoint-made"]
    assert len(told) == 2
    assert decide.parse_checkpoint(told[-1].data["checkpoint"]) == newest_checkpoint(installed)


def test_of_two_sealers_one_seals_until_it_is_silent(installed, keys):
    write_records(installed, "a")
    assert seal(installed, keys, name="one") == 1
    write_records(installed, "b")
    assert seal(installed, keys, name="two") == 0
    installed.clock.advance(decide.QUIET)
    assert seal(installed, keys, name="two") == 1
    write_records(installed, "c")
    assert seal(installed, keys, name="one") == 0
    assert seal(installed, keys, name="one", insists=True) == 1
    assert verify(installed, keys)[1] == []


def test_two_that_seal_at_one_time_make_one_chain(installed, keys):
    write_records(installed, *map(str, range(50)))
    barrier, counts = threading.Barrier(4), []

    def work(name):
        for _ in range(10):
            barrier.wait(20)
            write_records(installed, name)
            counts.append(seal(installed, keys, name=name, insists=True))

    threads = [threading.Thread(target=work, args=(f"sealer {n}",)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    seal(installed, keys, insists=True)
    step, found = verify(installed, keys)
    assert (found, step.records, step.unsealed) == ([], 90, 0)
    assert len(counts) == 40


def test_whoever_is_slower_writes_nothing(installed, keys, monkeypatch):
    write_records(installed, "a")

    def taken(_tx, _seals):
        raise UniqueViolation("pk_audit_seal")

    monkeypatch.setattr(sealing, "_save_seals", taken)
    assert seal(installed, keys) == 0
    monkeypatch.undo()
    assert seal(installed, keys) == 1


def forget(installed, keys, *, days, limit=2):
    before = installed.clock.now - timedelta(days=days)
    if installed.change(lambda tx: sealing.begin_to_forget(tx, keys, before=before), actor=SYSTEM):
        while installed.change(lambda tx: sealing.forget_slice(tx, keys, limit=limit), actor=SYSTEM):
            yield


@pytest.fixture
def aged(installed, keys):
    """Five records a day, in one checkpoint each, for four days."""
    for day in range(4):
        write_records(installed, *(f"{day}-{number}" for number in range(5)))
        seal(installed, keys)
        installed.clock.advance(timedelta(days=1))


@pytest.mark.usefixtures("aged")
def test_old_records_are_forgotten_up_to_a_checkpoint_and_the_rest_is_still_proven(installed, keys):
    everything, _ = verify(installed, keys)
    begun_before = newest_checkpoint(installed)
    oldest = decide.to_checkpoint(installed.ask(lambda tx: verifying.store.find_seal(tx, 1)))
    for _ in forget(installed, keys, days=2):
        # However it is interrupted, there is no false alarm.
        assert verify(installed, keys)[1] == []
    step, found = verify(installed, keys)
    assert (found, everything.records, step.records, step.seals) == ([], 20, 10, 2)
    assert installed.count_rows("audit_record") == 10
    assert installed.count_rows("audit_seal") == 3
    # A checkpoint that was noted before, of what is forgotten or not, stays good.
    for noted in (oldest, begun_before):
        assert verify(installed, keys, since=noted)[1] == []
    assert list(forget(installed, keys, days=2)) == []
    assert installed.event_types().count("events.audit.records-forgotten") == 1


@pytest.mark.usefixtures("aged")
def test_a_verification_under_way_goes_on_while_records_are_forgotten(installed, keys):
    step = installed.ask(lambda tx: verifying.begin(tx, keys))
    list(forget(installed, keys, days=1))
    step = installed.ask(lambda tx: verifying.go_on(tx, keys, step))
    assert (step.findings, step.done, step.records) == ((), True, 5)


@pytest.mark.usefixtures("aged")
def test_who_removes_the_beginning_cannot_make_it_look_forgotten(installed, keys):
    stub = installed.ask(lambda tx: verifying.store.find_seal(tx, 2))
    execute(installed, f"DELETE FROM audit_record WHERE sequence <= {stub.last_sequence}")
    execute(installed, "DELETE FROM audit_seal WHERE number < 2")
    assert {kind for kind, _ in verify(installed, keys)[1]} == {"cut_off", "seal_removed", "removed"}
    execute(installed, f"UPDATE audit_seal SET cut_at = 1, cut_done = 1, cut_hmac = '{stub.hmac}' WHERE number = 2")
    assert verify(installed, keys)[1] == [("cut_forged", stub.last_sequence)]


@pytest.mark.usefixtures("aged")
def test_a_record_that_comes_back_after_it_was_forgotten_is_found(installed, keys):
    list(forget(installed, keys, days=2))
    execute(
        installed,
        "INSERT INTO audit_record (sequence, phase, request_id, recorded_at) VALUES (-7, 'result', 'forged', 0)",
    )
    assert verify(installed, keys)[1] == [("inserted", -7)]


def test_the_thread_seals_what_is_written_and_says_so_when_the_end_is_lost(installed, keys, monkeypatch):
    monkeypatch.setattr("rolecall.events.chain.sealer._PAUSE_SECONDS", 0.05)
    thread = SealerThread(installed.transactions, keys, clock=installed.clock)
    thread.start()
    try:
        for name in ("a", "b"):
            write_records(installed, name)
            wait_until(lambda: verify(installed, keys)[0].unsealed == 0)
        execute(installed, "DELETE FROM audit_seal WHERE number = (SELECT max(number) FROM audit_seal)")
        wait_until(lambda: "events.audit.log-rewound" in installed.event_types())
        write_records(installed, "c")
    finally:
        thread.stop()
    assert verify(installed, keys)[0].unsealed == 0
    assert installed.event_types().count("events.audit.log-rewound") == 1


def test_the_thread_goes_on_when_the_keys_are_there_again(installed, tmp_path, monkeypatch):
    monkeypatch.setattr("rolecall.events.chain.sealer._PAUSE_SECONDS", 0.05)
    keys = key_ring(tmp_path, installed)
    keys.path.rename(tmp_path / "away")
    write_records(installed, "a")
    thread = SealerThread(installed.transactions, keys, clock=installed.clock)
    thread.start()
    try:
        wait_until(lambda: thread._failing)
        (tmp_path / "away").rename(keys.path)
        wait_until(lambda: installed.count_rows("audit_seal") == 1)
    finally:
        thread.stop()


NEEDED = {
    "to begin a verification": (verifying.begin, Action.AUDIT_READ),
    "to go on with it": (
        lambda tx, keys: verifying.go_on(tx, keys, verifying.Verified(previous=None, findings=())),
        Action.AUDIT_READ,
    ),
    "to see the last number": (lambda tx, _keys: verifying.last_sequence(tx), Action.AUDIT_READ),
    "to see the last seal": (lambda tx, _keys: sealing.find_last_seal(tx), Action.AUDIT_READ),
    "to tell of a loss": (lambda tx, _keys: sealing.tell_rewound(tx, None), Action.AUDIT_SEAL),
    "to begin to forget": (
        lambda tx, keys: sealing.begin_to_forget(tx, keys, before=tx.now),
        Action.AUDIT_DELETE,
    ),
    "to forget": (lambda tx, keys: sealing.forget_slice(tx, keys, limit=1), Action.AUDIT_DELETE),
}


@pytest.mark.parametrize("what", NEEDED)
def test_each_of_these_needs_its_action(installed_sqlite, tmp_path, what):
    work, action = NEEDED[what]
    keys = key_ring(tmp_path, installed_sqlite)
    with pytest.raises(Forbidden):
        installed_sqlite.change(work, keys, actor=all_but(action))


def test_sealing_needs_its_action(installed_sqlite, tmp_path):
    write_records(installed_sqlite, "a")
    sealer = sealing.Sealer(keys=key_ring(tmp_path, installed_sqlite), name="x")
    with pytest.raises(Forbidden):
        sealing.seal_waiting(installed_sqlite.transactions, all_but(Action.AUDIT_SEAL), sealer)
