import io
import json
from dataclasses import replace

import pytest

from rolecall.cli.exit_codes import ExitCode
from rolecall.directory import groups
from rolecall.directory.provisioned_users import create_user
from rolecall.events import audit
from rolecall.events.calls import Call
from tests.make.actors import PROVISIONER
from tests.make.directory import group_profile, user_profile

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
EMPTIED = {"schemas": [PATCH_OP], "Operations": [{"op": "remove", "path": "members"}]}


@pytest.fixture
def key(rolecall, ada):
    """Set SCIM up and make members of Staff viewers; the id of the provider's key."""
    setup = rolecall("admin", "scim-setup", "--json").json
    rolecall("admin", "mappings", "create", "Staff", "--gives", "Root:viewer")
    return setup["key_id"]


@pytest.fixture
def staff(key, on_installation):
    """Grace, the only member of Staff; the id of the group."""

    def push(tx):
        grace = create_user(tx, user_profile("grace")).id
        return groups.create_group(tx, group_profile("Staff"), (grace,)).id

    return on_installation(push)


def recorded(on_installation, key_id, group, body):
    """Let the log have a PATCH of a group that was made with a key."""
    actor = replace(PROVISIONER, request_id="made", api_key_id=key_id)
    target = f"/scim/v2/Groups/{group}"
    record = Call(request_id="made", method="PATCH", target=target, actor=actor, status=204, request=body)
    on_installation(lambda tx: audit.record_results(tx, [record]))


def preview(rolecall, *arguments):
    return rolecall("admin", "connections", "preview", "Default", *arguments)


def test_requests_of_a_file_are_previewed_and_only_who_asked_is_kept(rolecall, staff, tmp_path):
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"method": "PATCH", "path": f"/Groups/{staff}", "body": EMPTIED}))
    shown = preview(rolecall, str(file))
    assert shown.code == 0
    for part in ("204", "grace", "lose", "Viewer", "Root", "Roles lost: 1, by 1 people.", "Nothing was changed."):
        assert part in shown.out
    told = preview(rolecall, str(file), "--json").json
    assert [each["user_name"] for each in told["total"]["lost"]] == ["grace"]
    assert preview(rolecall, str(file), "--json").json == told
    newest = rolecall("admin", "audit", "tail", "--json").out
    assert "rolecall admin connections preview" in newest


def test_requests_come_from_standard_input_and_each_answer_is_shown(rolecall, staff, monkeypatch):
    requests = [{"method": "GET", "path": "/Users"}, {"method": "DELETE", "path": "/Users/none"}]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(requests).encode())))
    shown = preview(rolecall).out
    assert "only reads" in shown
    assert "404 not_found" in shown
    assert "Nobody would gain or lose a role." in shown


def test_what_was_recorded_is_previewed_alone_and_by_its_time(rolecall, staff, key, on_installation):
    recorded(on_installation, key, staff, EMPTIED)
    (call,) = rolecall("admin", "scim-log", "list", "--json").json["calls"]
    alone = rolecall("admin", "scim-log", "preview", call["id"], "--json").json
    assert [each["user_name"] for each in alone["total"]["lost"]] == ["grace"]
    assert "grace" in rolecall("admin", "scim-log", "preview", call["id"]).out
    day = preview(rolecall, "--since", "2000-01-01", "--json").json
    assert [each["scim_log_id"] for each in day["calls"]] == [call["id"]]
    assert (day["total"]["lost_count"], day["is_complete"]) == (1, True)
    none = preview(rolecall, "--since", "2000-01-01", "--until", "2000-01-02")
    assert "There is nothing to preview." in none.out


def test_what_cannot_be_played_says_why(rolecall, staff, on_installation):
    recorded(on_installation, "a key that is gone", staff, EMPTIED)
    (call,) = rolecall("admin", "scim-log", "list", "--json").json["calls"]
    gone = rolecall("admin", "scim-log", "preview", call["id"])
    assert gone.code == ExitCode.CONFLICT
    assert "the key that it was made with is gone" in gone.err
    assert rolecall("admin", "scim-log", "preview", "none").code == ExitCode.NOT_FOUND


def test_what_is_no_request_is_refused(rolecall, staff, tmp_path):
    file = tmp_path / "request.json"
    file.write_text("{")
    assert "This is not JSON" in preview(rolecall, str(file)).err
    file.write_text('[{"path": "/Users"}]')
    assert "requests[0] needs a method and a path" in preview(rolecall, str(file)).err
    assert preview(rolecall, str(file), "--since", "2026-11-01").code == ExitCode.USAGE
    assert preview(rolecall, "--until", "2026-11-01").code == ExitCode.USAGE
    file.write_text('[{"method": "GET", "path": "/Users"}]')
    assert rolecall("admin", "connections", "preview", "none", str(file)).code == ExitCode.NOT_FOUND
