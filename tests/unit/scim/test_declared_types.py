"""Do bodies, PATCH, filters and answers treat a declared type as its schema says?"""

import json
from datetime import UTC, datetime

import pytest

from rolecall.directory.model import ResourceId, StoredResource
from rolecall.scim.errors import InvalidFilter, InvalidPath, InvalidValue, Mutability
from rolecall.scim.filters import parse_filter
from rolecall.scim.lists import parse_sort
from rolecall.scim.patch import parse_patch
from rolecall.scim.patch_apply import apply_to_profile
from rolecall.scim.profiles import read_profile, replaced
from rolecall.scim.projection import parse_projection
from rolecall.scim.resources import render_resource
from rolecall.scim.values import MAX_NAME_LENGTH, MAX_VALUES
from tests.make.declared import DEVICE, PAYROLL, WARRANTY, attribute, everything_declared, type_with

REGISTRY = everything_declared()
DEVICES = REGISTRY.declared[0]
NOW = datetime(2026, 11, 24, tzinfo=UTC)
LEAST = {"schemas": [DEVICE, WARRANTY], "serial": "S1", WARRANTY: {"until": "2030-01-01T00:00:00Z"}}
PORTS = [{"value": "1", "protocols": ["ssh"]}, {"value": "2", "mac": "aa"}]


def patched(profile, *operations, kind=DEVICES):
    return apply_to_profile(parse_patch({"Operations": list(operations)}, kind), profile, kind).profile


def add(path, value):
    return {"op": "add", "path": path, "value": value}


def replace(path, value):
    return {"op": "replace", "path": path, "value": value}


def remove(path, **value):
    return {"op": "remove", "path": path, **value}


def test_a_body_becomes_a_profile_of_what_is_declared_and_can_be_written():
    body = {
        "schemas": [DEVICE],
        "SERIAL": "S1",
        "health": "only the server says so",
        "unknown": 1,
        "pin": "1234",
        "members": [{"value": "a", "display": "A"}],
        "ports": PORTS,
        "urn:acme:more": {"a": 1},
        WARRANTY.upper(): {"Until": "2030-01-01T00:00:00Z"},
    }
    assert read_profile(body, DEVICES) == {
        "schemas": [DEVICE, "urn:acme:more", WARRANTY],
        "serial": "S1",
        "pin": "1234",
        "members": [{"value": "a", "display": "A"}],
        "ports": PORTS,
        "urn:acme:more": {"a": 1},
        WARRANTY: {"until": "2030-01-01T00:00:00Z"},
    }


def test_the_schema_of_the_type_itself_is_no_extension():
    profile = read_profile({**LEAST, DEVICE: {"label": "x"}}, DEVICES)
    assert DEVICE not in profile
    with pytest.raises(InvalidPath):
        patched(LEAST, replace(f"{DEVICE}:nothing", "x"))


@pytest.mark.parametrize(
    "change, missing",
    [
        ({"serial": None}, "serial"),
        ({WARRANTY: None}, WARRANTY),
        ({WARRANTY: {"contract": "c"}}, f"{WARRANTY}:until"),
        ({"ports": [{"type": "x"}]}, r"ports\[0\].value"),
    ],
)
def test_a_body_needs_what_is_required(change, missing: str):
    with pytest.raises(InvalidValue, match=f"^{missing} is missing"):
        read_profile(LEAST | change, DEVICES)


def test_what_must_be_unique_fits_into_an_index():
    with pytest.raises(InvalidValue, match="hostNames"):
        read_profile({**LEAST, "hostNames": ["x" * (MAX_NAME_LENGTH + 1)]}, DEVICES)
    assert read_profile({**LEAST, "label": "x" * (MAX_NAME_LENGTH + 1)}, DEVICES)["label"]


def test_a_put_keeps_what_can_be_given_only_once_and_refuses_another_value():
    before = {**LEAST, "label": "x", "owner": {"value": "u"}}
    assert replaced(before, LEAST, DEVICES) == LEAST
    without = {"schemas": [DEVICE], "label": "y"}
    assert replaced(before, without, DEVICES) == {"schemas": [DEVICE], "label": "y", "serial": "S1"}
    extended = {"schemas": ["u"], "userName": "a", PAYROLL: {"grade": "1", "staffNumber": "7"}}
    kept = replaced(extended, {"schemas": ["u"], "userName": "a"}, REGISTRY.user)
    assert kept[PAYROLL] == {"staffNumber": "7"}
    assert kept["schemas"][-1] == PAYROLL
    with pytest.raises(Mutability, match=r"^serial"):
        replaced(before, {**LEAST, "serial": "S2"}, DEVICES)
    with pytest.raises(Mutability, match=r"^owner.value"):
        replaced(before, {**LEAST, "owner": {"value": "v"}}, DEVICES)


def test_a_patch_changes_every_kind_of_attribute():
    after = patched(
        LEAST,
        add("label", "Ada's"),
        add("tags", ["a", "b"]),
        add("tags", ["b", "c"]),
        add("owner", {"value": "u1", "since": "2026-01-01T00:00:00Z"}),
        add("ports", PORTS),
        add("members", [{"value": "m"}]),
        replace(f"{WARRANTY}:contract", "C7"),
        {"op": "add", "value": {"members": [{"value": "n"}], "weight": 1.5, "groups": ["ignored"]}},
    )
    assert after == {
        **LEAST,
        "schemas": [DEVICE, WARRANTY],
        "label": "Ada's",
        "tags": ["a", "b", "c"],
        "owner": {"value": "u1", "since": "2026-01-01T00:00:00Z"},
        "ports": PORTS,
        "members": [{"value": "m"}, {"value": "n"}],
        "weight": 1.5,
        WARRANTY: {"until": "2030-01-01T00:00:00Z", "contract": "C7"},
    }


@pytest.mark.parametrize(
    "operation, protocols",
    [
        (add('ports[value eq "1"].protocols', "http"), ["ssh", "http"]),
        (add('ports[value eq "1"].protocols', ["ssh", "http"]), ["ssh", "http"]),
        (replace('ports[value eq "1"].protocols', ["a", "b"]), ["a", "b"]),
        (remove('ports[value eq "1"].protocols', value=["SSH"]), None),
        (remove('ports[value eq "1"].protocols', value=["other"]), ["ssh"]),
        (remove('ports[value eq "1"].protocols'), None),
        (remove('ports[value eq "1"].protocols', value=[]), ["ssh"]),
        (add("ports.protocols", "http"), ["ssh", "http"]),
    ],
)
def test_a_part_with_several_values_is_changed_like_an_attribute_with_several(operation, protocols):
    after = patched({**LEAST, "ports": PORTS}, operation)
    assert after["ports"][0].get("protocols") == protocols


def test_a_part_that_nobody_declared_is_removed_whole():
    profile = {**LEAST, "urn:acme:more": {"a": {"b": ["x", "y"], "c": 1}}}
    after = patched(profile, remove("urn:acme:more:a.b", value=["x"]))
    assert after["urn:acme:more"] == {"a": {"c": 1}}


def test_a_part_with_several_values_has_a_greatest_number_of_them():
    full = [{"value": "1", "protocols": [str(number) for number in range(MAX_VALUES)]}]
    with pytest.raises(InvalidValue, match="more than 1,000 values"):
        patched({**LEAST, "ports": full}, add('ports[value eq "1"].protocols', "one more"))


@pytest.mark.parametrize(
    "operation, message",
    [
        (replace("serial", "S2"), "serial has a value already"),
        (remove("serial"), "serial must have a value"),
        (replace("health", "fine"), "health cannot be changed"),
        (replace('ports[value eq "2"].mac', "bb"), "ports.mac cannot be changed"),
        (replace('ports[value eq "2"]', {"mac": "bb"}), "ports.mac cannot be changed"),
        (replace("owner.value", "u2"), "owner.value has a value already"),
        (add("ports", {"value": "2", "mac": "bb"}), "ports.mac has a value already"),
    ],
)
def test_a_patch_cannot_change_what_only_the_server_sets_or_what_is_set_once(operation, message: str):
    with pytest.raises(Mutability, match=f"^{message}"):
        patched({**LEAST, "owner": {"value": "u1"}, "ports": PORTS}, operation)


def test_a_patch_can_set_once_what_has_no_value_and_write_what_is_never_shown():
    assert patched(LEAST, add("owner.value", "u1"))["owner"] == {"value": "u1"}
    assert patched({**LEAST, "pin": "1"}, replace("pin", "2"))["pin"] == "2"
    after = patched({**LEAST, "ports": PORTS}, replace('ports[value eq "1"]', {"value": "1", "type": "x"}))
    assert after["ports"][0] == {"value": "1", "type": "x"}


@pytest.mark.parametrize(
    "operation, missing",
    [
        (remove(WARRANTY), WARRANTY),
        (remove('ports[value eq "1"]'), None),
        (add("urn:acme:x:a", 1), None),
        (replace(WARRANTY, {"contract": "c"}), None),
    ],
)
def test_after_a_patch_everything_required_is_still_there(operation, missing):
    if missing is None:
        patched({**LEAST, "ports": PORTS}, operation)
        return
    with pytest.raises(InvalidValue, match=f"^{missing} is missing"):
        patched(LEAST, operation)


def test_an_extension_that_a_patch_begins_needs_what_it_requires():
    user = {"schemas": ["u"], "userName": "a"}
    with pytest.raises(InvalidValue, match=f"^{PAYROLL}:grade is missing"):
        patched(user, add(f"{PAYROLL}:remark", "x"), kind=REGISTRY.user)
    assert patched(user, add(PAYROLL, {"grade": "x"}), kind=REGISTRY.user)[PAYROLL] == {"grade": "x"}


def test_null_takes_away_a_declared_boolean_but_not_active():
    kind = type_with(attribute("managed", type="boolean"), attribute("active", type="boolean"))
    profile = {"schemas": ["urn:x:Thing"], "managed": True, "active": True}
    assert patched(profile, replace("managed", None), kind=kind) == {"schemas": ["urn:x:Thing"], "active": True}
    with pytest.raises(InvalidValue, match="active must have a value"):
        patched(profile, replace("active", None), kind=kind)


def test_null_takes_away_declared_members():
    profile = {**LEAST, "members": [{"value": "m"}]}
    assert "members" not in patched(profile, {"op": "replace", "value": {"members": None}})


def test_a_password_that_is_declared_is_not_ignored():
    kind = type_with(attribute("password", mutability="writeOnly", returned="never"), attribute("x"))
    assert patched({}, {"op": "add", "value": {"password": "p"}}, kind=kind)["password"] == "p"
    assert patched({}, {"op": "add", "value": {"groups": ["g"], "x": "y"}}, kind=kind)["x"] == "y"


SECRETIVE = type_with(
    attribute("pin", returned="never"),
    attribute(
        "tokens",
        type="complex",
        multiValued=True,
        subAttributes=[attribute("value", returned="never"), attribute("type")],
    ),
    attribute("x"),
)


@pytest.mark.parametrize(
    "text", ['pin eq "1"', "pin pr", 'tokens.value sw "a"', 'tokens eq "a"', 'tokens[value co "a"]']
)
def test_nothing_can_be_found_by_what_is_never_returned(text: str):
    with pytest.raises(InvalidFilter, match=r"^(pin|tokens\.value|value) is never returned, so nothing") as refused:
        parse_filter(text, SECRETIVE)
    assert '"' not in refused.value.detail


@pytest.mark.parametrize("name", ["pin", "tokens.value", "tokens", f"{WARRANTY}:secretCode"])
def test_nothing_can_be_sorted_by_what_is_never_returned(name: str):
    kind = DEVICES if name.startswith("urn:") else SECRETIVE
    with pytest.raises(InvalidValue, match="never returned"):
        parse_sort(name, None, kind)


def test_what_is_not_secret_can_be_found_and_sorted_by():
    assert parse_filter('tokens[type eq "a"]', SECRETIVE)
    assert parse_sort("tokens.type", None, SECRETIVE) == (("tokens", "type"), False)


def shown(attributes=None, excluded=None, **profile):
    stored = StoredResource(
        id=ResourceId("7"), profile=json.dumps({**LEAST, **profile}), version=3, created_at=NOW, changed_at=NOW
    )
    projection = parse_projection(attributes, excluded, DEVICES)
    return json.loads(render_resource(stored, DEVICES, base_url="https://r/scim/v2", projection=projection))


def test_a_resource_is_shown_without_what_is_never_returned_or_only_on_request():
    assert shown(label="x", pin="1", notes="n") == {
        **LEAST,
        "id": "7",
        "label": "x",
        "meta": {
            "resourceType": "Device",
            "created": "2026-11-24T00:00:00.000Z",
            "lastModified": "2026-11-24T00:00:00.000Z",
            "location": "https://r/scim/v2/Devices/7",
            "version": 'W/"3"',
        },
    }
    assert set(shown("notes,pin,label", label="x", pin="1", notes="n")) == {"schemas", "id", "label", "notes"}


def test_a_resource_of_a_type_without_secrets_is_shown_as_it_is_kept():
    kind = type_with(attribute("x"))
    stored = StoredResource(
        id=ResourceId("7"), profile='{"schemas":["urn:x:Thing"],"x":"a"}', version=1, created_at=NOW, changed_at=NOW
    )
    text = render_resource(stored, kind, base_url="b", projection=parse_projection(None, None, kind))
    assert text.startswith(b'{"schemas":["urn:x:Thing"],"id":"7","x":"a","meta":{"resourceType":"Thing"')
