"""Does a seal prove its block: is whatever is done to a sealed log found, and nothing else?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.events.chain import decide
from rolecall.events.chain.model import BadCheckpoint, Checkpoint, Finding, FindingKind

NOW = datetime(2026, 11, 25, tzinfo=UTC)
KEYS = {"old": b"o" * 32, "new": b"n" * 32}
VALUES = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=6))


def rows_of(values):
    """Return records with sequence numbers from 10 on, with gaps."""
    return [(10 + 3 * place, *each) for place, each in enumerate(values)]


def sealed(rows, size=2, *, since=None):
    """Return the chain over the records, the later half of it made with another key."""
    seals = [] if since is None else [since]
    blocks = [rows[start : start + size] for start in range(0, len(rows), size)]
    for place, block in enumerate(blocks):
        key_id = "old" if place < len(blocks) / 2 else "new"
        seals.append(
            decide.made_seal(
                block,
                after=seals[-1] if seals else None,
                key=KEYS[key_id],
                key_id=key_id,
                now=NOW,
                by="sealer",
                checkpoint=place % 2 == 0,
            )
        )
    return seals


def findings_in(seals, rows, *, noted=None):
    """Return what is found in a log, read as `verifying` reads it."""
    found, previous = [], None
    for seal in sorted(seals, key=lambda each: each.number):
        bound = decide.lower_bound(seal, previous)
        block = sorted(row for row in rows if bound < row[0] <= seal.last_sequence)
        found += decide.check_block(seal, previous, block, KEYS.get)
        previous = seal
    if noted is not None:
        found += decide.check_checkpoint(noted, next((each for each in seals if each.number == noted.number), None))
    return found


def kinds_in(seals, rows, **named):
    return [(each.kind, each.sequence) for each in findings_in(seals, rows, **named)]


LOGS = st.lists(st.tuples(VALUES, VALUES), min_size=3, max_size=9).map(rows_of)


@given(LOGS, st.integers(1, 4))
def test_a_log_that_nobody_touched_is_whole(rows, size):
    seals = sealed(rows, size)
    assert findings_in(seals, rows, noted=decide.to_checkpoint(seals[-1])) == []


@given(LOGS, st.data())
def test_a_changed_record_is_found_and_named(rows, data):
    seals = sealed(rows)
    place = data.draw(st.integers(0, len(rows) - 1))
    other = data.draw(st.tuples(VALUES, VALUES).filter(lambda values: values != rows[place][1:]))
    changed = [*rows[:place], (rows[place][0], *other), *rows[place + 1 :]]
    assert kinds_in(seals, changed) == [(FindingKind.CHANGED, rows[place][0])]


@given(LOGS, st.data())
def test_a_removed_record_is_found_and_named(rows, data):
    place = data.draw(st.integers(0, len(rows) - 1))
    found = kinds_in(sealed(rows), [*rows[:place], *rows[place + 1 :]])
    assert found == [(FindingKind.REMOVED, rows[place][0])]


@given(LOGS, st.data())
def test_an_inserted_record_is_found_and_named(rows, data):
    taken = {row[0] for row in rows}
    sequence = data.draw(st.integers(-5, rows[-1][0]).filter(lambda number: number not in taken))
    assert kinds_in(sealed(rows), [*rows, (sequence, None, None)]) == [(FindingKind.INSERTED, sequence)]


@given(LOGS, st.data())
def test_two_records_that_changed_places_are_found_and_named(rows, data):
    seals = sealed(rows)
    one, two = sorted(data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=2, max_size=2, unique=True)))
    swapped = list(rows)
    swapped[one], swapped[two] = (rows[one][0], *rows[two][1:]), (rows[two][0], *rows[one][1:])
    same = rows[one][1:] == rows[two][1:]
    changed = [(FindingKind.CHANGED, rows[place][0]) for place in (one, two)]
    assert kinds_in(seals, swapped) == ([] if same else changed)


@given(LOGS, st.integers(0, 3))
def test_a_log_that_was_cut_off_is_found_by_the_last_checkpoint(rows, kept):
    seals = sealed(rows, 1)
    noted = decide.to_checkpoint(seals[-1])
    last = seals[kept - 1].last_sequence if kept and kept < len(seals) else 0
    left = [row for row in rows if row[0] <= last]
    short = [seal for seal in seals if seal.last_sequence <= last]
    assert kinds_in(short, left) == []
    assert kinds_in(short, left, noted=noted) == [(FindingKind.CUT_OFF, noted.last_sequence)]


@given(LOGS)
def test_a_log_that_was_written_anew_is_found_by_the_last_checkpoint(rows):
    noted = decide.to_checkpoint(sealed(rows)[-1])
    others = [(row[0], "another", None) for row in rows if row[1:] != ("another", None)] or [(10, None, None)]
    kinds = {kind for kind, _ in kinds_in(sealed(others), others, noted=noted)}
    assert kinds == {FindingKind.CUT_OFF}


@given(LOGS, st.data())
def test_a_removed_seal_is_found(rows, data):
    seals = sealed(rows, 1)
    gone = seals.pop(data.draw(st.integers(0, len(seals) - 2)))
    kinds = kinds_in(seals, rows)
    assert kinds == [(FindingKind.SEAL_REMOVED, seals[gone.number - 1].first_sequence)]
    # Its record with it: no less.
    assert kinds_in(seals, [row for row in rows if row[0] != gone.last_sequence]) == kinds


@pytest.mark.parametrize(
    "change",
    [
        {"first_sequence": 1},
        {"last_sequence": 14},
        {"marks": "{}"},
        {"marks": "[]"},
        {"marks": "no json"},
        {"marks": '{"x": "y"}'},
        {"previous": "0" * 64},
        {"hmac": "0" * 64},
        {"key_id": "new"},
        {"key_id": "none"},
        {"sealed_at": NOW + timedelta(seconds=1)},
        {"sealed_by": "another"},
        {"checkpoint": False},
    ],
)
def test_a_changed_seal_is_found(change):
    rows = rows_of([("a", 1), ("b", 2), ("c", 3), ("d", 4)])
    seals = sealed(rows)
    assert findings_in([replace(seals[0], **change), seals[1]], rows)


def test_a_seal_without_its_key_is_found():
    rows = rows_of([("a", 1)])
    seals = [replace(each, key_id="gone") for each in sealed(rows)]
    assert kinds_in(seals, rows) == [(FindingKind.KEY_MISSING, 10)]


def test_a_block_of_which_nothing_is_left_is_found():
    rows = rows_of([("a", 1), ("b", 2)])
    assert kinds_in(sealed(rows), []) == [(FindingKind.REMOVED, 10), (FindingKind.REMOVED, 13)]


@given(st.tuples(VALUES, VALUES), st.tuples(VALUES, VALUES))
def test_no_two_records_have_the_same_bytes(one, two):
    assert (decide.canonical(one) == decide.canonical(two)) == (one == two)


def test_what_a_column_of_sqlite_can_hold_besides_is_told_apart():
    odd = ["1", 1, 1.0, float("inf"), None, "None", b"1", "b'1'", "é"]
    assert len({decide.canonical((1, each)) for each in odd}) == len(odd)


def test_a_chain_goes_on_from_a_stub_and_a_forged_stub_is_found():
    rows = rows_of([("a", 1), ("b", 2)])
    (seal,) = sealed(rows)
    begun = decide.cut_at(seal, now=NOW, key=KEYS["old"])
    done = decide.cut_done(begun, key=KEYS["old"])
    assert decide.check_stub(begun, KEYS.get) == decide.check_stub(done, KEYS.get) == ()
    further = [(100, "c", 3)]
    (_, next_seal) = sealed(further, since=done)
    assert decide.check_block(next_seal, done, further, KEYS.get) == ()
    for forged in (
        replace(seal, cut_at=NOW),
        replace(begun, cut_done=True),
        replace(done, cut_at=None),
        replace(done, last_sequence=99),
        replace(done, hmac="0" * 64),
    ):
        assert [each.kind for each in decide.check_stub(forged, KEYS.get)] == [FindingKind.CUT_FORGED]
    lost = replace(done, key_id="gone")
    assert [each.kind for each in decide.check_stub(lost, KEYS.get)] == [FindingKind.KEY_MISSING]


def test_a_checkpoint_is_due_at_first_then_after_many_records_or_some_time():
    told = Checkpoint(number=1, last_sequence=100, sealed_at=NOW, key_id="old", hmac="")
    later = NOW + decide.CHECKPOINT_TIME

    def is_due(last, sequence, now):
        return decide.is_checkpoint_due(last, sequence=sequence, now=now)

    assert is_due(None, 1, NOW)
    assert not is_due(told, 100 + decide.CHECKPOINT_RECORDS - 1, later - timedelta(microseconds=1))
    assert is_due(told, 100 + decide.CHECKPOINT_RECORDS, NOW)
    assert is_due(told, 101, later)


def test_one_seals_until_it_is_silent():
    (seal,) = sealed(rows_of([("a", 1), ("b", 2)]))
    assert decide.may_seal(None, by="another", now=NOW)
    assert decide.may_seal(seal, by="sealer", now=NOW)
    assert not decide.may_seal(seal, by="another", now=NOW + decide.QUIET - timedelta(microseconds=1))
    assert decide.may_seal(seal, by="another", now=NOW + decide.QUIET)


def test_a_chain_that_lost_or_changed_its_end_is_rewound():
    first, second = sealed(rows_of([("a", 1), ("b", 2)]), 1)
    assert not decide.is_rewound(None, number=0, code="")
    assert not decide.is_rewound(first, number=second.number, code=second.hmac)
    assert not decide.is_rewound(second, number=second.number, code=second.hmac)
    assert decide.is_rewound(second, number=first.number, code=first.hmac)
    assert decide.is_rewound(first, number=0, code="")
    assert decide.is_rewound(first, number=first.number, code="0" * 64)


def test_a_checkpoint_survives_being_written_down():
    noted = decide.to_checkpoint(sealed(rows_of([("a", 1)]))[0])
    text = decide.render_checkpoint(noted)
    assert decide.parse_checkpoint(f" {text}\n") == noted
    assert decide.check_told(f'{{"checkpoint": "{text}"}}') == noted


@pytest.mark.parametrize(
    "text", ["", "rlc1:1:2:3:key:ab", f"rlc1:1:2:{'9' * 17}:key:{'0' * 63}", f"rlc1:1:2:{'9' * 18}:k:{'0' * 64}"]
)
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(BadCheckpoint):
        decide.parse_checkpoint(text)


@pytest.mark.parametrize("data", ["", "[]", "{}", '{"checkpoint": "x"}', "1"])
def test_an_event_of_a_checkpoint_that_was_changed_is_a_finding(data):
    told = decide.check_told(data)
    assert isinstance(told, Finding)
    assert told.kind is FindingKind.CUT_OFF
