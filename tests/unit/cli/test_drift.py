import json

import pytest

from rolecall.directory import groups, provisioned_users
from tests.make.directory import group_profile, user_profile


@pytest.fixture
def files(rolecall, on_installation, tmp_path):
    """Ada, whom the provider knows with a title; Bob, whom it does not know; and its export, in two files."""
    rolecall("admin", "scim-setup", "--json")
    for name in ("ada", "bob"):
        on_installation(lambda tx, name=name: provisioned_users.create_user(tx, user_profile(name)))
    on_installation(lambda tx: groups.create_group(tx, group_profile("Engineers"), ()))
    users, teams = tmp_path / "users.json", tmp_path / "groups.json"
    users.write_text(json.dumps({"users": [user_profile("ada", title="Countess")]}))
    teams.write_text(json.dumps({"Resources": [group_profile("Engineers") | {"members": [{"value": "nobody"}]}]}))
    return str(users), str(teams)


def drift(rolecall, *arguments):
    return rolecall("admin", "drift", *arguments)


def test_an_export_in_several_files_is_compared_and_all_is_repaired_after_a_preview(rolecall, files):
    compared = drift(rolecall, "compare", *files)
    assert "USER_DIFFERENT" in compared.out
    assert "were passed over: 1." in compared.out
    shown = drift(rolecall, "list", "--json").json["differences"]
    assert [(each["kind"], each["name"]) for each in shown] == [("USER_DIFFERENT", "ada"), ("USER_EXTRA", "bob")]
    table = drift(rolecall, "list", "--connection", "default", "--kind", "user_different").out
    assert "title" in table
    assert "bob" not in table
    preview = drift(rolecall, "repair", "--all", "--preview")
    assert "deactivated" in preview.out
    assert "Nothing was changed." in preview.out
    assert drift(rolecall, "repair", "--all", "--preview", "--json").json["would_repair"] == 2
    one = drift(rolecall, "repair", shown[0]["id"], "--preview")
    assert "Nobody would gain or lose a role." in one.out
    assert drift(rolecall, "repair", shown[0]["id"]).out == "Repaired: 1. Left: 1.\n"
    assert drift(rolecall, "repair", "--all", "--json").json == {"repaired": 1, "remaining": 0}
    assert drift(rolecall, "list").out == "No difference is known.\n"
    assert "Nothing differs" in drift(rolecall, "compare", files[0]).out
    assert drift(rolecall, "compare", *files, "--json").json["difference_count"] == 0


def test_a_job_is_asked_to_repair_everything(rolecall, files):
    drift(rolecall, "compare", *files)
    begun = drift(rolecall, "repair", "--all", "--as-job", "--json").json
    assert (begun["repaired"], begun["remaining"]) == (0, 2)
    (job,) = rolecall("admin", "jobs", "list", "--json").json["jobs"]
    assert (job["id"], job["kind"]) == (begun["job_id"], "connections.repair-drift")
    assert "repairs 2 while a server runs" in drift(rolecall, "repair", "--all", "--as-job").out
    assert drift(rolecall, "repair", "--all", "--as-job", "--preview").code != 0
    assert drift(rolecall, "repair", "one", "--as-job").code != 0


def test_what_cannot_be_understood_is_refused(rolecall, files, tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    assert "is not JSON" in drift(rolecall, "compare", str(broken)).err
    assert "There is no kind none" in drift(rolecall, "list", "--kind", "none").err
    assert drift(rolecall, "repair").code != 0
    assert drift(rolecall, "repair", "one", "--all").code != 0
    assert drift(rolecall, "repair", "none").code != 0
    assert drift(rolecall, "compare", files[0], "--connection", "none").code != 0


def test_tables_are_compared_as_well(rolecall, files, tmp_path):
    tables = {
        "users": "userName\nada\nbob\n",
        "groups": "displayName\nEngineers\n",
        "in": "group,member\nEngineers,ada\n",
    }
    for name, text in tables.items():
        (tmp_path / f"{name}.csv").write_text(text)
    paths = [str(tmp_path / f"{name}.csv") for name in tables]
    counts = drift(rolecall, "compare", *paths, "--json").json["counts"]
    assert {kind: count for kind, count in counts.items() if count} == {"MEMBER_MISSING": 1}
    (tmp_path / "users.csv").write_bytes(b"userName\n\xff\n")
    assert "is not UTF-8" in drift(rolecall, "compare", paths[0]).err
