import sqlite3
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from rolecall.authentication.model import ApiKey, ApiKeyId, KeyLimits
from rolecall.authorization.roles import SCIM_PROVISIONER
from rolecall.cli.admin.checks import (
    State,
    Verdict,
    check_files,
    check_revision,
    check_sqlite,
    check_state,
    check_variables,
)
from rolecall.directory.installation import Installation
from rolecall.directory.model import ROOT_TEAM, User, UserId, UserKind, UserState
from rolecall.settings import Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def key(**changed):
    fields = {
        "id": ApiKeyId("abcdefghijkl"),
        "secret_hash": "",
        "name": "key",
        "user_id": UserId("ada"),
        "user_name": "ada",
        "user_is_active": True,
        "team_id": ROOT_TEAM,
        "role": None,
        "created_at": NOW,
        "limits": KeyLimits(),
        "revoked_at": None,
        "last_used_at": None,
    }
    return ApiKey(**{**fields, **changed})


def person(*, active=True):
    return User(
        id=UserId("ada"),
        kind=UserKind.PERSON,
        state=UserState.ACTIVE if active else UserState.DEACTIVATED,
        profile={"userName": "ada", "active": active},
        connection_id=None,
        break_glass=True,
        version=1,
        created_at=NOW,
        changed_at=NOW,
    )


def state(**changed):
    fields = {
        "installation": Installation(public_url="https://rolecall.example.com", scim_enabled=True),
        "administrators": 1,
        "break_glass": person(),
        "keys": (key(), key(id=ApiKeyId("scimscimscim"), role=SCIM_PROVISIONER)),
        "newest_record_at": NOW - timedelta(minutes=1),
    }
    return State(**{**fields, **changed})


def findings(checks):
    return {(check.subject, check.verdict.value) for check in checks if check.verdict is not Verdict.OK}


def test_a_healthy_installation_has_no_findings():
    assert findings(check_state(state(), NOW)) == set()


@pytest.mark.parametrize(
    "changed, finding",
    [
        ({"administrators": 0}, ("administrators", "problem")),
        ({"break_glass": None}, ("break-glass user", "problem")),
        ({"break_glass": person(active=False)}, ("break-glass user", "problem")),
        ({"keys": (key(role=SCIM_PROVISIONER, user_id=UserId("x")),)}, ("break-glass user", "warning")),
        ({"keys": (key(),)}, ("SCIM", "warning")),
        ({"newest_record_at": NOW + timedelta(hours=1)}, ("clock", "problem")),
        ({"installation": Installation(public_url=None, scim_enabled=False)}, ("public URL", "warning")),
        (
            {"installation": Installation(public_url="http://rolecall.example.com", scim_enabled=False)},
            ("public URL", "problem"),
        ),
    ],
)
def test_each_fault_is_found_alone(changed, finding):
    assert findings(check_state(state(**changed), NOW)) == {finding}


@pytest.mark.parametrize(
    "changed",
    [
        {"installation": Installation(public_url="http://127.0.0.1:8080", scim_enabled=True)},
        {"installation": Installation(public_url="https://x.example", scim_enabled=False), "keys": (key(),)},
        {"newest_record_at": None},
    ],
)
def test_what_is_fine_is_not_complained_of(changed):
    assert findings(check_state(state(**changed), NOW)) == set()


def test_a_key_that_ends_soon_is_pointed_out_and_one_that_ends_later_is_not():
    scim = key(id=ApiKeyId("scimscimscim"), role=SCIM_PROVISIONER)
    soon = key(id=ApiKeyId("soonsoonsoon"), limits=KeyLimits(expires_at=NOW + timedelta(days=3)))
    later = key(limits=KeyLimits(expires_at=NOW + timedelta(days=300)))
    checks = [check for check in check_state(state(keys=(scim, soon, later)), NOW) if check.subject == "API keys"]
    assert [check.verdict for check in checks] == [Verdict.WARNING]
    assert "soonsoonsoon" in checks[0].found


def test_every_finding_says_what_to_do():
    faulty = state(administrators=0, break_glass=None, keys=(), newest_record_at=NOW + timedelta(days=1))
    for check in check_state(faulty, NOW):
        assert (check.verdict is Verdict.OK) is (check.advice == "")


def test_open_directories_and_keys_are_found(tmp_path):
    (tmp_path / "self-signed-key.pem").write_text("key")
    tmp_path.chmod(0o755)
    (tmp_path / "self-signed-key.pem").chmod(0o644)
    assert findings(check_files(Settings(data_dir=tmp_path))) == {
        ("data directory", "warning"),
        ("private key", "problem"),
    }


def test_closed_directories_and_keys_are_fine(tmp_path):
    certificate, own_key = tmp_path / "c.pem", tmp_path / "k.pem"
    for file in (certificate, own_key):
        file.write_text("x")
        file.chmod(0o600)
    tmp_path.chmod(0o700)
    assert findings(check_files(Settings(data_dir=tmp_path, tls_cert=certificate, tls_key=own_key))) == set()


def test_a_missing_data_directory_is_a_problem(tmp_path):
    assert findings(check_files(Settings(data_dir=tmp_path / "none"))) == {("data directory", "problem")}


def test_a_missing_data_directory_is_none_with_a_database_elsewhere(tmp_path):
    settings = Settings(data_dir=tmp_path / "none", database_url="postgresql://db/x")
    assert list(check_files(settings)) == []


@pytest.mark.parametrize("free, verdict", [(50, Verdict.PROBLEM), (500, Verdict.WARNING), (5000, Verdict.OK)])
def test_little_disk_space_is_found_before_there_is_none(tmp_path, monkeypatch, free, verdict):
    mebibytes = free * 1024 * 1024
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=mebibytes))
    (check,) = [each for each in check_files(Settings(data_dir=tmp_path)) if each.subject == "disk space"]
    assert check.verdict is verdict


@pytest.fixture
def sqlite_file(tmp_path):
    path = tmp_path / "x.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    connection.execute("CREATE TABLE child (parent_id INTEGER REFERENCES parent (id), filler TEXT)")
    connection.executemany("INSERT INTO child VALUES (NULL, ?)", [("x" * 500,)] * 100)
    connection.commit()
    yield path, connection
    connection.close()


def test_an_intact_file_is_fine(sqlite_file):
    assert findings(check_sqlite(sqlite_file[0])) == set()


def test_a_damaged_file_is_a_problem(sqlite_file):
    path, connection = sqlite_file
    connection.close()
    body = bytearray(path.read_bytes())
    body[4096:12288] = b"\xff" * 8192
    path.write_bytes(body)
    assert findings(check_sqlite(path)) == {("database file", "problem")}


def test_a_file_that_is_no_database_is_a_problem(tmp_path):
    (tmp_path / "x").write_text("no database" * 1000)
    assert findings(check_sqlite(tmp_path / "x")) == {("database file", "problem")}


def test_another_journal_mode_is_a_warning(sqlite_file):
    sqlite_file[1].execute("PRAGMA journal_mode=DELETE")
    assert findings(check_sqlite(sqlite_file[0])) == {("database file", "warning")}


def test_rows_that_refer_to_nothing_are_a_problem(sqlite_file):
    sqlite_file[1].execute("INSERT INTO child VALUES (7, '')")
    sqlite_file[1].commit()
    assert findings(check_sqlite(sqlite_file[0])) == {("database rows", "problem")}


@pytest.mark.parametrize("current, verdict", [("2", Verdict.OK), ("1", Verdict.PROBLEM), (None, Verdict.PROBLEM)])
def test_tables_of_another_revision_are_a_problem(current, verdict):
    assert check_revision(current, "2").verdict is verdict


def test_a_mistyped_variable_is_a_warning():
    assert findings(check_variables({"ROLECALL_PROT": "1", "ROLECALL_PORT": "1"})) == {("environment", "warning")}


def test_doctor_ends_with_code_0_when_nothing_is_wrong(rolecall, ada):
    rolecall("admin", "scim-setup", "--public-url", "https://rolecall.example.com")
    well = rolecall("admin", "doctor")
    assert well.code == 0, well.out
    assert "Problems: 0, warnings: 0." in well.out


def test_doctor_ends_with_code_6_when_something_is_wrong(rolecall):
    rolecall("admin", "scim-setup", "--public-url", "https://rolecall.example.com")
    sick = rolecall("admin", "doctor", "--json")
    assert sick.code == 6
    assert {check["subject"] for check in sick.json["checks"] if check["verdict"] == "problem"} == {
        "administrators",
        "break-glass user",
    }
    assert sick.json["problems"] == 2
    assert "rolecall admin setup-link" in rolecall("admin", "doctor").out


def test_doctor_finds_a_missing_installation_and_makes_none(rolecall, tmp_path):
    ended = rolecall("admin", "doctor", "--json")
    assert ended.code == 6
    assert {check["subject"] for check in ended.json["checks"]} == {"data directory", "tables"}
    assert not (tmp_path / "data").exists()


def test_doctor_finds_a_database_that_does_not_answer(rolecall):
    ended = rolecall("admin", "doctor", "--database-url", "postgresql://127.0.0.1:1/x", "--json")
    assert ended.code == 6
    assert "database" in {check["subject"] for check in ended.json["checks"]}
