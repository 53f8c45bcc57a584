import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.scim.errors import InvalidValue
from rolecall.scim.lists import Paging, parse_paging, parse_sort, render_list
from rolecall.scim.schemas import ENTERPRISE_USER_SCHEMA, GROUP, USER

ENTERPRISE = ENTERPRISE_USER_SCHEMA.uri


@pytest.mark.parametrize(
    "start_index, count, paging",
    [
        (None, None, (1, 100)),
        ("", "", (1, 100)),
        ("1", "100", (1, 100)),
        (" 5", "+10", (5, 10)),
        ("0", "0", (1, 0)),
        ("-3", "-3", (1, 0)),
        ("7", "5000", (7, 200)),
        ("9" * 5000, "9" * 5000, (2**31 - 1, 200)),
    ],
)
def test_paging_is_brought_within_its_limits(start_index, count, paging: tuple[int, int]):
    assert parse_paging(start_index, count, maximum=200, default=100) == Paging(start_index=paging[0], count=paging[1])


@pytest.mark.parametrize("text", ["x", "1.5", "1e3", "--1", "-", "٣", "1 2"])
def test_what_is_no_whole_number_is_refused(text: str):
    with pytest.raises(InvalidValue, match="startIndex must be a whole number"):
        parse_paging(text, None, maximum=200, default=100)
    with pytest.raises(InvalidValue, match="count must be a whole number"):
        parse_paging(None, text, maximum=200, default=100)


@given(st.integers(), st.integers())
def test_any_whole_numbers_ask_for_some_part(start_index: int, count: int):
    paging = parse_paging(str(start_index), str(count), maximum=200, default=100)
    assert paging.start_index >= 1
    assert 0 <= paging.count <= 200


@pytest.mark.parametrize(
    "sort_by, sort_order, path, descending",
    [
        (None, None, None, False),
        ("", "descending", None, True),
        ("username", None, ("userName",), False),
        ("name.familyName", "Ascending", ("name", "familyName"), False),
        ("meta.lastModified", "DESCENDING", ("meta", "lastModified"), True),
        ("emails", "", ("emails", "value"), False),
        (f"{ENTERPRISE}:manager", None, (ENTERPRISE, "manager", "value"), False),
        ("urn:acme:2.0:User:badge", None, ("urn:acme:2.0:User", "badge"), False),
    ],
)
def test_sorting_is_by_a_path(sort_by, sort_order, path, descending: bool):
    assert parse_sort(sort_by, sort_order, USER) == (path, descending)


@pytest.mark.parametrize(
    "sort_by, sort_order, sentence",
    [
        ("usrName", None, r"sortBy names no attribute of User\. Did you mean userName\?"),
        ("name", None, r"sort by one, such as name\.formatted"),
        ("addresses", None, r"addresses\.formatted"),
        (ENTERPRISE, None, "cannot be sorted by"),
        ("userName", "down", "sortOrder must be"),
    ],
)
def test_what_cannot_be_sorted_by_is_refused(sort_by, sort_order, sentence: str):
    with pytest.raises(InvalidValue, match=sentence):
        parse_sort(sort_by, sort_order, USER)


def test_members_are_sorted_by_value():
    assert parse_sort("members", None, GROUP) == (("members", "value"), False)


@pytest.mark.parametrize("resources", [[], [b'{"id":"1"}'], [b'{"id":"1"}', b'{"id":"2"}']])
def test_a_list_says_what_it_holds(resources: list[bytes]):
    assert json.loads(render_list(resources, 20, 7)) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 20,
        "startIndex": 7,
        "itemsPerPage": len(resources),
        "Resources": [json.loads(resource) for resource in resources],
    }
