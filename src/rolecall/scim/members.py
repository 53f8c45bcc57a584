"""Who is named by a list of members?"""

from collections.abc import Mapping, Sequence

from rolecall.kernel.document import Json
from rolecall.scim.errors import InvalidValue
from rolecall.scim.values import MAX_NAME_LENGTH, check_text


def read_members(value: Json, name: str = "members") -> tuple[str, ...]:
    """Return the ids that a `members` value names, each once, in the order given; null names nobody.

    Taken are a list, or a single one, of objects with `value`, or of bare ids. What else is said of a member
    (`display`, `type`, `$ref`) the directory knows itself.

    Raises: InvalidValue.
    """
    if value is None:
        return ()
    if isinstance(value, str | Mapping):
        return (_read_member(value, f"{name}[0]"),)
    if not isinstance(value, Sequence):
        raise InvalidValue(f"{name} must be a list of objects with a value.", attribute=name)
    return tuple(dict.fromkeys(_read_member(item, f"{name}[{index}]") for index, item in enumerate(value)))


def _read_member(item: Json, name: str) -> str:
    member = item
    if isinstance(item, Mapping):
        member = item.get("value")
        if member is None:
            member = next((part for key, part in item.items() if key.lower() == "value"), None)
    if member is None or member == "":
        raise InvalidValue(f"{name}.value is missing.", attribute=f"{name}.value")
    if not isinstance(member, str):
        raise InvalidValue(f"{name}.value must be a text: the member's id.", attribute=f"{name}.value")
    return check_text(member, f"{name}.value", limit=MAX_NAME_LENGTH)
