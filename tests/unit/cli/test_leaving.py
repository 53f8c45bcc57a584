import pytest

from rolecall.directory.users import create_local_user


@pytest.fixture
def okta(rolecall, on_installation):
    """A connection with one user, and one that can take over; the id of the first."""
    rolecall("admin", "scim-setup", "--json")
    okta = rolecall("admin", "connections", "create", "Okta", "--on", "--json").json["id"]
    rolecall("admin", "connections", "create", "Entra", "--on")
    names = {"given_name": "A", "family_name": "B", "display_name": "A B", "email": "a@example.com"}
    on_installation(lambda tx: create_local_user(tx, user_name="ada", **names))
    rolecall("admin", "connections", "link", "Okta", "ada")
    return okta


DEACTIVATE = ("--users", "deactivate", "--assignments", "keep")


def test_a_preview_shows_who_would_lose_access_and_changes_nothing(rolecall, okta):
    shown = rolecall("admin", "connections", "decommission", "Okta", *DEACTIVATE, "--preview", "--json").json
    assert [(each["change"], each["user_name"]) for each in shown["radius"]["users"]] == [("deactivated", "ada")]
    assert shown["is_preview"]
    table = rolecall("admin", "connections", "decommission", "Okta", *DEACTIVATE, "--preview").out
    assert "deactivated" in table
    assert "Nothing was changed." in table
    assert rolecall("admin", "connections", "show", "Okta", "--json").json["state"] == "ON"


def test_a_connection_is_decommissioned_shown_and_brought_back(rolecall, okta):
    begun = rolecall("admin", "connections", "decommission", "Okta", *DEACTIVATE, "--yes", "--json").json
    assert (begun["phase"], begun["total_count"], begun["connection_id"]) == ("LEAVING", 1, okta)
    assert rolecall("admin", "connections", "show", "Okta", "--json").json["state"] == "DECOMMISSIONED"
    assert rolecall("admin", "connections", "leaving", "Okta", "--json").json["done_count"] == 0
    table = rolecall("admin", "connections", "leaving", "Okta").out
    assert "0 of 1" in table
    assert "Nothing is kept back." in table
    back = rolecall("admin", "connections", "recommission", "Okta")
    assert back.out == "It is RETURNING: 0 users, groups and resources follow while a server runs.\n"
    assert rolecall("admin", "connections", "recommission", "Entra").code != 0
    assert rolecall("admin", "connections", "leaving", "Entra").code != 0


def test_somebody_is_asked_before_anything_happens(rolecall, okta):
    asked = rolecall("admin", "connections", "decommission", "Okta", *DEACTIVATE)
    assert asked.code != 0
    assert "Users who would be deactivated: 1." in asked.err
    assert rolecall("admin", "connections", "show", "Okta", "--json").json["state"] == "ON"


def test_who_takes_over_is_named_by_its_name(rolecall, okta):
    hand_over = ("--users", "hand-over", "--assignments", "keep", "--yes")
    assert rolecall("admin", "connections", "decommission", "Okta", *hand_over).code != 0
    assert rolecall("admin", "connections", "decommission", "Okta", *hand_over, "--to", "nobody").code != 0
    assert rolecall("admin", "connections", "decommission", "Okta", *hand_over, "--to", "entra").code == 0
