"""How do these tests speak SCIM, and what do they demand of every answer?"""

import itertools
from typing import Any

import httpx2

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH_REQUEST = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
MEDIA_TYPE = "application/scim+json"

Resource = dict[str, Any]
_numbers = itertools.count(1)


def fresh(name: str) -> str:
    """Return a user name or group name that no other test of this run uses."""
    return f"{name}-{next(_numbers)}"


class ScimClient:
    """SCIM requests in one line each. Every answer is held against what holds for all answers."""

    def __init__(self, http: httpx2.Client) -> None:
        self.http = http

    def send(self, method: str, path: str, body: object = None, **headers: str) -> httpx2.Response:
        sent = {"Content-Type": MEDIA_TYPE} | {name.replace("_", "-"): value for name, value in headers.items()}
        if body is None:
            sent = {name: value for name, value in sent.items() if name != "Content-Type"}
            response = self.http.request(method, path, headers=sent)
        else:
            response = self.http.request(method, path, json=body, headers=sent)
        assert_is_scim(response)
        return response

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.send("GET", path, **headers)

    def read(self, path: str) -> Resource:
        return accepted(self.get(path), 200)

    def create_user(self, user_name: str | None = None, **attributes: object) -> Resource:
        body = {"schemas": [USER], "userName": user_name or fresh("user")} | attributes
        return accepted(self.send("POST", "/Users", body), 201)

    def create_group(self, display_name: str | None = None, members: list[str] | None = None) -> Resource:
        body: Resource = {"schemas": [GROUP], "displayName": display_name or fresh("group")}
        if members is not None:
            body |= {"members": [{"value": member} for member in members]}
        return accepted(self.send("POST", "/Groups", body), 201)

    def patch(self, path: str, *operations: object, **headers: str) -> httpx2.Response:
        return self.send("PATCH", path, {"schemas": [PATCH_OP], "Operations": list(operations)}, **headers)

    def patch_user(self, user: Resource, *operations: object) -> Resource:
        """See the operations applied and return the user as it is in the answer, which a read must confirm."""
        changed = accepted(self.patch(f"/Users/{user['id']}", *operations), 200)
        assert self.read(f"/Users/{user['id']}") == changed
        return changed

    def patch_group(self, group: Resource, *operations: object) -> Resource:
        """See the operations applied without a body, and return the group as a read shows it."""
        response = self.patch(f"/Groups/{group['id']}", *operations)
        assert (response.status_code, response.content) == (204, b""), response.text
        return self.read(f"/Groups/{group['id']}")

    def delete(self, path: str) -> None:
        response = self.send("DELETE", path)
        assert (response.status_code, response.content) == (204, b""), response.text

    def page(self, endpoint: str, **parameters: str | int) -> Resource:
        query = httpx2.QueryParams(parameters)
        answer = accepted(self.get(f"{endpoint}?{query}"), 200)
        assert answer["schemas"] == [LIST]
        assert isinstance(answer["Resources"], list)
        assert answer["itemsPerPage"] == len(answer["Resources"])
        assert type(answer["totalResults"]) is type(answer["startIndex"]) is int
        return answer

    def search(self, endpoint: str, condition: str) -> list[Resource]:
        """Return all resources that fulfil the filter."""
        answer = self.page(endpoint, filter=condition, count=200)
        assert answer["totalResults"] == len(answer["Resources"])
        return list(answer["Resources"])

    def everything(self, endpoint: str) -> list[Resource]:
        """Return all resources of the endpoint, page after page."""
        found: list[Resource] = []
        while True:
            page = self.page(endpoint, startIndex=len(found) + 1, count=100, sortBy="id")
            found += page["Resources"]
            if len(found) >= page["totalResults"] or not page["Resources"]:
                return found

    def empty(self) -> None:
        """Delete every group and user that SCIM can see."""
        for endpoint in ("/Groups", "/Users"):
            for resource in self.everything(endpoint):
                self.delete(f"{endpoint}/{resource['id']}")


def assert_is_scim(response: httpx2.Response) -> None:
    """Hold an answer against what is true of every answer below the SCIM base URL."""
    assert response.headers.get("X-Request-Id"), f"no X-Request-Id: {response.status_code} {response.text}"
    if response.content:
        assert response.headers["Content-Type"].split(";")[0].strip() == MEDIA_TYPE, response.text
    if response.status_code >= 400 and response.request.method != "HEAD":
        error = response.json()
        assert error["schemas"] == [ERROR]
        assert error["status"] == str(response.status_code)
        assert set(error) <= {"schemas", "status", "scimType", "detail"}
        assert error["detail"].strip(), "an error without a sentence for a person"


def accepted(response: httpx2.Response, status: int) -> Resource:
    """Return the body of a successful answer."""
    assert response.status_code == status, f"{response.request.method} {response.request.url}: {response.text}"
    body = response.json()
    assert isinstance(body, dict)
    return body


def refused(response: httpx2.Response, status: int, scim_type: str | None = None) -> str:
    """See a SCIM error with this status and scimType, and return its sentence."""
    assert response.status_code == status, f"{response.request.method} {response.request.url}: {response.text}"
    error = response.json()
    assert error.get("scimType") == scim_type, error
    return str(error["detail"])


def values(resources: list[Resource], attribute: str = "value") -> set[str]:
    """Return one attribute of each, without order."""
    return {resource[attribute] for resource in resources}


def member_ids(group: Resource) -> set[str]:
    """Return the ids of a group's members, each of which must be there only once."""
    members = [member["value"] for member in group.get("members", [])]
    assert len(members) == len(set(members)), f"a member twice: {members}"
    return set(members)
