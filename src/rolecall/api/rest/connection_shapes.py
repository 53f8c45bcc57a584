"""How do SCIM connections stand on the wire of the REST API?"""

from typing import Annotated, Final, Literal

from pydantic import Field

from rolecall.api.rest.shapes import Body, Name, Shown
from rolecall.connections.model import (
    GUARD_PEOPLE,
    GUARD_PERCENT,
    LONGEST_PATTERN,
    MOST_CALLS,
    MOST_HOURS,
    MOST_PATTERNS,
)

_LONGEST_OVERLAP: Final = 24 * 90
State = Literal["ON", "OFF"]
Networks = Annotated[list[Annotated[str, Field(max_length=50)]], Field(max_length=50)]
Patterns = Annotated[list[Annotated[str, Field(max_length=LONGEST_PATTERN)]], Field(max_length=MOST_PATTERNS)]
People = Annotated[int, Field(ge=0, le=2**31)]
Percent = Annotated[int, Field(ge=0, le=100)]
Rate = Annotated[int, Field(ge=0, le=MOST_CALLS)]
Profile = Literal["rfc", "strict"]
Hours = Annotated[int, Field(ge=0, le=MOST_HOURS)]
Spoken = Literal[
    "okta",
    "entra",
    "entra_2020_flag",
    "onelogin",
    "ping",
    "jumpcloud",
    "keycloak",
    "authentik",
    "sailpoint",
    "google",
    "rippling",
    "other",
]


class ConnectionBody(Body):
    """A SCIM connection to be made."""

    name: Name = Field(description="Unlike that of any other connection.")
    state: State = Field(default="OFF", description="Whether it is listened to.")
    allowed_networks: Networks = Field(
        default=[], description="From where alone it may call, as `192.0.2.0/24`; empty: from anywhere."
    )
    user_scope: Patterns = Field(
        default=[],
        description="Whom it may push, by `userName`: patterns such as `*@example.com`, one of which must fit; "
        "empty: anybody. What it owns already stays, and can be deactivated and deleted.",
    )
    group_scope: Patterns = Field(default=[], description="Which groups it may push, by `displayName`, likewise.")
    rate_limit: Rate = Field(
        default=0, description="So many calls a minute, beyond which it hears 429; 0: as many as it likes."
    )
    requirement_profile: Profile | None = Field(
        default=None, description="What a user that it pushes must have; null: as the installation's setting says."
    )
    silent_after_hours: Hours = Field(
        default=0, description="After so many hours without a call there is an event that warns; 0: never."
    )
    dialect_pinned: Spoken | None = Field(
        default=None, description="Shown as its dialect in place of the one that was recognised; changes nothing else."
    )
    guard_people: People = Field(
        default=GUARD_PEOPLE,
        description="So many people may lose an assignment by its calls in an hour; what goes beyond is held.",
    )
    guard_percent: Percent = Field(
        default=GUARD_PERCENT,
        description="Or so many per cent of those who hold one, whichever is more; 100: no limit.",
    )


class ConnectionChange(Body):
    """What shall be otherwise with a connection; what is not named stays."""

    name: Name | None = Field(default=None, description="As when it is made.")
    state: State | None = Field(default=None, description="As when it is made.")
    allowed_networks: Networks | None = Field(default=None, description="As when it is made.")
    user_scope: Patterns | None = Field(default=None, description="As when it is made.")
    group_scope: Patterns | None = Field(default=None, description="As when it is made.")
    rate_limit: Rate | None = Field(default=None, description="As when it is made.")
    requirement_profile: Profile | None = Field(default=None, description="As when it is made; null can be given.")
    silent_after_hours: Hours | None = Field(default=None, description="As when it is made.")
    dialect_pinned: Spoken | None = Field(default=None, description="As when it is made; null can be given.")
    guard_people: People | None = Field(default=None, description="As when it is made.")
    guard_percent: Percent | None = Field(default=None, description="As when it is made.")


class Rotation(Body):
    """How a credential is replaced."""

    overlap_hours: int = Field(
        default=24, ge=0, le=_LONGEST_OVERLAP, description="So long the older credentials go on beside the new one."
    )


class UserToLink(Body):
    """Whom a connection shall own."""

    user_id: str = Field(max_length=100, description="A local user, or one of another connection.")


class ScimSwitch(Body):
    """Whether the default connection is on."""

    enabled: bool


class ScimSetting(Body):
    """A setting of sign-in: SCIM."""

    value: ScimSwitch


class ShownConnection(Shown):
    """An identity provider that pushes users and groups over SCIM."""

    id: str
    name: str
    state: str
    is_default: bool = Field(description="The one that is always there; keys of no connection push for it.")
    allowed_networks: list[str]
    user_scope: list[str]
    group_scope: list[str]
    rate_limit: int
    requirement_profile: str | None
    silent_after_hours: int
    dialect_pinned: str | None
    dialect: str | None = Field(description="Whose calls they look like, or the pinned one; null: none came yet.")
    last_call_at: str | None = Field(description="Some seconds late.")
    calls_24h: int = Field(description="Calls of the running hour and the 23 before, each operation of a bulk too.")
    errors_24h: int = Field(description="Those of them that were answered with 400 or more.")
    error_rate: float | None = Field(description="Their share, from 0 to 1; null without calls.")
    guard_people: int
    guard_percent: int
    user_count: int = Field(description="Users that belong to it.")
    group_count: int = Field(description="Groups that belong to it.")
    created_at: str
    updated_at: str
    version: int


class OneConnection(Shown):
    """One connection."""

    value: ShownConnection


class ManyConnections(Shown):
    """A page of connections."""

    values: list[ShownConnection]
    next_page_token: str
    has_more: bool


class ShownCredential(Shown):
    """A key that a connection pushes with."""

    id: str
    name: str
    access_key: str = Field(description="The whole key, in the answer that makes it; empty ever after.")
    is_usable: bool
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_access_at: str | None = Field(description="To the minute.")


class OneCredential(Shown):
    """One credential."""

    value: ShownCredential


class ManyCredentials(Shown):
    """All credentials of a connection."""

    values: list[ShownCredential]
    next_page_token: str
    has_more: bool


class LinkedUser(Shown):
    """A user and the connection that owns it."""

    user_id: str
    user_name: str
    connection_id: str


class OneLinkedUser(Shown):
    """One linked user."""

    value: LinkedUser


class OneScimSetting(Shown):
    """Whether the default connection is on."""

    value: ScimSwitch
