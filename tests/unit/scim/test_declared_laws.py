"""Whatever is sent to a declared type, is it refused as SCIM says, or kept as the declaration says?"""

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from rolecall.kernel.predicate import compile_matcher
from rolecall.scim.demands import check_immutable, check_required, kind_of
from rolecall.scim.errors import ScimError
from rolecall.scim.filters import parse_filter
from rolecall.scim.patch import parse_patch
from rolecall.scim.patch_apply import apply_to_profile
from rolecall.scim.profiles import read_profile, replaced
from tests.make.declared import DEVICE, WARRANTY, everything_declared

DEVICES = everything_declared().declared[0]
KIND = kind_of(DEVICES)
UNTIL = "2030-01-01T00:00:00Z"
NAMES = sorted({attribute.name for _, attribute in DEVICES.attributes()} - {"schemas"})
PARTS = ["value", "type", "protocols", "mac", "primary", "since", "$ref", "display", "until", "contract", "secretCode"]

TEXT = st.sampled_from(["", "a", "A", "b"])
TEXTS = st.lists(TEXT, max_size=3)
PORT = st.fixed_dictionaries(
    {"value": st.sampled_from(["a", "b"])},
    optional={"type": TEXT, "protocols": TEXTS, "mac": TEXT, "primary": st.booleans()},
)
FITTING = {
    "externalId": TEXT,
    "label": TEXT,
    "number": st.integers(0, 2),
    "weight": st.sampled_from([1, 1.5]),
    "bought": st.just(UNTIL),
    "managed": st.booleans(),
    "pin": TEXT,
    "tags": TEXTS,
    "hostNames": TEXTS,
    "owner": st.fixed_dictionaries({}, optional={"value": TEXT, "$ref": TEXT, "since": st.just(UNTIL)}),
    "ports": st.lists(PORT, max_size=3),
    "members": st.lists(st.fixed_dictionaries({"value": TEXT}), max_size=2),
    "urn:other:x": st.dictionaries(TEXT, TEXT),
}
ANYTHING = st.one_of(st.none(), TEXT, TEXTS, st.booleans(), st.integers(0, 1), PORT, st.lists(PORT, max_size=2))
BODIES = st.fixed_dictionaries(
    {"serial": st.sampled_from(["a", "b"]), WARRANTY: st.just({"until": UNTIL})},
    optional=FITTING | {"health": ANYTHING, DEVICE: ANYTHING},
)
PATHS = st.one_of(
    st.sampled_from(NAMES),
    st.builds("{}.{}".format, st.sampled_from(NAMES), st.sampled_from(PARTS)),
    st.builds('{}[{} eq "a"]'.format, st.sampled_from(NAMES), st.sampled_from(PARTS)),
    st.builds("{}:{}".format, st.sampled_from([WARRANTY, DEVICE, "urn:other:x"]), st.sampled_from([*NAMES, *PARTS])),
    st.just(WARRANTY),
)
OP = st.sampled_from(["add", "replace", "remove"])
FITTING_OPERATIONS = st.one_of(
    *(st.fixed_dictionaries({"op": OP, "path": st.just(name), "value": value}) for name, value in FITTING.items()),
    st.fixed_dictionaries(
        {
            "op": OP,
            "path": st.builds("ports[value eq {}].{}".format, st.sampled_from(['"a"', '"b"']), st.just("protocols")),
            "value": TEXTS,
        }
    ),
    st.fixed_dictionaries({"op": OP, "path": st.just('ports[value eq "a"]'), "value": PORT}),
    st.fixed_dictionaries({"op": OP, "path": st.just("owner.value"), "value": TEXT}),
    st.fixed_dictionaries({"op": OP, "path": st.just(f"{WARRANTY}:contract"), "value": TEXT}),
    st.fixed_dictionaries({"op": OP, "path": st.just("serial"), "value": st.sampled_from(["a", "b"])}),
)
ANY_OPERATIONS = st.fixed_dictionaries({"op": OP}, optional={"path": PATHS, "value": ANYTHING})
OPERATIONS = st.lists(FITTING_OPERATIONS, min_size=1, max_size=4) | st.lists(ANY_OPERATIONS, min_size=1, max_size=3)


def kept(body):
    """Return what is kept of a body, or None when it is refused."""
    try:
        return read_profile(body, DEVICES)
    except ScimError:
        return None


@settings(max_examples=400)
@given(BODIES)
def test_what_is_kept_of_a_body_is_complete_and_would_be_kept_again(body):
    profile = kept(body)
    if profile is None:
        return
    check_required(profile, DEVICES)
    assert kept(orjson.loads(orjson.dumps(profile))) == profile
    assert len(set(KIND.unique_values(profile))) == len(KIND.unique_values(profile))
    assert {"id", "meta", "health", DEVICE}.isdisjoint(profile)


def each_value_once(profile):
    """Return the profile without values that another one before them equals."""
    return {
        name: [part for place, part in enumerate(value) if part not in value[:place]]
        if isinstance(value, list)
        else value
        for name, value in profile.items()
    }


@settings(max_examples=600)
@given(BODIES, OPERATIONS)
def test_a_patch_is_refused_or_leaves_what_a_body_could_have_brought(body, operations):
    before = kept(body)
    if before is None:
        return
    frozen = orjson.dumps(before)
    try:
        after = apply_to_profile(parse_patch({"Operations": operations}, DEVICES), before, DEVICES).profile
    except ScimError:
        assert orjson.dumps(before) == frozen
        return
    assert orjson.dumps(before) == frozen
    check_required(after, DEVICES)
    check_immutable(before, after, DEVICES)
    # Two values can become the same by a PATCH, and stay two; of a body that has them, one is kept.
    assert kept(orjson.loads(orjson.dumps(after))) == each_value_once(after)
    assert before.get("serial") == after["serial"]


@given(BODIES, BODIES)
def test_a_put_is_refused_or_changes_nothing_that_is_given_once(one, other):
    before, body = kept(one), kept(other)
    if before is None or body is None:
        return
    try:
        after = replaced(before, body, DEVICES)
    except ScimError:
        return
    assert after == body
    assert after["serial"] == before["serial"]


@given(BODIES)
def test_a_resource_is_found_by_each_of_its_unique_values(body):
    profile = kept(body)
    if profile is None:
        return
    for value in KIND.unique_values(profile):
        literal = value.key if value.attribute == "number" else orjson.dumps(value.key).decode()
        assert compile_matcher(parse_filter(f"{value.attribute} eq {literal}", DEVICES))(profile)
