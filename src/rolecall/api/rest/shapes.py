"""Of which building blocks are the bodies of the REST API made?"""

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from rolecall.authorization.actions import Action
from rolecall.kernel.clock import parse_rfc3339, to_rfc3339


class Body(BaseModel):
    """What a caller sends. Unknown names are refused: a misspelt one would otherwise seem to work."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Shown(BaseModel):
    """What a caller gets. Only documents it: answers are rendered straight from what is known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _parse_instant(value: Any) -> datetime:  # noqa: ANN401  # whatever stands in the JSON
    if not isinstance(value, str):
        raise ValueError("an RFC 3339 text such as 2026-11-24T10:00:00Z is needed")  # noqa: TRY004  # pydantic's way
    try:
        return parse_rfc3339(value)
    except ValueError as error:
        raise ValueError("not an RFC 3339 instant such as 2026-11-24T10:00:00Z") from error


Instant = Annotated[
    datetime,
    BeforeValidator(_parse_instant),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An instant, as RFC 3339."""

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
"""A name for people."""


def _check_action(value: str) -> str:
    if value not in _ACTIONS:
        raise ValueError("there is no such action")
    return value


_ACTIONS: Final = tuple(action.value for action in Action)

ActionName = Annotated[str, AfterValidator(_check_action), WithJsonSchema({"type": "string", "enum": list(_ACTIONS)})]
"""An action, as `noun:verb`."""


def instant(value: datetime | None) -> str | None:
    """Return an instant as it stands on the wire."""
    return None if value is None else to_rfc3339(value)
