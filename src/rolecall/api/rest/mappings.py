"""Which calls are there on mappings?"""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Query
from pydantic import Field
from starlette.responses import Response

from rolecall.api.rest.calls import CurrentCall, RestCall, answer, nothing, one
from rolecall.api.rest.endpoints import Endpoint
from rolecall.api.rest.errors import bad_field
from rolecall.api.rest.filters import FieldType, FilterField, describe
from rolecall.api.rest.masks import Mask, Version, expected_version, given_fields
from rolecall.api.rest.paging import MAX_FILTER, MAX_PAGE_SIZE, Pages, PageSize, PageToken, describe_order
from rolecall.api.rest.shapes import Body, Shown, instant
from rolecall.api.rest.small_lists import answer_page, orders_of
from rolecall.authorization.actions import Action
from rolecall.authorization.roles import RoleId
from rolecall.directory.model import ROOT_TEAM, SourceKind, Target, TeamId
from rolecall.kernel.document import Json
from rolecall.mapping import mappings
from rolecall.mapping.model import Effect, Mapping, MappingDraft, MappingId, MatchKind
from rolecall.mapping.preview import preview_mapping
from rolecall.storage.transaction import ReadTx, WriteTx

FIELDS: Final = (
    FilterField(name="id", type=FieldType.TEXT, path=("id",)),
    FilterField(name="source", type=FieldType.TEXT, path=("source",)),
    FilterField(name="match_kind", type=FieldType.TEXT, path=("match_kind",)),
    FilterField(name="match_value", type=FieldType.NAME, path=("match_value",)),
    FilterField(name="made_by", type=FieldType.TEXT, path=("made_by",)),
    FilterField(name="state", type=FieldType.TEXT, path=("state",)),
    FilterField(name="created_at", type=FieldType.INSTANT, path=("created_at",)),
)

MappingFilter = Annotated[str, Query(max_length=MAX_FILTER, description=describe(FIELDS))]
MappingOrder = Annotated[str, Query(max_length=100, description=describe_order(orders_of(FIELDS)))]
MappingIdInPath = Annotated[str, Path(alias="id", max_length=100, description="The mapping's id.")]
SourceName = Literal["SCIM_GROUP", "SCIM_ROLE", "SAML_CLAIM", "OIDC_CLAIM"]
MatchName = Literal["ID", "NAME", "PATTERN"]


class TargetBody(Body):
    """A role in a team."""

    team_id: str = Field(max_length=100, description="The team's id.")
    role_id: str = Field(max_length=100, description="The role's id; of a built-in one its name on the wire.")


class MappingBody(Body):
    """A mapping."""

    source: SourceName = Field(description="What is looked at: a pushed group, a value of the user's roles, a claim.")
    match_kind: MatchName = Field(description="By id, by name, or by a pattern that the whole name has to fit.")
    match_value: str = Field(min_length=1, max_length=1000, description="The id, the name or the pattern.")
    assignments: list[TargetBody] = Field(min_length=1, max_length=100, description="What whoever matches is given.")


class MappingChange(Body):
    """What shall be otherwise with a mapping; what is not named stays."""

    source: SourceName | None = Field(default=None, description="As when it is made.")
    match_kind: MatchName | None = Field(default=None, description="As when it is made.")
    match_value: str | None = Field(default=None, min_length=1, max_length=1000, description="As when it is made.")
    assignments: list[TargetBody] | None = Field(
        default=None, min_length=1, max_length=100, description="As when it is made."
    )


class PreviewBody(MappingBody):
    """A mapping as it would be."""

    id: str | None = Field(default=None, max_length=100, description="Of the mapping that it would replace; or null.")


class ShownTarget(Shown):
    """A role in a team."""

    team_id: str
    role_id: str


class ShownMapping(Shown):
    """Whatever matches gives these roles in these teams to whoever is in it or carries it."""

    id: str
    source: SourceName
    match_kind: MatchName
    match_value: str
    assignments: list[ShownTarget]
    made_by: str = Field(description="`hand`, `convention` or `group_team`.")
    state: str = Field(description="`active`, `waiting` for an administrator, or `refused`.")
    created_at: str
    updated_at: str
    version: int


class OneMapping(Shown):
    """One mapping."""

    value: ShownMapping


class ManyMappings(Shown):
    """A page of mappings."""

    values: list[ShownMapping]
    next_page_token: str
    has_more: bool


class ShownEffect(Shown):
    """A role in a team that a user would come to hold, or to hold no more."""

    user_id: str
    team_id: str
    role_id: str


class ShownPreview(Shown):
    """What a mapping would change."""

    gains: list[ShownEffect]
    losses: list[ShownEffect]


async def list_mappings(
    call: CurrentCall,
    filter: MappingFilter = "",  # noqa: A002  # its name on the wire
    order_by: MappingOrder = "",
    page_size: PageSize = MAX_PAGE_SIZE,
    page_token: PageToken = "",
) -> Response:
    """List mappings, waiting and refused ones too, oldest first."""
    pages = Pages(call=call, name="mappings")
    asked = await pages.asked(page_token, filter_text=filter, order_by=order_by)

    def ask(tx: ReadTx) -> list[dict[str, Json]]:
        return [to_json(mapping) for mapping in mappings.list_mappings(tx)]

    return answer_page(await call.read(ask), FIELDS, pages, asked, page_size)


async def get_mapping(call: CurrentCall, mapping_id: MappingIdInPath) -> Response:
    """Return one mapping."""
    return one(await call.look_up(lambda tx: to_json(mappings.get_mapping(tx, MappingId(mapping_id)))))


async def create_mapping(call: CurrentCall, body: MappingBody) -> Response:
    """Make a mapping, and give what it gives to all whom it matches; to many of them in slices.

    Nobody gives a role with an action that they do not hold.
    """
    draft = _draft_of(body)

    def create(tx: WriteTx) -> Json:
        mapping = mappings.create_mapping(tx, draft)
        call.record.subject_id = mapping.id
        return to_json(mapping)

    return one(await call.write(create))


async def change_mapping(
    call: CurrentCall, mapping_id: MappingIdInPath, body: MappingChange, update_mask: Mask = "", version: Version = None
) -> Response:
    """Change a mapping, and bring everybody whom it matched or matches up to date; many of them in slices."""
    given = given_fields(body, update_mask)
    for name, value in given.items():
        if value is None:
            raise bad_field(name, "cannot be null.")
    changes: dict[str, Any] = {}
    if "source" in given:
        changes["source"] = SourceKind[given["source"]]
    if "match_kind" in given:
        changes["match_kind"] = MatchKind(given["match_kind"])
    if "match_value" in given:
        changes["match_value"] = given["match_value"]
    if "assignments" in given:
        changes["targets"] = _targets_in(given["assignments"])
    call.record.subject_id = mapping_id

    def change(tx: WriteTx) -> Json:
        expected = expected_version(version)
        changed = mappings.change_mapping(tx, MappingId(mapping_id), lambda draft: replace(draft, **changes), expected)
        return to_json(changed)

    return one(await call.write(change))


async def delete_mapping(call: CurrentCall, mapping_id: MappingIdInPath, version: Version = None) -> Response:
    """Delete a mapping, and take back what nothing else gives; from many users in slices."""
    call.record.subject_id = mapping_id
    await call.write(lambda tx: mappings.delete_mapping(tx, MappingId(mapping_id), expected_version(version)))
    return nothing()


async def approve_mapping(call: CurrentCall, mapping_id: MappingIdInPath) -> Response:
    """Let a mapping that waits for an administrator, or was refused, give what its group's name asks for."""
    return await _decide(call, mapping_id, mappings.approve_mapping)


async def refuse_mapping(call: CurrentCall, mapping_id: MappingIdInPath) -> Response:
    """Refuse what a group's name asks for, for as long as it asks for the same."""
    return await _decide(call, mapping_id, mappings.refuse_mapping)


async def preview_a_mapping(call: CurrentCall, body: PreviewBody) -> Response:
    """Return who would come to hold what, and who no more, if a mapping were so. Writes nothing."""
    replaced = None if body.id is None else MappingId(body.id)
    preview = await call.read(lambda tx: preview_mapping(tx, _draft_of(body), mapping_id=replaced))
    gains, losses = ([_effect_json(each) for each in effects] for effects in (preview.gains, preview.losses))
    return answer({"gains": gains, "losses": losses})


async def _decide(call: RestCall, mapping_id: str, decide: Callable[[WriteTx, MappingId], Mapping]) -> Response:
    call.record.subject_id = mapping_id
    return one(to_json(await call.write(lambda tx: decide(tx, MappingId(mapping_id)))))


def to_json(mapping: Mapping) -> dict[str, Json]:
    """Return a mapping as it stands on the wire."""
    return {
        "id": mapping.id,
        "source": mapping.source.name,
        "match_kind": mapping.match_kind.value,
        "match_value": mapping.match_value,
        "assignments": [{"team_id": each.team_id, "role_id": each.role} for each in sorted(mapping.targets)],
        "made_by": mapping.made_by.value,
        "state": mapping.state.value,
        "created_at": instant(mapping.created_at),
        "updated_at": instant(mapping.changed_at),
        "version": mapping.version,
    }


def _draft_of(body: MappingBody) -> MappingDraft:
    return MappingDraft(
        source=SourceKind[body.source],
        match_kind=MatchKind(body.match_kind),
        match_value=body.match_value,
        targets=_targets_in(body.assignments),
    )


def _targets_in(bodies: list[TargetBody]) -> frozenset[Target]:
    return frozenset(Target(team_id=TeamId(each.team_id), role=RoleId(each.role_id)) for each in bodies)


def _effect_json(effect: Effect) -> Json:
    return {"user_id": effect.user_id, "team_id": effect.target.team_id, "role_id": effect.target.role}


MAPPING_EXAMPLE: Final[dict[str, Any]] = {
    "id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b",
    "source": "SCIM_GROUP",
    "match_kind": "NAME",
    "match_value": "Sales EMEA",
    "assignments": [{"team_id": ROOT_TEAM, "role_id": "viewer"}],
    "made_by": "hand",
    "state": "active",
    "created_at": "2026-11-24T10:00:00.000Z",
    "updated_at": "2026-11-24T10:00:00.000Z",
    "version": 1,
}
_ONE: Final = {"value": MAPPING_EXAMPLE}
_EFFECT: Final = {"user_id": "019ab3c4-1111-7f80-9a1b-2c3d4e5f6a7b", "team_id": ROOT_TEAM, "role_id": "viewer"}
_LIST: Final = "/api/v1/mappings"
_PATH: Final = f"{_LIST}/{{id:opaque}}"


def _change(method: str, verb: str, run: Callable[..., Any], *refusals: int) -> Endpoint:
    return Endpoint(
        method=method,
        path=f"{_PATH}{verb}",
        needs=Action.MAPPING_CHANGE,
        run=run,
        answers=None if method == "DELETE" else OneMapping,
        example={} if method == "DELETE" else _ONE,
        refusals=refusals,
    )


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path=_LIST,
        needs=Action.MAPPING_LIST,
        run=list_mappings,
        answers=ManyMappings,
        example={"values": [MAPPING_EXAMPLE], "next_page_token": "", "has_more": False},
    ),
    Endpoint(
        method="POST",
        path=_LIST,
        needs=Action.MAPPING_CHANGE,
        run=create_mapping,
        answers=OneMapping,
        example=_ONE,
        refusals=(404, 409),
    ),
    Endpoint(
        method="POST",
        path=f"{_LIST}:preview",
        needs=Action.MAPPING_LIST,
        run=preview_a_mapping,
        answers=ShownPreview,
        example={"gains": [_EFFECT], "losses": []},
        refusals=(404,),
    ),
    Endpoint(method="GET", path=_PATH, needs=Action.MAPPING_LIST, run=get_mapping, answers=OneMapping, example=_ONE),
    _change("PATCH", "", change_mapping, 409, 412),
    _change("DELETE", "", delete_mapping, 409, 412),
    _change("POST", ":approve", approve_mapping, 409),
    _change("POST", ":refuse", refuse_mapping, 409),
)
