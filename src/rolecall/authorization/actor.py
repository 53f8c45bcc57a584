"""Who asks now?"""

from dataclasses import dataclass, field
from enum import Enum

from rolecall.authorization.actions import Action


class ActorKind(Enum):
    """By what way the actor came in."""

    ACCESS_TOKEN = "access_token"  # noqa: S105  # a name
    """With a token that an API key was exchanged for."""
    API_KEY = "api_key"
    COMMAND_LINE = "command_line"
    """Somebody with access to the installation's own files or database: may do everything."""
    NOBODY = "nobody"
    """Has presented no credential: may do nothing."""
    SYSTEM = "system"
    """Rolecall itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushScope:
    """Whom and what a SCIM connection may push, by name; in a pattern `*` stands for any text, no pattern for all."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks now, and what it may ask for. Carries everything that a rule needs to know of it."""

    kind: ActorKind
    actions: frozenset[Action] = field(default_factory=frozenset)
    user_id: str | None = None
    user_name: str | None = None
    api_key_id: str | None = None
    team_id: str | None = None
    """The active team; None for whoever acts outside of teams."""
    connection_id: str | None = None
    """The SCIM connection that the credential belongs to; None: it belongs to none, and sees what any has pushed."""
    push_scope: PushScope | None = None
    """What that connection may push; None: anything."""
    provider_ids: frozenset[str] | None = None
    """The providers that the active team may see; None: all there are."""
    request_id: str | None = None
    """The id under which this request's answer, audit records and events can be found."""

    def asking(self, request_id: str) -> "Actor":
        """Return this actor as the one who makes that request."""
        return Actor(
            kind=self.kind,
            actions=self.actions,
            user_id=self.user_id,
            user_name=self.user_name,
            api_key_id=self.api_key_id,
            team_id=self.team_id,
            connection_id=self.connection_id,
            push_scope=self.push_scope,
            provider_ids=self.provider_ids,
            request_id=request_id,
        )


NOBODY = Actor(kind=ActorKind.NOBODY)
SYSTEM = Actor(kind=ActorKind.SYSTEM, actions=frozenset(Action))
COMMAND_LINE = Actor(kind=ActorKind.COMMAND_LINE, actions=frozenset(Action))
