"""Does a value fit its attribute, and how is it kept?

Nothing is kept for null, "", [] and {}: they all mean that the attribute has no value (RFC 7643 §2.5),
and no filter could tell them apart. Everything else is kept exactly as it was sent, except that booleans
sent as text become booleans.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NoReturn

import orjson

from rolecall.kernel.clock import parse_rfc3339
from rolecall.kernel.document import Json
from rolecall.kernel.text import comparison_form, has_control_character
from rolecall.scim.errors import InvalidValue
from rolecall.scim.schemas import Attribute, AttributeType, Uniqueness

MAX_NAME_LENGTH: Final = 1_000
"""Characters in what resources are looked up by, and bytes of its comparison form, which an index must hold."""
MAX_TEXT_LENGTH: Final = 32_768
"""Characters in any other text."""
MAX_VALUES: Final = 1_000
"""Values of one multi-valued attribute. A group's members are read elsewhere, without this limit."""
MAX_OPEN_DEPTH: Final = 20
"""Objects and lists within one another, where no schema says what to expect."""

_LOOKED_UP: Final = frozenset({"userName", "displayName", "externalId", "emails.value", "emails.type"})
_SELECTION: Final = re.compile(r"\[.*\]", re.DOTALL)
_TRUTHS: Final[Mapping[str, bool]] = {"true": True, "false": False}
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]+={0,2}", re.ASCII)
_KINDS: Final[Mapping[type, str]] = {bool: "a boolean", int: "a number", float: "a number", str: "a text"}


def is_unassigned(value: Json) -> bool:
    """Return whether the value means that there is none."""
    return value is None or (isinstance(value, str | Sequence | Mapping) and len(value) == 0)


def read_attribute(attribute: Attribute, value: Json, name: str, *, strict: bool = False) -> Json:
    """Return what is kept of a whole attribute; None when that is nothing.

    `name` is for messages. `strict` refuses objects of which no part is known, which otherwise count as empty.

    Raises: InvalidValue.
    """
    if is_unassigned(value):
        return None
    if not attribute.multi_valued:
        return read_single(attribute, value, name, strict=strict)
    # OneLogin sends a single object where RFC 7643 §2.4 has a list.
    values = [value] if isinstance(value, str | Mapping) or not isinstance(value, Sequence) else value
    check_count(values, name)
    by_text: dict[bytes, Json] = {}
    for index, item in enumerate(values):
        read = read_single(attribute, item, f"{name}[{index}]", strict=strict)
        if read is not None:
            by_text.setdefault(orjson.dumps(read, option=orjson.OPT_SORT_KEYS), read)
    kept = list(by_text.values())
    if sum(is_primary(value) for value in kept) > 1:
        raise InvalidValue(f"Only one value of {name} can be primary.", attribute=name)
    return kept or None


def is_primary(value: Json) -> bool:
    """Return whether the value is marked as the preferred one."""
    return isinstance(value, Mapping) and value.get("primary") is True


def check_count(values: Sequence[Json], name: str) -> None:
    """Refuse more values than one attribute may have."""
    if len(values) > MAX_VALUES:
        raise InvalidValue(f"{name} has more than {MAX_VALUES:,} values.", attribute=name)


def read_single(attribute: Attribute, value: Json, name: str, *, strict: bool = False) -> Json:
    """Return what is kept of one value, also of one among many; None when that is nothing."""
    if attribute.type is not AttributeType.COMPLEX:
        return None if is_unassigned(value) else _READERS[attribute.type](attribute, value, name)
    parts = read_parts(attribute, value, name, strict=strict)
    for sub in attribute.sub_attributes:
        if sub.required and parts.get(sub.name) is None:
            raise InvalidValue(f"{name}.{sub.name} is missing.", attribute=f"{name}.{sub.name}")
    return combined({}, parts)


def read_parts(attribute: Attribute, value: Json, name: str, *, strict: bool = False) -> Mapping[str, Json]:
    """Return what is given for the parts of one complex value; None for a part that shall have no value.

    Parts that are read-only or unknown are left out. A bare text stands for the part `value`, and a list of one
    for that one: Entra sends `manager` in both forms.
    """
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) and attribute.sub_attribute("value") is not None:
        value = {"value": value}
    if is_unassigned(value):
        return {}
    if not isinstance(value, Mapping):
        _refuse(value, name, "an object")
    parts: dict[str, Json] = {}
    known = False
    for key, item in value.items():
        sub = attribute.sub_attribute(key)
        if sub is not None:
            known = True
            if not sub.read_only:
                parts[sub.name] = read_attribute(sub, item, f"{name}.{sub.name}")
    if strict and not known:
        raise InvalidValue(f"{name} has no part named {next(iter(value))[:MAX_NAME_LENGTH]}.", attribute=name)
    return parts


def combined(old: Mapping[str, Json], parts: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """Return a complex value with some of its parts changed (None: removed), or None when nothing is left.

    Its `value` is what it stands for: without it the rest means nothing, and with another one the `$ref` of
    the old no longer holds.
    """
    if "value" in parts:
        if parts["value"] is None:
            return None
        if "$ref" in old and parts["value"] != old.get("value"):
            old = {name: part for name, part in old.items() if name != "$ref"}
    return {name: part for name, part in {**old, **parts}.items() if part is not None} or None


def read_open(value: Json, name: str, depth: int = 0) -> Json:
    """Return what is kept of a value that no schema declares; None when that is nothing."""
    if depth > MAX_OPEN_DEPTH:
        raise InvalidValue(f"{name} has more than {MAX_OPEN_DEPTH} objects within one another.", attribute=name)
    if isinstance(value, str):
        return check_text(value, name) or None
    if isinstance(value, Mapping):
        return _read_open_object(value, name, depth + 1)
    if isinstance(value, Sequence):
        items = [read_open(item, f"{name}[{index}]", depth + 1) for index, item in enumerate(value)]
        return [item for item in items if item is not None] or None
    return value


def _read_open_object(value: Mapping[str, Json], name: str, depth: int) -> Json:
    kept: dict[str, Json] = {}
    for key, item in value.items():
        read = read_open(item, f"{name}.{check_text(key, name, limit=MAX_NAME_LENGTH)}", depth)
        if read is not None:
            kept[key] = read
    return kept or None


def check_text(text: str, name: str, *, limit: int = MAX_TEXT_LENGTH) -> str:
    """Return the text, or refuse it for its length or for control characters."""
    if len(text) > limit:
        raise InvalidValue(f"{name} is longer than {limit:,} characters.", attribute=name)
    if has_control_character(text):
        raise InvalidValue(f"{name} contains a control character.", attribute=name)
    return text


def _refuse(value: Json, name: str, wanted: str) -> NoReturn:
    found = _KINDS.get(type(value)) or ("an object" if isinstance(value, Mapping) else "a list")
    raise InvalidValue(f"{name} must be {wanted}, not {found}.", attribute=name)


def _read_text(attribute: Attribute, value: Json, name: str) -> Json:
    if not isinstance(value, str):
        _refuse(value, name, "a text")
    if attribute.uniqueness is not Uniqueness.NONE or _SELECTION.sub("", name) in _LOOKED_UP:
        check_text(value, name, limit=MAX_NAME_LENGTH)
        # One character can become many bytes, also of the text as it is: externalId is kept with its case.
        if not value.isascii() and _bytes_of(value) > MAX_NAME_LENGTH:
            raise InvalidValue(f"{name} takes more than {MAX_NAME_LENGTH:,} bytes.", attribute=name)
        return value
    return check_text(value, name)


def _bytes_of(text: str) -> int:
    return max(len(text.encode(errors="replace")), len(comparison_form(text).encode(errors="replace")))


def _read_boolean(_attribute: Attribute, value: Json, name: str) -> Json:
    if isinstance(value, bool):
        return value
    # Entra without the 2020 flag sends "False".
    truth = _TRUTHS.get(value.lower()) if isinstance(value, str) else None
    if truth is None:
        raise InvalidValue(f"{name} must be true or false.", attribute=name)
    return truth


def _read_integer(_attribute: Attribute, value: Json, name: str) -> Json:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue(f"{name} must be a whole number.", attribute=name)
    return value


def _read_decimal(_attribute: Attribute, value: Json, name: str) -> Json:
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse(value, name, "a number")
    return value


def _read_instant(_attribute: Attribute, value: Json, name: str) -> Json:
    try:
        parse_rfc3339(value if isinstance(value, str) else "")
    except (ValueError, OverflowError):
        raise InvalidValue(f'{name} must be a time such as "2026-01-31T08:00:00Z".', attribute=name) from None
    return value


def _read_binary(attribute: Attribute, value: Json, name: str) -> Json:
    text = _read_text(attribute, value, name)
    if _BASE64.fullmatch(str(text)) is None:
        raise InvalidValue(f"{name} must be base64.", attribute=name)
    return text


_READERS: Final[Mapping[AttributeType, Callable[[Attribute, Json, str], Json]]] = {
    AttributeType.STRING: _read_text,
    AttributeType.REFERENCE: _read_text,
    AttributeType.BINARY: _read_binary,
    AttributeType.BOOLEAN: _read_boolean,
    AttributeType.INTEGER: _read_integer,
    AttributeType.DECIMAL: _read_decimal,
    AttributeType.DATE_TIME: _read_instant,
}
