"""How is a mapping written on the command line?"""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from rolecall.kernel.errors import DomainError, ErrorKind
from rolecall.mapping.model import MatchKind

if TYPE_CHECKING:
    from rolecall.directory.model import Target
    from rolecall.mapping.model import MappingDraft
    from rolecall.storage.transaction import ReadTx


class MappedSource(Enum):
    """What a mapping can look at, by its wire name."""

    SCIM_GROUP = "SCIM_GROUP"
    SCIM_ROLE = "SCIM_ROLE"
    SAML_CLAIM = "SAML_CLAIM"
    OIDC_CLAIM = "OIDC_CLAIM"


class BadTarget(DomainError):
    """What a mapping gives is written as a team's name, a colon and a role's name or id."""

    kind = ErrorKind.INVALID
    code = "bad_target"


Match: TypeAlias = Annotated[
    str, typer.Argument(metavar="MATCH", help="A group's name, id or a pattern, or a value.", show_default=False)
]
Gives: TypeAlias = Annotated[
    list[str], typer.Option("--gives", help="A role in a team, as team:role; repeatable.", show_default=False)
]
MatchBy: TypeAlias = Annotated[
    MatchKind | None, typer.Option("--by", help="How it matches. Left out: by name.", show_default=False)
]
Source: TypeAlias = Annotated[
    MappedSource | None, typer.Option("--source", help="What it looks at. Left out: pushed groups.", show_default=False)
]


def draft_from(
    tx: "ReadTx", match: str, gives: list[str], by: MatchKind | None, source: MappedSource | None
) -> "MappingDraft":
    """Return the mapping that the options describe.

    Raises: BadTarget, NotFound.
    """
    from rolecall.directory.model import SourceKind
    from rolecall.mapping.model import MappingDraft

    return MappingDraft(
        source=SourceKind[(source or MappedSource.SCIM_GROUP).name],
        match_kind=by or MatchKind.NAME,
        match_value=match,
        targets=targets_from(tx, gives),
    )


def targets_from(tx: "ReadTx", gives: list[str]) -> "frozenset[Target]":
    """Return what `team:role`, as often as it was written, means.

    Raises: BadTarget, NotFound.
    """
    from rolecall.directory.model import Target
    from rolecall.directory.roles import get_role_by_name
    from rolecall.directory.teams import get_team_by_name

    targets = set()
    for written in gives:
        team, colon, role = written.rpartition(":")
        if not colon:
            raise BadTarget(f"{written!r} is not a team and a role: write it as Sales:viewer.", attribute="gives")
        targets.add(Target(team_id=get_team_by_name(tx, team).id, role=get_role_by_name(tx, role).id))
    return frozenset(targets)
