"""Which calls are there on differences from what identity providers say?"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Query
from pydantic import Field
from starlette.responses import Response

from rolecall.api.rest.calls import CurrentCall, RestCall, many, one
from rolecall.api.rest.connections import ConnectionIdInPath
from rolecall.api.rest.endpoints import Endpoint
from rolecall.api.rest.errors import bad_field
from rolecall.api.rest.paging import Pages, PageToken
from rolecall.api.rest.previews import RADIUS_EXAMPLE, ShownRadius
from rolecall.api.rest.reports import CSV_MEDIA_TYPE, NEXT_PAGE_HEADER
from rolecall.api.rest.shapes import Body, Shown
from rolecall.authorization.actions import Action
from rolecall.connections.drift import differences
from rolecall.connections.drift.differences import MOST_AT_ONCE
from rolecall.connections.drift.exports import parse_export
from rolecall.connections.drift.model import DriftKind, DriftSearch, Repaired
from rolecall.connections.drift.rendering import comparison_document, render_csv, to_document
from rolecall.connections.preview.foreseeing import foresee
from rolecall.connections.preview.rendering import radius_document
from rolecall.storage.transaction import WriteTx

MOST_DIFFERENCES: Final = 1_000
_USUAL: Final = 100

Kind = Literal[
    "USER_MISSING",
    "USER_DIFFERENT",
    "GROUP_MISSING",
    "GROUP_DIFFERENT",
    "MEMBER_MISSING",
    "MEMBER_EXTRA",
    "GROUP_EXTRA",
    "USER_EXTRA",
]
DifferenceIdInPath = Annotated[str, Path(alias="id", max_length=100, description="The difference's id.")]
OfConnection = Annotated[str | None, Query(max_length=100, description="Only of this SCIM connection (its id).")]
OfKind = Annotated[Kind | None, Query(description="Only of this kind.")]
AboutResource = Annotated[
    str | None, Query(max_length=100, description="Only what concerns this user or group (its id), also as a member.")
]
DifferenceCount = Annotated[int, Query(ge=1, le=MOST_DIFFERENCES, description=f"1 to {MOST_DIFFERENCES}.")]
Form = Annotated[
    Literal["json", "csv"],
    Query(
        description=f"`csv` answers the page as {CSV_MEDIA_TYPE} with a line of headings; where there is more, the "
        f"header `{NEXT_PAGE_HEADER}` has the token."
    ),
]


class ExportBody(Body):
    """All users, all groups, or both, as the provider has them."""

    users: list[Any] | dict[str, Any] | None = Field(
        default=None, description="SCIM users, or a ListResponse of all of them. Left out: users are not compared."
    )
    groups: list[Any] | dict[str, Any] | None = Field(
        default=None,
        description="SCIM groups with their members, or a ListResponse of all. Members are named by `id` or "
        "`externalId`, of here or of the export. Left out: groups are not compared.",
    )


class RepairOne(Body):
    """How one difference is repaired."""

    preview: bool = Field(default=False, description="Only show who would gain and lose what.")


class RepairMany(Body):
    """Which differences are repaired."""

    connection_id: str = Field(max_length=100, description="Those of this SCIM connection.")
    kind: Kind | None = Field(default=None, description="Only those of this kind.")
    about: str | None = Field(default=None, max_length=100, description="Only what concerns this user or group.")
    limit: int = Field(default=MOST_AT_ONCE, ge=1, le=MOST_AT_ONCE, description="So many at most, the first ones.")
    preview: bool = Field(default=False, description="Only show who would gain and lose what.")
    as_job: bool = Field(
        default=False,
        description="Let a job repair all of them, however many; what is refused is passed over and stays in the list.",
    )


class ShownDifference(Shown):
    """In what one user, group or membership differs from what the provider says."""

    id: str
    connection_id: str
    kind: str
    name: str = Field(description="Of the user or group.")
    resource_id: str | None = Field(description="Of the user or group; null: it is missing here.")
    member_id: str | None
    member_name: str | None
    attributes: list[str] = Field(description="Those that differ.")
    said: dict[str, object] | None = Field(description="What the provider says of them, or of what is missing.")
    found_at: str
    cause_type: str | None = Field(description="The last event that can have caused it; null: none is known.")
    cause_at: str | None
    cause_actor_kind: str | None
    cause_user_id: str | None
    cause_request_id: str | None = Field(description="Under which the audit log has the call.")


class OneDifference(Shown):
    """One difference."""

    value: ShownDifference


class ManyDifferences(Shown):
    """A page of differences."""

    values: list[ShownDifference]
    next_page_token: str
    has_more: bool


class ShownComparison(Shown):
    """What came of a comparison."""

    user_count: int = Field(description="In the export.")
    group_count: int = Field(description="In the export.")
    unknown_member_count: int = Field(description="Members that the export names and nobody is known by.")
    difference_count: int
    counts: dict[str, int] = Field(description="Differences by their kind.")


class OneComparison(Shown):
    """One comparison."""

    value: ShownComparison


class ShownRepair(Shown):
    """What a repair did, or would do."""

    is_preview: bool
    repaired_count: int
    remaining_count: int = Field(description="Differences of the same choice that are left.")
    radius: ShownRadius | None = Field(description="Only in a preview; afterwards the events tell.")
    job_id: str | None = Field(description="The job that repairs, if one does: `/api/v1/jobs/{id}` says how far it is.")


class OneRepair(Shown):
    """One repair."""

    value: ShownRepair


async def compare_export(call: CurrentCall, connection_id: ConnectionIdInPath, body: ExportBody) -> Response:
    """Compare what a SCIM connection owns with a whole export of its provider. Only the differences are kept.

    They take the place of those of the comparison before. Nothing else changes.
    """
    call.record.subject_id = connection_id
    # Only what was named is compared: an absent list is not an empty one.
    export = await asyncio.to_thread(parse_export, body.model_dump(exclude_none=True))
    comparison = await call.read(lambda tx: differences.compare_export(tx, connection_id, export))
    await call.write(lambda tx: differences.keep_comparison(tx, connection_id, comparison))
    return one(comparison_document(comparison))


async def list_differences(
    call: CurrentCall,
    connection_id: OfConnection = None,
    kind: OfKind = None,
    about: AboutResource = None,
    format: Form = "json",  # noqa: A002  # its name on the wire
    page_size: DifferenceCount = _USUAL,
    page_token: PageToken = "",
) -> Response:
    """List differences that were found and not repaired, by connection, in the order in which they can be repaired.

    Beside a `page_token`, the other parameters have to be those of the first page.
    """
    pages = Pages(call=call, name=f"drift:{connection_id}:{kind}:{about}")
    asked = await pages.asked(page_token)
    after = ("", -1) if not isinstance(asked.place, list) else (str(asked.place[0]), int(str(asked.place[1])))
    wanted = DriftSearch(
        connection_id=connection_id,
        kind=None if kind is None else DriftKind(kind),
        about=about,
        after=after,
        limit=page_size + 1,
    )
    found = await call.read(lambda tx: differences.list_differences(tx, wanted))
    page, last = found[:page_size], found[:page_size][-1:]
    token = None
    if len(found) > page_size:
        token = pages.token(asked, [last[0].difference.connection_id, last[0].difference.position])
    if format == "json":
        return many([to_document(each) for each in page], token)
    headers = {"Content-Disposition": 'attachment; filename="drift.csv"'}
    if token is not None:
        headers[NEXT_PAGE_HEADER] = token
    return Response(render_csv(page), media_type=CSV_MEDIA_TYPE, headers=headers)


async def get_difference(call: CurrentCall, difference_id: DifferenceIdInPath) -> Response:
    """Return one difference."""
    return one(await call.look_up(lambda tx: to_document(differences.get_difference(tx, difference_id))))


async def repair_difference(call: CurrentCall, difference_id: DifferenceIdInPath, body: RepairOne) -> Response:
    """Make one user, group or membership as the provider says, or show what that would do.

    It goes the way of the provider's own calls. A user whom the provider does not have is deactivated; such a group is
    deleted.
    """
    call.record.subject_id = difference_id
    found = await call.look_up(lambda tx: differences.get_difference(tx, difference_id))
    owner = found.difference.connection_id
    return await _repair(call, owner, lambda tx: differences.repair_difference(tx, difference_id), preview=body.preview)


async def repair_differences(call: CurrentCall, body: RepairMany) -> Response:
    """Make what was chosen as the provider says, all or nothing, or show what that would do.

    While `remaining_count` is not 0, ask again. Then compare once more: members who were missing themselves are found
    only once they are there.
    """
    call.record.subject_id = body.connection_id
    wanted = DriftSearch(
        connection_id=body.connection_id,
        kind=None if body.kind is None else DriftKind(body.kind),
        about=body.about,
        limit=body.limit,
    )
    if body.as_job and body.preview:
        raise bad_field("as_job", "a preview is shown at once.")
    repair = differences.begin_repair if body.as_job else differences.repair_differences
    return await _repair(call, body.connection_id, lambda tx: repair(tx, wanted), preview=body.preview)


async def _repair(
    call: RestCall, connection_id: str, repair: Callable[[WriteTx], Repaired], *, preview: bool
) -> Response:
    actor = differences.as_provider(call.actor, connection_id)
    radius: dict[str, Any] | None = None
    if preview:
        rehearsal = await call.transactions.rehearse_in_order(actor, lambda rehearsing: foresee(rehearsing, repair))
        repaired, radius = rehearsal.value.value, radius_document(rehearsal.value.radius)
    else:
        repaired = await replace(call, actor=actor).write(repair)
    return one(
        {
            "is_preview": preview,
            "repaired_count": repaired.repaired,
            "remaining_count": repaired.remaining,
            "radius": radius,
            "job_id": repaired.job_id,
        }
    )


_DIFFERENCE: Final[dict[str, Any]] = {
    "id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7d",
    "connection_id": "00000000-0000-7000-8000-000000000002",
    "kind": "USER_DIFFERENT",
    "name": "ada@example.com",
    "resource_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b",
    "member_id": None,
    "member_name": None,
    "attributes": ["active"],
    "said": {"active": False},
    "found_at": "2026-11-24T10:00:00.000Z",
    "cause_type": "directory.user.reactivated",
    "cause_at": "2026-11-23T16:20:00.000Z",
    "cause_actor_kind": "api_key",
    "cause_user_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7c",
    "cause_request_id": "4bf92f3577b34da6a3ce929d0e0e4736",
}
_COMPARISON: Final = {
    "user_count": 1200,
    "group_count": 45,
    "unknown_member_count": 0,
    "difference_count": 1,
    "counts": {kind.value: int(kind is DriftKind.USER_DIFFERENT) for kind in DriftKind},
}
_REPAIR: Final = {
    "is_preview": True,
    "repaired_count": 1,
    "remaining_count": 0,
    "radius": RADIUS_EXAMPLE,
    "job_id": None,
}

ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/api/v1/scim_connections/{id:opaque}/export:compare",
        needs=Action.CONNECTION_CHANGE,
        run=compare_export,
        answers=OneComparison,
        example={"value": _COMPARISON},
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path="/api/v1/drift",
        needs=Action.CONNECTION_LIST,
        run=list_differences,
        answers=ManyDifferences,
        example={"values": [_DIFFERENCE], "next_page_token": "", "has_more": False},
        also=CSV_MEDIA_TYPE,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/drift:repair",
        needs=Action.CONNECTION_CHANGE,
        run=repair_differences,
        answers=OneRepair,
        example={"value": _REPAIR},
        refusals=(404, 409),
    ),
    Endpoint(
        method="GET",
        path="/api/v1/drift/{id:opaque}",
        needs=Action.CONNECTION_LIST,
        run=get_difference,
        answers=OneDifference,
        example={"value": _DIFFERENCE},
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path="/api/v1/drift/{id:opaque}:repair",
        needs=Action.CONNECTION_CHANGE,
        run=repair_difference,
        answers=OneRepair,
        example={"value": _REPAIR},
        refusals=(404, 409),
    ),
)
