import io
import json
import re
import stat
import subprocess
from ipaddress import ip_network

import pytest

from rolecall.authentication.actors import authenticate
from rolecall.authentication.api_keys import create_team_key
from rolecall.authentication.model import KeyLimits
from rolecall.authorization.actions import Action
from rolecall.authorization.roles import ADMIN
from rolecall.directory.groups import create_group
from rolecall.directory.model import ROOT_TEAM
from rolecall.directory.provisioned_users import create_user
from rolecall.events.audit import record_results
from rolecall.events.calls import Call
from tests.make.served import environment, rolecall_command

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def actor_of(on_installation, secret):
    return on_installation(lambda tx: authenticate(tx, secret)).actor


def test_scim_setup_makes_everything_that_an_identity_provider_needs(rolecall, on_installation):
    answer = rolecall("admin", "scim-setup", "--json").json
    assert set(answer) == {"base_url", "api_key", "user_name", "key_id"}
    assert answer["base_url"] == "http://127.0.0.1:8080/scim/v2"
    assert re.fullmatch(r"RLCL[A-Za-z0-9+/]{60}", answer["api_key"])
    assert answer["api_key"][4:16] == answer["key_id"]
    actor = actor_of(on_installation, answer["api_key"])
    assert actor.actions == {Action.PROVISIONED_READ, Action.PROVISIONED_WRITE}


def test_scim_setup_again_makes_another_key_for_the_same_user(rolecall, on_installation):
    first = rolecall("admin", "scim-setup", "--json").json
    second = rolecall("admin", "scim-setup", "--json").json
    users = {actor_of(on_installation, answer["api_key"]).user_id for answer in (first, second)}
    assert len(users) == 1
    assert first["api_key"] != second["api_key"]


def test_scim_setup_keeps_a_public_url_that_it_is_given(rolecall):
    rolecall("admin", "scim-setup", "--public-url", "https://rolecall.example.com/")
    answer = rolecall("admin", "scim-setup", "--json").json
    assert answer["base_url"] == "https://rolecall.example.com/scim/v2"


def test_scim_setup_takes_no_person_for_a_machine(rolecall, ada):
    ended = rolecall("admin", "scim-setup", "--user-name", "ada")
    assert (ended.code, ended.out) == (4, "")
    assert "is a person" in ended.err


def test_without_json_scim_setup_says_what_to_do_with_the_key(rolecall):
    ended = rolecall("admin", "scim-setup")
    assert "Base URL  http://127.0.0.1:8080/scim/v2" in ended.out
    assert "shown only this once" in ended.out


def test_create_key_makes_a_user_with_the_role_when_told_to(rolecall, on_installation):
    answer = rolecall(
        "admin", "create-key", "--user-name", "robot", "--role", "admin", "--create-user", "--team", "Root", "--json"
    ).json
    assert set(answer) == {"api_key", "key_id", "user_name", "role", "team"}
    assert actor_of(on_installation, answer["api_key"]).actions == frozenset(Action)


def test_create_key_without_a_role_lets_the_key_do_all_that_its_user_may(rolecall, ada, on_installation):
    answer = rolecall("admin", "create-key", "--user-name", "ada", "--json").json
    assert answer["role"] is None
    assert actor_of(on_installation, answer["api_key"]).actions == frozenset(Action)


@pytest.mark.parametrize(
    "options, code",
    [
        (["--user-name", "nobody"], 3),
        (["--user-name", "ada", "--team", "Nowhere"], 3),
        (["--user-name", "ada", "--role", "scim_provisioner"], 2),
        (["--user-name", "ada", "--role", "king"], 3),
        (["--user-name", "ada", "--expires-in-days", "0"], 2),
        ([], 2),
    ],
)
def test_create_key_refuses_what_cannot_be(rolecall, ada, options, code):
    ended = rolecall("admin", "create-key", *options)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err


def test_a_key_is_renamed_reinstated_and_deleted(rolecall, ada, on_installation):
    made = rolecall("admin", "create-key", "--user-name", "ada", "--json").json
    key = made["key_id"]
    assert "named Mine" in rolecall("admin", "keys", "rename", key, "Mine").out
    rolecall("admin", "keys", "revoke", key)
    assert "is usable" in rolecall("admin", "keys", "reinstate", key).out
    assert actor_of(on_installation, made["api_key"])
    (shown,) = [each for each in rolecall("admin", "keys", "list", "--json").json["keys"] if each["id"] == key]
    assert (shown["name"], shown["state"], shown["actions"], shown["networks"]) == ("Mine", "usable", None, [])
    assert "is gone" in rolecall("admin", "keys", "delete", key).out
    assert key not in rolecall("admin", "keys", "list").out
    for command in (["rename", key, "x"], ["reinstate", key], ["delete", key]):
        assert rolecall("admin", "keys", *command).code == 3


def test_a_key_of_a_team_is_listed_as_such(rolecall, on_installation, ada):
    on_installation(
        lambda tx: create_team_key(
            tx,
            team_id=ROOT_TEAM,
            name="SIEM",
            role=ADMIN,
            limits=KeyLimits(actions=frozenset({Action.AUDIT_READ}), networks=(ip_network("192.0.2.0/24"),)),
        )
    )
    assert "(a team)" in rolecall("admin", "keys", "list").out
    (shown,) = [each for each in rolecall("admin", "keys", "list", "--json").json["keys"] if each["name"] == "SIEM"]
    assert (shown["user_id"], shown["actions"], shown["networks"]) == (None, ["audit:read"], ["192.0.2.0/24"])


def test_keys_are_listed_without_secrets_and_end_when_revoked(rolecall, ada):
    made = rolecall("admin", "create-key", "--user-name", "ada", "--expires-in-days", "1", "--json").json
    assert rolecall("admin", "keys", "revoke", made["key_id"]).code == 0
    listed = rolecall("admin", "keys", "list", "--json")
    assert made["api_key"][16:] not in listed.out
    states = {key["id"]: key["state"] for key in listed.json["keys"]}
    assert states == {ada.key.id: "usable", made["key_id"]: "revoked"}
    assert "revoked" in rolecall("admin", "keys", "list").out
    assert rolecall("admin", "keys", "revoke", "nosuchkey000").code == 3


def test_a_user_is_shown_with_its_roles(rolecall, ada):
    shown = rolecall("admin", "users", "show", "ADA", "--json").json
    assert (shown["user_name"], shown["break_glass"]) == ("ada", True)
    assert shown["team_roles"][0]["role_id"] == "admin"
    assert "admin in Root (manual)" in rolecall("admin", "users", "show", "ada").out


def test_users_are_listed_page_by_page(rolecall, ada):
    rolecall("admin", "scim-setup")
    page = rolecall("admin", "users", "list", "--limit", "1", "--skip", "1", "--json").json
    assert page["total"] == 2
    assert [user["user_name"] for user in page["users"]] == ["scim"]
    assert "1 of 2 users." in rolecall("admin", "users", "list", "--limit", "1").out


def test_a_user_can_be_deactivated_reactivated_and_deleted(rolecall, ada):
    rolecall("admin", "scim-setup")

    def state():
        return rolecall("admin", "users", "show", "scim", "--json").json["state"]

    assert rolecall("admin", "users", "deactivate", "scim", "--reason", "on leave").code == 0
    assert state() == "deactivated"
    assert rolecall("admin", "users", "reactivate", "scim").code == 0
    assert state() == "active"
    assert rolecall("admin", "users", "delete", "scim", "--yes").code == 0
    assert rolecall("admin", "users", "show", "scim").code == 3


def test_deleting_asks_first_and_without_a_yes_nothing_happens(rolecall, ada, monkeypatch):
    rolecall("admin", "scim-setup")
    for answer, shown in (("", 0), ("n\n", 0), ("y\n", 3)):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        assert (rolecall("admin", "users", "delete", "scim").code == 0) is (answer == "y\n")
        assert rolecall("admin", "users", "show", "scim").code == shown


def test_a_role_is_given_and_taken_back(rolecall, ada):
    rolecall("admin", "scim-setup")
    assert rolecall("admin", "users", "assign", "scim", "--role", "admin").code == 0
    roles = [each["role_id"] for each in rolecall("admin", "users", "show", "scim", "--json").json["team_roles"]]
    assert roles == ["admin", "scim_provisioner"]
    ended = rolecall("admin", "users", "unassign", "scim", "--role", "admin")
    assert ended.out == "scim does not have the role admin in Root.\n"


def test_the_last_administrator_stays_and_the_refusal_says_why(rolecall, on_installation):
    rolecall("admin", "create-key", "--user-name", "robot", "--role", "admin", "--create-user")
    on_installation(lambda tx: create_user(tx, {"schemas": [USER], "userName": "bob"}))
    rolecall("admin", "users", "assign", "bob", "--role", "admin")
    for command in (["unassign", "bob", "--role", "admin"], ["deactivate", "bob"]):
        ended = rolecall("admin", "users", *command)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith("rolecall: bob is the last active administrator")
    # A machine is no administrator in whose place somebody would have to remain.
    assert rolecall("admin", "users", "deactivate", "robot").code == 0


def test_the_break_glass_user_is_moved_to_another_administrator(rolecall, ada, on_installation):
    bob = {"schemas": [USER], "userName": "bob"}
    on_installation(lambda tx: create_user(tx, bob))
    assert rolecall("admin", "users", "set-break-glass", "bob").code == 2
    rolecall("admin", "users", "assign", "bob", "--role", "admin")
    assert rolecall("admin", "users", "set-break-glass", "bob").code == 0
    marks = {
        user["user_name"]: user["break_glass"] for user in rolecall("admin", "users", "list", "--json").json["users"]
    }
    assert marks == {"ada": False, "bob": True}


def test_groups_are_shown_with_their_members(rolecall, ada, on_installation):
    bob = on_installation(lambda tx: create_user(tx, {"schemas": [USER], "userName": "bob", "displayName": "Bob"}))
    on_installation(lambda tx: create_group(tx, {"schemas": [GROUP], "displayName": "Staff [bold]"}, (bob.id,)))
    assert rolecall("admin", "groups", "list", "--json").json["total"] == 1
    shown = rolecall("admin", "groups", "show", "staff [bold]", "--json").json
    assert shown["members"] == [{"id": bob.id, "kind": "User", "display": "Bob"}]
    assert "Bob" in rolecall("admin", "groups", "show", "Staff [bold]").out
    assert "Staff [bold]" in rolecall("admin", "groups", "list").out
    assert rolecall("admin", "groups", "show", "Nobody").code == 3


def test_every_change_is_in_the_audit_log_with_its_command_and_never_with_a_secret(rolecall, ada):
    made = rolecall("admin", "create-key", "--user-name", "ada", "--name", "backup job", "--json").json
    rolecall("admin", "users", "unassign", "ada", "--role", "admin")
    ended = rolecall("admin", "audit", "tail", "--json", "-n", "4")
    records = [json.loads(line) for line in ended.out.splitlines()]
    assert [(record["target"], record["phase"]) for record in records] == [
        ("rolecall admin create-key", "intent"),
        ("rolecall admin create-key", "result"),
        ("rolecall admin users unassign", "intent"),
        ("rolecall admin users unassign", "result"),
    ]
    assert records[1]["request"]["name"] == "backup job"
    assert records[1]["request"]["login"]
    assert [record["outcome"] for record in records] == [None, "ok", None, "refused"]
    assert made["api_key"][16:] not in ended.out


def test_the_audit_log_begins_where_it_is_told_to(rolecall, ada):
    rolecall("admin", "scim-setup")
    assert rolecall("admin", "audit", "tail", "-n", "0").out == ""
    last = rolecall("admin", "audit", "tail", "-n", "1").out
    assert last.count("\n") == 1
    assert "CLI rolecall admin scim-setup" in last


def test_events_are_shown_and_warnings_can_be_asked_for_alone(rolecall, ada):
    refused = rolecall("admin", "users", "deactivate", "ada")
    assert refused.code == 1
    shown = [json.loads(line) for line in rolecall("admin", "events", "tail", "--json").out.splitlines()]
    assert "directory.user.created" in {event["type"] for event in shown}
    (warning,) = [
        json.loads(line)
        for line in rolecall("admin", "events", "tail", "--warnings", "--json").out.splitlines()
        if json.loads(line)["type"] == "directory.user.protected"
    ]
    assert warning["severity"] == "WARNING"
    assert warning["data"]["attempt"] == "deactivate"
    assert "directory.user.protected" in rolecall("admin", "events", "tail", "-n", "1").out


def test_a_refusal_of_several_lines_stays_one_line_in_the_audit_log(rolecall, on_installation):
    rolecall("admin", "scim-setup")
    call = Call(request_id="r1", method="GET", target="/scim/v2/Users", detail="one\n  two\n  ^")
    on_installation(lambda tx: record_results(tx, [call]))
    assert "one two ^  r1" in rolecall("admin", "audit", "tail", "-n", "1").out


def test_what_somebody_sent_cannot_speak_to_the_terminal(rolecall, on_installation):
    rolecall("admin", "scim-setup")
    call = Call(request_id="r1", method="GET", target="/x\x1b[2J\u202e", user_agent="\x00", detail="a\x00b")
    on_installation(lambda tx: record_results(tx, [call]))
    shown = rolecall("admin", "audit", "tail", "-n", "1").out
    assert "GET /x\\x1b[2J\\u202e" in shown
    assert shown.rstrip("\n").isprintable()


def test_a_file_that_is_not_there_or_cannot_be_made_is_told_in_a_sentence(rolecall, tmp_path):
    rolecall("admin", "scim-setup")
    for command in (["backup", str(tmp_path / "nowhere" / "b.zip")], ["restore", str(tmp_path / "none.zip")]):
        ended = rolecall("admin", *command)
        assert ended.code == 3
        assert ended.err.startswith("rolecall: ")
        assert ended.err.count("\n") == 1


def test_a_machine_that_administers_does_not_keep_the_first_person_out(rolecall):
    rolecall("admin", "create-key", "--user-name", "ci", "--role", "admin", "--create-user")
    assert "setup?token=" in rolecall("admin", "setup-link").out


def test_following_the_audit_log_shows_what_comes_in_once_until_it_is_interrupted(
    rolecall, on_installation, monkeypatch
):
    rolecall("admin", "scim-setup")
    pauses = iter([True, True, False])

    def pause(_seconds):
        if not next(pauses):
            raise KeyboardInterrupt
        call = Call(request_id="0" * 32, method="GET", target="/scim/v2/Users", repeated_count=7)
        on_installation(lambda tx: record_results(tx, [call]))

    monkeypatch.setattr("time.sleep", pause)
    ended = rolecall("admin", "audit", "tail", "--follow", "-n", "1")
    lines = ended.out.splitlines()
    assert ended.code == 0
    assert "CLI rolecall admin scim-setup" in lines[0]
    assert [line.split("  ")[3] for line in lines[1:]] == ["GET /scim/v2/Users"] * 2
    assert "7 times" in lines[1]


def test_a_reader_who_has_enough_is_no_error():
    command = [*rolecall_command(), "--version"]
    buffered = {name: value for name, value in environment().items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(command, env=buffered, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_setup_link_is_only_made_while_there_is_no_administrator(rolecall, ada):
    ended = rolecall("admin", "setup-link")
    assert (ended.code, ended.out) == (4, "")


@pytest.mark.parametrize(
    "command", [["users", "list"], ["keys", "list"], ["groups", "list"], ["audit", "tail"], ["backup", "b.zip"]]
)
def test_where_there_is_no_installation_commands_say_so_and_make_none(rolecall, tmp_path, command):
    ended = rolecall("admin", *command)
    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith("rolecall: There is no")
    assert not (tmp_path / "data").exists()


def test_migrate_makes_the_tables_once(rolecall):
    assert rolecall("admin", "migrate", "--json").json["before"] is None
    assert "Nothing to do" in rolecall("admin", "migrate").out


def test_tables_of_another_version_are_left_alone(rolecall, on_installation):
    rolecall("admin", "migrate")
    on_installation(lambda tx: tx.connection.execute("UPDATE alembic_version SET version_num='9999'"))
    ended = rolecall("admin", "users", "list")
    assert ended.code == 4
    assert "revision 9999" in ended.err


def test_a_backup_is_restored_into_another_data_directory(rolecall, ada, tmp_path):
    file = tmp_path / "b.zip"
    assert rolecall("admin", "backup", str(file), "--json").json["file"] == str(file)
    assert rolecall("admin", "backup", str(file)).code == 4
    elsewhere = str(tmp_path / "elsewhere")
    assert rolecall("admin", "restore", str(file), "--data-dir", elsewhere).code == 0
    assert rolecall("admin", "users", "show", "ada", "--data-dir", elsewhere).code == 0
    assert rolecall("admin", "restore", str(file)).code == 4


def test_what_commands_write_is_for_its_owner_alone(rolecall, tmp_path):
    rolecall("admin", "scim-setup")
    for path in [tmp_path / "data", *(tmp_path / "data").iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_database_that_cannot_be_reached_ends_with_its_own_code_and_shows_no_password(rolecall):
    url = "postgresql://me:hunter2@127.0.0.1:1/x"
    ended = rolecall("admin", "users", "list", "--database-url", url)
    assert ended.code == 5
    assert "hunter2" not in ended.err


def test_a_faulty_setting_is_one_sentence_and_code_2(rolecall):
    ended = rolecall("admin", "users", "list", "--database-url", "mysql://me:hunter2@h/x")
    assert ended.code == 2
    assert "--database-url or ROLECALL_DATABASE_URL" in ended.err
    assert "hunter2" not in ended.err


def test_the_version_is_printed(rolecall):
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n|not installed\n", rolecall("--version").out)


@pytest.mark.parametrize("command", [[], ["admin"], ["admin", "users"], ["serve"], ["admin", "audit", "tail"]])
def test_every_level_explains_itself(rolecall, command):
    assert "Usage: rolecall" in rolecall(*command, "--help").out
