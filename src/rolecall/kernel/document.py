"""What is a JSON value, as a type that may travel between rooms?"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import orjson

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""Any JSON value; read-only, so that a room cannot change another room's data."""

Document: TypeAlias = "Mapping[str, Json]"
"""A JSON object."""


def is_same(one: Json, other: Json) -> bool:
    """Return whether two values are the same as JSON: unlike in Python, true is not 1. Order of names is nothing."""
    return one == other and orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        other, option=orjson.OPT_SORT_KEYS
    )
