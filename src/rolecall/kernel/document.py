"""What is a JSON value, as a type that may travel between rooms?"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""Any JSON value; read-only, so that a room cannot change another room's data."""

Document: TypeAlias = "Mapping[str, Json]"
"""A JSON object."""
