import pytest

from rolecall.scim.errors import InvalidValue
from rolecall.scim.members import read_members


@pytest.mark.parametrize(
    "value, ids",
    [
        (None, ()),
        ([], ()),
        ([{"value": "a", "display": "Ann", "$ref": None, "type": "User"}], ("a",)),
        ([{"VALUE": "a"}, "b", {"value": "a"}], ("a", "b")),
        ({"value": "a"}, ("a",)),
        ("a", ("a",)),
    ],
)
def test_the_ids_are_read_each_once(value, ids: tuple[str, ...]):
    assert read_members(value) == ids


@pytest.mark.parametrize(
    "value, place",
    [
        ([{}], "members[0].value"),
        ([{"value": "a"}, {"value": ""}], "members[1].value"),
        ([{"value": None, "$ref": "x"}], "members[0].value"),
        ([None], "members[0].value"),
        ("", "members[0].value"),
        ([7], "members[0].value"),
        ([{"value": ["a"]}], "members[0].value"),
        ([{"value": "a\x00"}], "members[0].value"),
        ([{"value": "a" * 1001}], "members[0].value"),
        (True, "members"),
    ],
)
def test_what_names_nobody_is_refused(value, place: str):
    with pytest.raises(InvalidValue) as refusal:
        read_members(value)
    assert refusal.value.about["attribute"] == place


def test_a_large_group_is_read_in_one_go():
    ids = [f"user-{number}" for number in range(50_000)]
    assert read_members([{"value": member} for member in ids]) == tuple(ids)
