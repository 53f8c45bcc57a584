"""Which role may call which endpoint? A second opinion beside what the endpoints declare, and real calls."""

import pytest

from rolecall.api.rest.app import ENDPOINTS
from rolecall.api.rest.endpoints import Need
from rolecall.authorization.actions import Action
from rolecall.authorization.roles import ROLE_ACTIONS
from tests.make.rest import key_of_role, reason_of

MATRIX = {
    "GET /api/preview/events": Action.EVENT_READ,
    "GET /api/preview/events/export": Action.EVENT_READ,
    "GET /api/preview/system/audit": Action.AUDIT_READ,
    "GET /api/preview/system/audit/export": Action.AUDIT_READ,
    "GET /api/preview/keys": Action.OWN_KEY_CHANGE,
    "POST /api/preview/keys": Action.OWN_KEY_CHANGE,
    "PATCH /api/preview/keys/{id}": Action.OWN_KEY_CHANGE,
    "DELETE /api/preview/keys/{id}": Action.OWN_KEY_CHANGE,
    "POST /api/preview/keys/{id}:revoke": Action.OWN_KEY_CHANGE,
    "POST /api/preview/keys/{id}:reinstate": Action.OWN_KEY_CHANGE,
    "GET /api/preview/teamkeys": Action.API_KEY_LIST,
    "POST /api/preview/teamkeys": Action.API_KEY_CREATE,
    "PATCH /api/preview/teamkeys/{id}": Action.API_KEY_CHANGE,
    "DELETE /api/preview/teamkeys/{id}": Action.API_KEY_CHANGE,
    "POST /api/preview/teamkeys/{id}:revoke": Action.API_KEY_REVOKE,
    "POST /api/preview/teamkeys/{id}:reinstate": Action.API_KEY_CHANGE,
    "POST /api/v1/oauth/token": Need.NOTHING,
    "GET /api/v1/jobs": Action.JOB_LIST,
    "GET /api/v1/jobs/{id}": Action.JOB_LIST,
    "POST /api/v1/jobs/{id}:retry": Action.JOB_CHANGE,
    "POST /api/v1/jobs/{id}:cancel": Action.JOB_CHANGE,
    "GET /api/v1/schedules": Action.JOB_LIST,
    "GET /api/v1/subscriptions": Action.SUBSCRIPTION_LIST,
    "POST /api/v1/subscriptions": Action.SUBSCRIPTION_CHANGE,
    "GET /api/v1/subscriptions/{id}": Action.SUBSCRIPTION_LIST,
    "PATCH /api/v1/subscriptions/{id}": Action.SUBSCRIPTION_CHANGE,
    "DELETE /api/v1/subscriptions/{id}": Action.SUBSCRIPTION_CHANGE,
    "POST /api/v1/subscriptions/{id}:test": Action.SUBSCRIPTION_CHANGE,
    "GET /api/v1/subscriptions/{id}/deliveries": Action.SUBSCRIPTION_LIST,
    "GET /api/v1/reports/leavers": Action.USER_LIST,
    "GET /api/v1/scim_log": Action.AUDIT_READ,
    "GET /api/v1/scim_log/export": Action.AUDIT_READ,
    "GET /api/v1/scim_log/{id}": Action.AUDIT_READ,
    "POST /api/v1/scim_log/{id}:preview": Action.AUDIT_READ,
    "GET /api/v1/scim_connections": Action.CONNECTION_LIST,
    "POST /api/v1/scim_connections": Action.CONNECTION_CHANGE,
    "GET /api/v1/scim_connections/{id}": Action.CONNECTION_LIST,
    "PATCH /api/v1/scim_connections/{id}": Action.CONNECTION_CHANGE,
    "DELETE /api/v1/scim_connections/{id}": Action.CONNECTION_CHANGE,
    "POST /api/v1/scim_connections/{id}:rotate": Action.CONNECTION_CHANGE,
    "POST /api/v1/scim_connections/{id}:link": Action.CONNECTION_CHANGE,
    "POST /api/v1/scim_connections/{id}:decommission": Action.CONNECTION_CHANGE,
    "POST /api/v1/scim_connections/{id}:recommission": Action.CONNECTION_CHANGE,
    "GET /api/v1/scim_connections/{id}/leaving": Action.CONNECTION_LIST,
    "GET /api/v1/scim_connections/{id}/credentials": Action.CONNECTION_LIST,
    "POST /api/v1/scim_connections/{id}/export:compare": Action.CONNECTION_CHANGE,
    "GET /api/v1/held_changes": Action.HELD_CHANGE_LIST,
    "POST /api/v1/held_changes:release": Action.HELD_CHANGE_DECIDE,
    "POST /api/v1/held_changes:drop": Action.HELD_CHANGE_DECIDE,
    "GET /api/v1/held_changes/{id}": Action.HELD_CHANGE_LIST,
    "POST /api/v1/held_changes/{id}:release": Action.HELD_CHANGE_DECIDE,
    "POST /api/v1/held_changes/{id}:drop": Action.HELD_CHANGE_DECIDE,
    "POST /api/v1/scim_connections/{id}:preview": Action.CONNECTION_CHANGE,
    "GET /api/v1/drift": Action.CONNECTION_LIST,
    "POST /api/v1/drift:repair": Action.CONNECTION_CHANGE,
    "GET /api/v1/drift/{id}": Action.CONNECTION_LIST,
    "POST /api/v1/drift/{id}:repair": Action.CONNECTION_CHANGE,
    "GET /api/v1/sign_in_settings/scim": Action.CONNECTION_LIST,
    "PUT /api/v1/sign_in_settings/scim": Action.CONNECTION_CHANGE,
    "POST /api/v1/scim_connections/{id}:validate": Action.CONNECTION_CHANGE,
    "GET /api/v1/scim_connections/{id}/guide": Action.CONNECTION_LIST,
    "GET /api/v1/scim_connections/{id}/first_calls": Action.AUDIT_READ,
    "GET /api/v1/scim_connections/{id}/validations": Action.CONNECTION_LIST,
    "GET /api/v1/scim_connections/{id}/validations/{validation_id}": Action.CONNECTION_LIST,
    "GET /api/v1/roles": Action.ROLE_LIST,
    "POST /api/v1/roles": Action.ROLE_CHANGE,
    "GET /api/v1/roles/{id}": Action.ROLE_LIST,
    "PATCH /api/v1/roles/{id}": Action.ROLE_CHANGE,
    "DELETE /api/v1/roles/{id}": Action.ROLE_CHANGE,
    "GET /api/v1/teams": Action.TEAM_LIST,
    "POST /api/v1/teams": Action.TEAM_CHANGE,
    "GET /api/v1/teams/{id}": Action.TEAM_LIST,
    "PATCH /api/v1/teams/{id}": Action.TEAM_CHANGE,
    "DELETE /api/v1/teams/{id}": Action.TEAM_CHANGE,
    "PUT /api/v1/teams/{id}": Action.TEAM_CHANGE,
    "GET /api/v1/mappings": Action.MAPPING_LIST,
    "POST /api/v1/mappings": Action.MAPPING_CHANGE,
    "POST /api/v1/mappings:preview": Action.MAPPING_LIST,
    "GET /api/v1/mappings/{id}": Action.MAPPING_LIST,
    "PATCH /api/v1/mappings/{id}": Action.MAPPING_CHANGE,
    "DELETE /api/v1/mappings/{id}": Action.MAPPING_CHANGE,
    "POST /api/v1/mappings/{id}:approve": Action.MAPPING_CHANGE,
    "POST /api/v1/mappings/{id}:refuse": Action.MAPPING_CHANGE,
    "GET /api/v1/users/{id}:explain": Action.MAPPING_LIST,
    "GET /api/v1/users": Action.USER_LIST,
    "GET /api/v1/users/self": Need.CREDENTIAL,
    "GET /api/v1/users/{id}": Action.USER_LIST,
    "POST /api/v1/users/{id}:deactivate": Action.USER_DEACTIVATE,
    "POST /api/v1/users/{id}:reactivate": Action.USER_DEACTIVATE,
}


def test_every_endpoint_has_a_row_that_says_what_it_needs():
    assert {f"{each.method} {each.plain_path}": each.needs for each in ENDPOINTS} == MATRIX


def test_no_two_endpoints_share_a_place_or_a_name():
    assert len({(each.method, each.path) for each in ENDPOINTS}) == len(ENDPOINTS)
    assert len({each.run.__name__ for each in ENDPOINTS}) == len(ENDPOINTS)


@pytest.mark.parametrize("role", ROLE_ACTIONS)
def test_each_role_may_call_what_it_has_the_action_for_and_nothing_else(api, installed, role):
    key = key_of_role(installed, role)
    for endpoint in ENDPOINTS:
        path = endpoint.plain_path.replace("{id}", "no-such-thing")
        response = api.ask(endpoint.method, path, key=key, json={} if endpoint.method != "GET" else None)
        may = not isinstance(endpoint.needs, Action) or endpoint.needs in ROLE_ACTIONS[role]
        is_refused = response.status_code == 403 and reason_of(response.json()) == "forbidden"
        assert is_refused is not may, f"{endpoint.method} {path}: {response.text}"


def test_without_a_credential_only_open_endpoints_answer(api):
    for endpoint in ENDPOINTS:
        path = endpoint.plain_path.replace("{id}", "no-such-thing")
        response = api.ask(endpoint.method, path, key="")
        assert (response.status_code == 401) is (endpoint.needs is not Need.NOTHING)
