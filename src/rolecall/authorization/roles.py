"""Which roles are built in, and what does a role give in a team?"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NewType

from rolecall.authorization.actions import IN_ANY_TEAM, Action

RoleId = NewType("RoleId", str)
"""Of a built-in role its wire name; of a custom one a UUIDv7."""

ADMIN: Final = RoleId("admin")
SCIM_PROVISIONER: Final = RoleId("scim_provisioner")

ROOT: Final = "00000000-0000-7000-8000-000000000001"
"""The id of the team Root, which sees everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltInRole:
    """A role that every installation has, and that nobody can change."""

    id: RoleId
    name: str
    description: str
    actions: frozenset[Action]


_PERSON: Final = frozenset({Action.OWN_KEY_CHANGE})
_SEES: Final = _PERSON | {Action.DATA_SOURCE_LIST, Action.PROVIDER_LIST, Action.ROLE_LIST, Action.TEAM_LIST}
_FEEDS: Final = frozenset(
    {Action.DATA_SOURCE_LIST, Action.DATA_SOURCE_REGISTER, Action.PROVIDER_LIST, Action.PROVIDER_REGISTER}
)

_BUILT_IN: Final = (
    BuiltInRole(id=ADMIN, name="Administrator", description="May do everything.", actions=frozenset(Action)),
    BuiltInRole(
        id=RoleId("operator"),
        name="Operator",
        description="Works with what is known of access; administers neither users nor connections.",
        actions=_SEES | {Action.EVENT_READ, Action.GROUP_LIST, Action.MAPPING_LIST, Action.USER_LIST},
    ),
    BuiltInRole(id=RoleId("viewer"), name="Viewer", description="Looks at what its team may see.", actions=_SEES),
    BuiltInRole(
        id=RoleId("watcher"),
        name="Watcher",
        description="Sees what an operator sees, and changes nothing.",
        actions=_SEES | {Action.EVENT_READ, Action.GROUP_LIST, Action.MAPPING_LIST, Action.USER_LIST},
    ),
    BuiltInRole(
        id=RoleId("access_reviewer"),
        name="Access reviewer",
        description="Decides in the access reviews that are assigned to it.",
        actions=_PERSON,
    ),
    BuiltInRole(
        id=RoleId("reassigner"),
        name="Reassigner",
        description="Chooses who reviews.",
        actions=_PERSON,
    ),
    BuiltInRole(
        id=RoleId("integrations_manager"),
        name="Integrations manager",
        description="Sets up integrations. Needs no other role beside it.",
        actions=_SEES | _FEEDS,
    ),
    BuiltInRole(
        id=RoleId("csv_manager"),
        name="CSV manager",
        description="Uploads files with what is known of access.",
        actions=_PERSON | _FEEDS,
    ),
    BuiltInRole(
        id=SCIM_PROVISIONER,
        name="SCIM provisioner",
        description="Pushes users and groups over SCIM, and does nothing else.",
        actions=frozenset({Action.PROVISIONED_READ, Action.PROVISIONED_WRITE}),
    ),
    BuiltInRole(
        id=RoleId("oaa_push"),
        name="OAA push",
        description="Pushes payloads about data sources. For machines.",
        actions=_FEEDS,
    ),
)

BUILT_IN_ROLES: Final[Mapping[RoleId, BuiltInRole]] = MappingProxyType({role.id: role for role in _BUILT_IN})
"""By id. A role whose subject is still to come holds nothing yet; it grows as Rolecall does."""

ROLE_ACTIONS: Final[Mapping[RoleId, frozenset[Action]]] = MappingProxyType(
    {role.id: role.actions for role in _BUILT_IN}
)
"""What each built-in role may do in Root."""


def given_in(team_id: str, actions: frozenset[Action]) -> frozenset[Action]:
    """Return what a role with these actions gives in a team: in Root all of them, elsewhere what a team can have."""
    return actions if team_id == ROOT else actions & IN_ANY_TEAM
