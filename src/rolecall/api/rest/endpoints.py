"""What is declared of each endpoint: where it is, what it needs, what it answers?"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from rolecall.authorization.actions import Action


class Need(Enum):
    """What an endpoint needs of its caller where that is no action."""

    NOTHING = "nothing"
    """Open to everybody: it looks at a credential by itself."""
    CREDENTIAL = "credential"
    """Any valid credential: it is about the caller alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method at one path. Its words in the OpenAPI document are those of `run`."""

    method: str
    path: str
    """With `{id:opaque}` where an id stands."""
    needs: Action | Need
    run: Callable[..., Awaitable[Response]]
    answers: type[BaseModel] | None
    """What the OpenAPI document says of the answer; None for an empty object. Never used to make one."""
    example: Mapping[str, Any] = field(default_factory=dict)
    """Of the answer."""
    also: str | None = None
    """The media type of a text that it can answer instead of JSON, if there is one."""
    refusals: tuple[int, ...] = ()
    """Statuses besides those that every endpoint can answer with."""
    form: Mapping[str, str] = field(default_factory=dict)
    """The fields of its body, where that is a form, and what each means."""
    form_required: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        """The part of the API that it belongs to: the noun in its path."""
        _, _, _, noun, *further = self.path.split("/")
        return (further[0] if noun == "system" else noun).partition(":")[0]

    @property
    def plain_path(self) -> str:
        """The path as clients read it: `{id}`."""
        return self.path.replace(":opaque}", "}")
