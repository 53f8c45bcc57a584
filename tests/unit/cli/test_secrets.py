import json

import pytest


@pytest.fixture
def keys_file(rolecall, tmp_path):
    rolecall("admin", "migrate")
    return tmp_path / "data" / "keys.json"


def keys(rolecall):
    return rolecall("admin", "secrets", "status", "--json").json["keys"]


def test_migrate_makes_the_key_ring_and_status_never_shows_a_key(rolecall, keys_file):
    (key,) = keys(rolecall)
    assert (key["seals"], key["sealed"]) == (True, 0)
    secret = json.loads(keys_file.read_text())["keys"][key["id"]]["secret"]
    for options in ((), ("--json",)):
        assert secret not in rolecall("admin", "secrets", "status", *options).out


def test_rotate_makes_a_new_key_and_the_old_one_can_be_forgotten(rolecall, keys_file):
    (old,) = keys(rolecall)
    new = rolecall("admin", "secrets", "rotate", "--json").json["primary"]
    assert new != old["id"]
    assert {key["id"] for key in keys(rolecall) if key["seals"]} == {new}
    assert rolecall("admin", "secrets", "rotate", "--resume", "--json").json["primary"] == new
    assert rolecall("admin", "secrets", "forget", new).code == 4
    assert rolecall("admin", "secrets", "forget", old["id"]).code == 0
    assert rolecall("admin", "secrets", "forget", old["id"]).code == 5
    assert [key["id"] for key in keys(rolecall)] == [new]
    events = rolecall("admin", "events", "tail", "--warnings").out
    assert [name in events for name in ("storage.secret-key.made", "storage.secret-key.forgotten")] == [True, True]


def test_a_key_file_that_others_can_read_is_refused_and_doctor_says_so(rolecall, keys_file):
    keys_file.chmod(0o644)
    ended = rolecall("admin", "secrets", "status")
    assert (ended.code, "chmod 600" in ended.err) == (2, True)
    assert rolecall("admin", "migrate").code == 2
    checks = rolecall("admin", "doctor", "--json").json["checks"]
    assert {check["subject"] for check in checks if "keys.json" in check["found"]} == {"private key", "key ring"}


def test_keys_of_the_variable_are_used_in_place_of_the_file(rolecall, keys_file, monkeypatch):
    (key,) = keys(rolecall)
    monkeypatch.setenv("ROLECALL_KEYS", keys_file.read_text())
    keys_file.unlink()
    assert keys(rolecall) == [key]
    ended = rolecall("admin", "secrets", "rotate")
    assert (ended.code, "ROLECALL_KEYS" in ended.err) == (4, True)
    monkeypatch.setenv("ROLECALL_KEYS", "{}")
    ended = rolecall("admin", "secrets", "status")
    assert (ended.code, ended.out) == (2, "")
