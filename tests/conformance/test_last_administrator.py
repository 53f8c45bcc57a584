"""Can SCIM lock everybody out?"""

import pytest

from tests.conformance.scim_client import fresh
from tests.make.databases import ask_database


@pytest.fixture(scope="module")
def served(served_alone):
    """Alone: nobody else may be an administrator."""
    return served_alone


def test_the_last_active_administrator_is_never_deactivated_renamed_or_deleted(scim, served):
    administrator, everyone_else = scim.create_user(fresh("last")), scim.create_user(fresh("other"))
    served.run_text("admin", "users", "assign", administrator["userName"], "--role", "admin")
    path = f"/Users/{administrator['id']}"
    before = scim.read(path)
    for response in (
        scim.patch(path, {"op": "Replace", "path": "active", "value": "False"}),
        scim.patch(path, {"op": "replace", "value": {"active": False}}),
        scim.send("PUT", path, before | {"active": False}),
        scim.patch(path, {"op": "replace", "path": "userName", "value": fresh("renamed")}),
        scim.send("DELETE", path),
    ):
        assert response.status_code in {400, 403, 409}, response.text
        assert "administrator" in response.json()["detail"].lower()
    assert scim.read(path) == before
    query = (
        f"SELECT severity FROM event WHERE type = 'directory.user.protected' AND subject_id = '{administrator['id']}'"
    )
    assert ask_database(served.database, query) == [("WARNING",)] * 5
    assert scim.patch_user(everyone_else, {"op": "replace", "path": "active", "value": False})["active"] is False


def test_it_may_go_when_another_administrator_has_come(scim, served):
    first, second = scim.create_user(fresh("first")), scim.create_user(fresh("second"))
    for user in (first, second):
        served.run_text("admin", "users", "assign", user["userName"], "--role", "admin")
    assert scim.patch_user(first, {"op": "replace", "path": "active", "value": False})["active"] is False
    scim.delete(f"/Users/{first['id']}")
