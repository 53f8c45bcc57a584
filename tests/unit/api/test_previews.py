"""Which requests and records can be played, and which cannot?"""

import pytest

from rolecall.api.calls import MASK, missing_of, recordable
from rolecall.api.scim.previews import parse_requests
from rolecall.scim.errors import InvalidValue


def test_what_was_written_down_whole_lacks_nothing():
    assert missing_of("/scim/v2/Users", {"userName": "ada", "tags": ["a", 1, None]}) is None
    assert missing_of("/scim/v2/Users", None) is None
    assert missing_of("/scim/v2/Users", {"omitted": "by itself"}) is None


@pytest.mark.parametrize(
    "target, request_, why",
    [
        (None, None, "address"),
        ("/scim/v2/Users?" + "x" * 4000, None, "address"),
        (f"/scim/v2/Users?{MASK}", None, "masked"),
        ("/scim/v2/Users", recordable({"a": [{"password": "x"}]}, b'{"a":[{"password":"x"}]}'), "masked"),
        ("/scim/v2/Users", recordable({}, b" " * 300_000), "large"),
    ],
)
def test_what_was_not_says_what_is_missing(target, request_, why):
    assert why in str(missing_of(target, request_))


def test_requests_are_one_or_a_list_or_an_object_with_a_list():
    one = {"method": "patch", "path": "/Users/1", "headers": {"If-Match": "*"}, "body": {"a": 1}}
    for body in (one, [one], {"requests": [one]}):
        (request,) = parse_requests(body)
        assert (request.method, request.target, request.body) == ("PATCH", "/Users/1", b'{"a":1}')
        assert request.headers == {"if-match": "*"}
    assert parse_requests({"method": "DELETE", "path": "/Users/1"})[0].body == b""


@pytest.mark.parametrize(
    "body, field",
    [
        (None, "requests"),
        ([], "requests"),
        ({"requests": "x"}, "requests"),
        ([1], "requests[0]"),
        ([{"method": "GET", "path": "/", "verb": 1}], "requests[0]"),
        ([{"method": "GET", "path": "/"}, {"method": "GET"}], "requests[1]"),
        ([{"method": 1, "path": "/"}], "requests[0]"),
        ([{"method": "GET", "path": "/", "headers": []}], "requests[0].headers"),
        ([{"method": "GET", "path": "/", "headers": {"If-Match": 1}}], "requests[0].headers"),
    ],
)
def test_what_is_no_request_names_the_place(body, field):
    with pytest.raises(InvalidValue) as refusal:
        parse_requests(body)
    assert refusal.value.about["attribute"] == field
