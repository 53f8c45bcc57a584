import pytest

from rolecall.directory.users import create_local_user


@pytest.fixture
def entra(rolecall):
    rolecall("admin", "scim-setup", "--json")
    return rolecall("admin", "connections", "create", "Entra ID", "--on", "--json").json["id"]


def test_connections_are_made_listed_shown_changed_and_deleted(rolecall, entra):
    listed = rolecall("admin", "connections", "list", "--json").json["connections"]
    assert [(each["name"], each["state"]) for each in listed] == [("Default", "ON"), ("Entra ID", "ON")]
    assert "Entra ID" in rolecall("admin", "connections", "list").out
    changed = rolecall("admin", "connections", "change", "entra id", "--name", "Entra", "--off")
    assert changed.out == "The connection Entra is OFF.\n"
    assert rolecall("admin", "connections", "show", entra, "--json").json["state"] == "OFF"
    assert rolecall("admin", "connections", "delete", "Entra", "--yes").code == 0
    assert rolecall("admin", "connections", "show", "Entra").code != 0
    assert "is there" in rolecall("admin", "connections", "create", "Third").out


def test_scim_setup_switches_the_default_connection_on_and_no_other(rolecall, entra):
    def states():
        listed = rolecall("admin", "connections", "list", "--json").json["connections"]
        return [each["state"] for each in listed]

    for name in ("default", entra):
        rolecall("admin", "connections", "change", name, "--off")
    assert states() == ["OFF", "OFF"]
    key = rolecall("admin", "scim-setup", "--json").json["key_id"]
    assert states() == ["ON", "OFF"]
    credentials = rolecall("admin", "connections", "show", "default", "--json").json["credentials"]
    assert key in [each["id"] for each in credentials]
    assert rolecall("admin", "connections", "show", entra, "--json").json["credentials"] == []


def test_what_a_connection_may_do_is_narrowed_and_shown(rolecall, entra):
    narrow = (
        "--network",
        "192.0.2.0/24",
        "--network",
        "2001:db8::/32",
        "--rate-limit",
        "600",
        "--silent-after-hours",
        "12",
    )
    assert rolecall("admin", "connections", "change", entra, *narrow, "--requirement-profile", "strict").code == 0
    shown = rolecall("admin", "connections", "show", entra, "--json").json
    assert (shown["networks"], shown["rate_limit"]) == (["192.0.2.0/24", "2001:db8::/32"], 600)
    assert (shown["requirement_profile"], shown["state"]) == ("strict", "ON")
    table = rolecall("admin", "connections", "show", entra).out
    assert "600" in table
    assert "12 hours" in table
    assert "has not called yet" in table
    assert "strict" in table
    wide = ("--network", "any", "--rate-limit", "0", "--requirement-profile", "installation")
    rolecall("admin", "connections", "change", entra, *wide)
    shown = rolecall("admin", "connections", "show", entra, "--json").json
    assert (shown["networks"], shown["rate_limit"], shown["requirement_profile"]) == ([], 0, None)
    assert "as many as it likes" in rolecall("admin", "connections", "show", entra).out
    assert rolecall("admin", "connections", "change", entra, "--network", "here").code != 0
    assert rolecall("admin", "connections", "change", entra, "--rate-limit", "-1").code != 0


def test_a_credential_is_made_and_the_one_before_ends(rolecall, entra):
    first = rolecall("admin", "connections", "rotate", "Entra ID", "--json").json
    assert first["api_key"]
    second = rolecall("admin", "connections", "rotate", "Entra ID", "--overlap-hours", "0")
    assert "API key" in second.out
    shown = rolecall("admin", "connections", "show", "Entra ID", "--json").json["credentials"]
    assert [each["usable"] for each in shown] == [False, True]
    table = rolecall("admin", "connections", "show", "Entra ID").out
    assert "usable" in table
    assert "ended" in table
    assert rolecall("admin", "connections", "delete", "Entra ID", "--yes").code != 0


def test_scim_setup_gives_a_key_of_the_default_connection(rolecall, entra):
    key = rolecall("admin", "scim-setup", "--json").json["key_id"]
    shown = rolecall("admin", "connections", "show", "default", "--json").json
    assert key in [each["id"] for each in shown["credentials"]]


def test_a_local_user_is_linked(rolecall, entra, on_installation):
    names = {"given_name": "A", "family_name": "B", "display_name": "A B", "email": "a@example.com"}
    on_installation(lambda tx: create_local_user(tx, user_name="ada", **names))
    assert (
        rolecall("admin", "connections", "link", "Entra ID", "ada").out == "ada belongs to the connection Entra ID.\n"
    )
    assert rolecall("admin", "connections", "show", "Entra ID", "--json").json["users"] == 1


def test_nobody_is_linked_who_is_not_there(rolecall, entra):
    assert rolecall("admin", "connections", "link", "Entra ID", "nobody").code != 0


def test_without_a_server_a_validation_waits_and_says_so(rolecall, entra):
    ended = rolecall("admin", "connections", "validate", entra, "--wait-seconds", "1", "--json")
    assert (ended.code, ended.json["state"], ended.json["steps"]) == (5, "WAITING", [])
    assert "Is Rolecall served" in ended.err
    again = rolecall("admin", "connections", "validate", "Entra ID", "--address", "LISTENING")
    assert again.code == 4
    assert "is being validated" in again.err


def test_a_guided_connection_is_on_has_a_key_and_says_what_to_enter(rolecall):
    rolecall("admin", "scim-setup", "--public-url", "https://rolecall.example.com")
    ended = rolecall("admin", "connections", "create", "Okta", "--guided", "--provider", "okta", "--wait-seconds", "0")
    assert ended.code == 0
    told = ended.out
    assert "Base URL            https://rolecall.example.com/scim/v2\n" in told
    assert "OAuth Bearer Token  RLCL" in told
    assert "It has not called yet." in told
    assert "connections validate 'Okta'" in told
    assert [told.index(f"{number}. ") for number in range(1, 7)] == sorted(
        told.index(f"{number}. ") for number in range(1, 7)
    )
    shown = rolecall("admin", "connections", "show", "Okta", "--json").json
    assert (shown["state"], len(shown["credentials"])) == ("ON", 1)
    assert rolecall("admin", "connections", "create", "Other", "--guided", "--json").code == 2
