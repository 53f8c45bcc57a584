import json
import sqlite3

import pytest

from rolecall.events import audit
from rolecall.events.calls import Call


@pytest.fixture
def database(rolecall, on_installation, tmp_path):
    """The database file of an installation whose audit log has three records."""
    rolecall("admin", "migrate")
    calls = [Call(request_id=name, method="GET", target=f"/{name}") for name in "abc"]
    on_installation(lambda tx: audit.record_results(tx, calls))
    return tmp_path / "data" / "rolecall.sqlite3"


def execute(database, statement):
    with sqlite3.connect(database) as connection:
        connection.execute(statement)
    connection.close()


def test_a_sealed_log_is_whole_and_its_checkpoint_proves_what_comes_later(rolecall, database):
    before = rolecall("admin", "audit", "verify", "--json").json
    assert (before["whole"], before["records"], before["unsealed"], before["checkpoint"]) == (True, 0, 3, None)
    checkpoint = rolecall("admin", "audit", "seal").out.strip()
    assert rolecall("admin", "audit", "seal", "--json").json == {"seals": 0, "checkpoint": checkpoint}
    ended = rolecall("admin", "audit", "verify")
    assert ended.code == 0
    assert "is whole: 3 records in 1 seals; 0 not sealed yet." in ended.out
    assert ended.out.splitlines()[-1] == f"checkpoint: {checkpoint}"
    since = rolecall("admin", "audit", "verify", "--since", checkpoint, "--json")
    assert (since.code, since.json["whole"], since.json["records"]) == (0, True, 0)


def test_an_empty_log_has_nothing_to_seal(rolecall):
    rolecall("admin", "migrate")
    assert rolecall("admin", "audit", "seal").out == "There is nothing to seal yet.\n"
    assert "checkpoint: none" in rolecall("admin", "audit", "verify").out


def test_what_was_done_to_the_log_is_named_and_ends_with_code_6(rolecall, database):
    checkpoint = rolecall("admin", "audit", "seal").out.strip()
    execute(database, "UPDATE audit_record SET target = '/x' WHERE sequence = 2")
    ended = rolecall("admin", "audit", "verify")
    assert ended.code == 6
    assert "changed  sequence 2  It is not what was sealed." in ended.out
    assert "The audit log is NOT whole" in ended.out
    ended = rolecall("admin", "audit", "verify", "--json")
    assert (ended.code, ended.json["whole"]) == (6, False)
    assert [(each["kind"], each["sequence"]) for each in ended.json["findings"]] == [("changed", 2)]
    for table in ("audit_record", "audit_seal", "event"):
        execute(database, f"DELETE FROM {table}")
    ended = rolecall("admin", "audit", "verify", "--since", checkpoint)
    assert (ended.code, "cut_off  sequence 3" in ended.out) == (6, True)


def test_what_is_no_checkpoint_is_refused(rolecall, database):
    ended = rolecall("admin", "audit", "verify", "--since", "yesterday")
    assert (ended.code, "A checkpoint begins with rlc1:" in ended.err) == (2, True)


def test_how_far_a_verification_is_shows_on_a_terminal(rolecall, database, monkeypatch):
    rolecall("admin", "audit", "seal")
    monkeypatch.setattr("rolecall.cli.admin.audit._is_terminal", lambda: True)
    ended = rolecall("admin", "audit", "verify", "--json")
    assert ended.err.endswith("\r3 of 3\n")
    assert json.loads(ended.out)["whole"]


def test_a_lost_key_ring_is_a_finding(rolecall, database, tmp_path):
    rolecall("admin", "audit", "seal")
    (tmp_path / "data" / "keys.json").unlink()
    ended = rolecall("admin", "audit", "verify")
    assert (ended.code, "key_missing  sequence 1" in ended.out) == (6, True)
    assert rolecall("admin", "audit", "seal").code == 0  # there is nothing to seal
