import importlib
import pkgutil
import re

import orjson
import pytest

import rolecall
from rolecall.api.errors import MethodNotAllowed, TooManyCalls, UnknownEndpoint, UnsupportedContentEncoding
from rolecall.api.scim.errors import (
    STATUS,
    headers_of,
    render_error,
    render_refusal,
    status_of,
)
from rolecall.authentication.errors import MissingCredential
from rolecall.directory.errors import GroupNameTaken, ListTooSlow, NoSuchMember, UserNameTaken
from rolecall.kernel.errors import DomainError, ErrorKind, Forbidden, NotFound, Unavailable, VersionConflict
from rolecall.scim.messages import ERROR

# RFC 7644 table 9.
SCIM_TYPES = {
    "invalidFilter",
    "tooMany",
    "uniqueness",
    "mutability",
    "invalidSyntax",
    "invalidPath",
    "noTarget",
    "invalidValue",
    "invalidVers",
    # RFC 9865 §4.
    "invalidCursor",
    "expiredCursor",
    "invalidCount",
}


ABOUT = {MethodNotAllowed: {"allow": "GET"}, TooManyCalls: {"retry_after": "2"}}


def every_refusal():
    """Return every kind of refusal that the package declares, wherever it stands."""
    for module in pkgutil.walk_packages(rolecall.__path__, "rolecall."):
        if ".migrations." not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, todo = [], [DomainError]
    while todo:
        for kind in todo.pop().__subclasses__():
            todo.append(kind)
            if hasattr(kind, "code") and kind.__module__.startswith("rolecall."):
                found.append(kind)
    return sorted(set(found), key=lambda kind: (kind.code, kind.__name__))


@pytest.mark.parametrize("refusal", every_refusal(), ids=lambda kind: kind.__name__)
def test_every_refusal_can_be_told_over_scim(refusal):
    error = refusal("A sentence.", **ABOUT.get(refusal, {}))
    body = orjson.loads(render_refusal(error))
    assert body["schemas"] == [ERROR]
    assert body["status"] == str(status_of(error))
    assert 400 <= status_of(error) < 600
    assert body["detail"] == "A sentence."
    assert body.get("scimType") in {None, *SCIM_TYPES}
    assert all(isinstance(value, str) for value in headers_of(error).values())
    assert re.fullmatch(r"[a-z0-9_]+", error.code)
    assert refusal.__doc__


def test_no_two_refusals_share_a_code():
    codes = {}
    for refusal in every_refusal():
        codes.setdefault(refusal.code, []).append(refusal)
    shared = {code: kinds for code, kinds in codes.items() if len(kinds) > 1 and not _one_family(kinds)}
    assert shared == {}


def _one_family(kinds):
    return any(all(issubclass(kind, parent) for kind in kinds) for parent in kinds)


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_has_a_status(kind):
    assert STATUS[kind] in range(400, 600)


@pytest.mark.parametrize(
    "error, status, scim_type",
    [
        (UserNameTaken(""), 409, "uniqueness"),
        (GroupNameTaken(""), 409, "uniqueness"),
        (NoSuchMember(""), 400, "invalidValue"),
        (ListTooSlow(""), 400, "tooMany"),
        (VersionConflict(""), 412, None),
        (NotFound(""), 404, None),
        (Forbidden(""), 403, None),
        (Unavailable(""), 503, None),
        (UnknownEndpoint(""), 404, None),
        (MethodNotAllowed("", allow="GET, POST"), 405, None),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_clients_rely_on_is_as_the_standard_says(error, status, scim_type):
    assert status_of(error) == status
    assert orjson.loads(render_refusal(error)).get("scimType") == scim_type


def test_headers_say_what_the_client_can_do():
    assert headers_of(MissingCredential(""))["WWW-Authenticate"].startswith("Bearer")
    assert headers_of(MethodNotAllowed("", allow="GET, POST")) == {"Allow": "GET, POST"}
    assert headers_of(UnsupportedContentEncoding("")) == {"Accept-Encoding": "identity"}
    assert int(headers_of(Unavailable(""))["Retry-After"]) > 0
    assert headers_of(NotFound("")) == {}


def test_an_error_without_a_type_says_nothing_of_one():
    assert orjson.loads(render_error(500, "Broken.")) == {
        "schemas": [ERROR],
        "status": "500",
        "detail": "Broken.",
    }
