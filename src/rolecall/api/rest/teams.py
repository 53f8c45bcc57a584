"""Which calls are there on teams?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Query
from pydantic import Field
from starlette.responses import Response

from rolecall.api.rest.calls import CurrentCall, RestCall, nothing, one
from rolecall.api.rest.endpoints import Endpoint
from rolecall.api.rest.errors import bad_field
from rolecall.api.rest.filters import FieldType, FilterField, describe
from rolecall.api.rest.masks import Mask, Version, expected_version, given_fields
from rolecall.api.rest.paging import MAX_FILTER, MAX_PAGE_SIZE, Pages, PageSize, PageToken, describe_order
from rolecall.api.rest.shapes import Body, Name, Shown, instant
from rolecall.api.rest.small_lists import answer_page, orders_of
from rolecall.authorization.actions import Action
from rolecall.directory import teams
from rolecall.directory.model import Expected, Team, TeamDraft, TeamId, TeamPolicy
from rolecall.directory.team_facts import user_counts
from rolecall.graph.data_sources import find_providers
from rolecall.graph.model import Provider
from rolecall.kernel.document import Json
from rolecall.storage.transaction import ReadTx, WriteTx

FIELDS: Final = (
    FilterField(name="id", type=FieldType.TEXT, path=("id",)),
    FilterField(name="name", type=FieldType.NAME, path=("name",)),
    FilterField(name="sso_alias", type=FieldType.NAME, path=("sso_alias",)),
    FilterField(name="policy_type", type=FieldType.TEXT, path=("policy_type",)),
    FilterField(name="created_at", type=FieldType.INSTANT, path=("created_at",)),
    FilterField(name="updated_at", type=FieldType.INSTANT, path=("updated_at",)),
)

TeamFilter = Annotated[str, Query(max_length=MAX_FILTER, description=describe(FIELDS))]
TeamOrder = Annotated[str, Query(max_length=100, description=describe_order(orders_of(FIELDS)))]
TeamIdInPath = Annotated[str, Path(alias="id", max_length=100, description="The team's id.")]
Policy = Literal["PROVIDER_ID_SET", "UNBOUND"]


class ProviderRef(Body):
    """A provider, by its id."""

    id: str = Field(max_length=100, description="The provider's id.")


class TeamBody(Body):
    """A team."""

    name: Name = Field(description="Unlike that of any other team.")
    description: str = Field(default="", max_length=1000, description="For people.")
    sso_alias: str | None = Field(
        default=None, max_length=200, description="What stands for the team in names that identity providers give."
    )
    policy_type: Policy = Field(
        default="PROVIDER_ID_SET", description="`PROVIDER_ID_SET`: sees the listed providers; `UNBOUND`: everything."
    )
    providers: list[ProviderRef] = Field(default=[], max_length=1000, description="What its members may see.")


class TeamChange(Body):
    """What shall be otherwise with a team; what is not named stays."""

    name: Name | None = Field(default=None, description="As when it is made.")
    description: str | None = Field(default=None, max_length=1000, description="As when it is made.")
    sso_alias: str | None = Field(default=None, max_length=200, description="As when it is made; null: none.")
    policy_type: Policy | None = Field(default=None, description="As when it is made.")
    providers: list[ProviderRef] | None = Field(default=None, max_length=1000, description="As when it is made.")


class ShownProvider(Shown):
    """A provider that a team may see."""

    id: str
    name: str
    type: str


class ShownTeam(Shown):
    """Users who work on one part of the data."""

    id: str
    name: str
    description: str
    sso_alias: str | None
    policy_type: Policy
    providers: list[ShownProvider]
    user_count: int
    created_at: str
    updated_at: str
    version: int


class OneTeam(Shown):
    """One team."""

    value: ShownTeam


class ManyTeams(Shown):
    """A page of teams."""

    values: list[ShownTeam]
    next_page_token: str
    has_more: bool


async def list_teams(
    call: CurrentCall,
    filter: TeamFilter = "",  # noqa: A002  # its name on the wire
    order_by: TeamOrder = "",
    page_size: PageSize = MAX_PAGE_SIZE,
    page_token: PageToken = "",
) -> Response:
    """List teams, Root first."""
    pages = Pages(call=call, name="teams")
    asked = await pages.asked(page_token, filter_text=filter, order_by=order_by)
    return answer_page(await call.read(_all_teams), FIELDS, pages, asked, page_size)


async def get_team(call: CurrentCall, team_id: TeamIdInPath) -> Response:
    """Return one team."""
    return one(await call.read(lambda tx: _shown(tx, teams.get_team(tx, TeamId(team_id)))))


async def create_team(call: CurrentCall, body: TeamBody) -> Response:
    """Make a team, in which nobody holds a role yet."""
    draft = TeamDraft(
        name=body.name,
        alias=body.sso_alias,
        description=body.description,
        provider_ids=_scope_of(body.policy_type, body.providers),
    )

    def create(tx: WriteTx) -> Json:
        team = teams.create_team(tx, draft)
        call.record.subject_id = team.id
        return _shown(tx, team)

    return one(await call.write(create))


async def change_team(
    call: CurrentCall, team_id: TeamIdInPath, body: TeamChange, update_mask: Mask = "", version: Version = None
) -> Response:
    """Change what is said of a team; what is not named stays."""
    given = given_fields(body, update_mask)
    for name in ("name", "description", "policy_type", "providers"):
        if name in given and given[name] is None:
            raise bad_field(name, "cannot be null.")

    def change(draft: TeamDraft) -> TeamDraft:
        names = {"name": "name", "description": "description", "sso_alias": "alias"}
        changed = replace(draft, **{names[name]: value for name, value in given.items() if name in names})
        if not given.keys() & {"policy_type", "providers"}:
            return changed
        policy = "UNBOUND" if draft.provider_ids is None else "PROVIDER_ID_SET"
        kept = [ProviderRef(id=each) for each in draft.provider_ids or ()]
        scope = _scope_of(given.get("policy_type", policy), given.get("providers", kept))
        return replace(changed, provider_ids=scope)

    return await _change(call, team_id, change, expected_version(version))


async def replace_team(call: CurrentCall, team_id: TeamIdInPath, body: TeamBody, version: Version = None) -> Response:
    """Say everything of a team anew; what is not named gets its default."""
    draft = TeamDraft(
        name=body.name,
        alias=body.sso_alias,
        description=body.description,
        provider_ids=_scope_of(body.policy_type, body.providers),
    )
    return await _change(call, team_id, lambda _old: draft, expected_version(version))


async def delete_team(call: CurrentCall, team_id: TeamIdInPath, version: Version = None) -> Response:
    """Delete a team, with every assignment in it and its keys. Root stays."""
    call.record.subject_id = team_id
    await call.write(lambda tx: teams.delete_team(tx, TeamId(team_id), expected_version(version)))
    return nothing()


async def _change(
    call: RestCall, team_id: str, change: Callable[[TeamDraft], TeamDraft], expected: Expected
) -> Response:
    call.record.subject_id = team_id
    return one(await call.write(lambda tx: _shown(tx, teams.change_team(tx, TeamId(team_id), change, expected))))


def _scope_of(policy: str, providers: Sequence[ProviderRef]) -> frozenset[str] | None:
    if policy == TeamPolicy.PROVIDER_ID_SET.value:
        return frozenset(each.id for each in providers)
    if providers:
        raise bad_field("providers", "a team that is UNBOUND sees everything: leave them out.")
    return None


def _all_teams(tx: ReadTx) -> list[dict[str, Json]]:
    return _shown_all(tx, teams.list_teams(tx))


def _shown(tx: ReadTx, team: Team) -> Json:
    return _shown_all(tx, [team])[0]


def _shown_all(tx: ReadTx, shown: Sequence[Team]) -> list[dict[str, Json]]:
    counts = user_counts(tx)
    providers = find_providers(tx, {each for team in shown for each in team.provider_ids or ()})
    return [_to_json(team, providers, counts.get(team.id, 0)) for team in shown]


def _to_json(team: Team, providers: Mapping[str, Provider], user_count: int) -> dict[str, Json]:
    scope = sorted(team.provider_ids or ())
    return {
        "id": team.id,
        "name": team.name,
        "description": team.description,
        "sso_alias": team.alias,
        "policy_type": team.policy.value,
        "providers": [
            {"id": each, "name": providers[each].name, "type": providers[each].type}
            for each in scope
            if each in providers
        ],
        "user_count": user_count,
        "created_at": instant(team.created_at),
        "updated_at": instant(team.changed_at),
        "version": team.version,
    }


_TEAM: Final[dict[str, Any]] = {
    "id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b",
    "name": "Sales",
    "description": "Who sells.",
    "sso_alias": "sales",
    "policy_type": "PROVIDER_ID_SET",
    "providers": [{"id": "019ab3c4-0000-7f80-9a1b-2c3d4e5f6a7b", "name": "CRM", "type": "custom"}],
    "user_count": 12,
    "created_at": "2026-11-24T10:00:00.000Z",
    "updated_at": "2026-11-24T10:00:00.000Z",
    "version": 1,
}
_ONE: Final = {"value": _TEAM}
_PATH: Final = "/api/v1/teams/{id:opaque}"

ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/api/v1/teams",
        needs=Action.TEAM_LIST,
        run=list_teams,
        answers=ManyTeams,
        example={"values": [_TEAM], "next_page_token": "", "has_more": False},
    ),
    Endpoint(
        method="POST",
        path="/api/v1/teams",
        needs=Action.TEAM_CHANGE,
        run=create_team,
        answers=OneTeam,
        example=_ONE,
        refusals=(409,),
    ),
    Endpoint(method="GET", path=_PATH, needs=Action.TEAM_LIST, run=get_team, answers=OneTeam, example=_ONE),
    Endpoint(
        method="PATCH",
        path=_PATH,
        needs=Action.TEAM_CHANGE,
        run=change_team,
        answers=OneTeam,
        example=_ONE,
        refusals=(409, 412),
    ),
    Endpoint(
        method="PUT",
        path=_PATH,
        needs=Action.TEAM_CHANGE,
        run=replace_team,
        answers=OneTeam,
        example=_ONE,
        refusals=(409, 412),
    ),
    Endpoint(method="DELETE", path=_PATH, needs=Action.TEAM_CHANGE, run=delete_team, answers=None, refusals=(409, 412)),
)
