"""What may stand where SCIM expects a filter, a path, a value or the name of an attribute, right or wrong?"""

import json

from hypothesis import strategies as st

from tests.conformance.random_lists import WRONG_FILTERS
from tests.conformance.scim_client import ENTERPRISE, USER

NAMES = (
    "userName", "displayName", "name", "name.familyName", "emails", "emails.value", "emails.type", "emails.primary",
    "active", "meta", "meta.created", "meta.version", "id", "schemas", "externalId", "title", "groups", "groups.value",
    "members", "members.value", "members.$ref", "x509Certificates", "x509Certificates.value", "addresses.country",
    f"{ENTERPRISE}:department", f"{ENTERPRISE}:manager", f"{ENTERPRISE}:manager.value", ENTERPRISE, USER,
    f"{USER}:userName", "urn:example:stranger:2.0:User:x", "urn:", ":", ".", "$ref", "password", "value",
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(["", "ada", "work", "true", "2026-01-01T00:00:00Z", "%", "_", "\\", "'", '"']), st.text()
)
LITERALS = st.one_of(
    TEXTS.map(json.dumps),
    st.sampled_from(["true", "false", "null", "TRUE", "-0", "1e999", "9" * 40, "1.5", "0x1", "'x'", '"\\ud800"']),
    st.integers().map(str),
    st.floats().map(str),
)
OPERATORS = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", "EQ", "like", "=", ""])
COMPARISONS = st.builds(lambda name, word, value: f"{name} {word} {value}", st.sampled_from(NAMES), OPERATORS, LITERALS)
WORDS = st.sampled_from(["(", ")", "[", "]", "not", "and", "or", "pr", "eq", " ", ".", ":", '"', *NAMES])
FILTERS = st.one_of(
    st.recursive(
        COMPARISONS,
        lambda inner: st.one_of(
            st.builds("{} and {}".format, inner, inner),
            st.builds("{} or {}".format, inner, inner),
            inner.map("not ({})".format),
            inner.map("({})".format),
            st.builds("{}[{}]".format, st.sampled_from(NAMES), inner),
            st.builds("{}[{}].value eq {}".format, st.sampled_from(NAMES), inner, LITERALS),
        ),
        max_leaves=8,
    ),
    st.lists(WORDS, max_size=12).map(" ".join),
    st.sampled_from(list(WRONG_FILTERS.values())),
    st.text(),
)
PATHS = st.one_of(
    st.sampled_from(NAMES),
    st.builds("{}[{}]".format, st.sampled_from(NAMES), FILTERS),
    st.builds("{}[{}].{}".format, st.sampled_from(NAMES), COMPARISONS, st.sampled_from(NAMES)),
    st.lists(WORDS, max_size=6).map("".join),
    st.text(),
)
KEYS = st.one_of(st.sampled_from(NAMES), st.sampled_from(["value", "type", "primary", "display"]), st.text(max_size=8))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
