"""What surrounds each SCIM call: what was asked, who asks, what is written down of it?"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from rolecall.api.calls import Records
from rolecall.api.scim.cursors import CursorSeal
from rolecall.api.units import UnitsOfWork
from rolecall.authorization.actor import Actor
from rolecall.connections.guard.losses import Guard
from rolecall.connections.held.model import Sent
from rolecall.directory.model import Expected
from rolecall.events.audit import CallJournal
from rolecall.events.calls import Call
from rolecall.kernel.document import Json
from rolecall.scim.projection import Projection, parse_projection
from rolecall.scim.registry import Registry
from rolecall.scim.schemas import ResourceType
from rolecall.scim.users import RequirementProfile
from rolecall.storage.transaction import ReadTx, WriteTx

T = TypeVar("T")

_ROOT: Final = "/scim/v2"
_LARGE_BODY: Final = 64 * 1024


@dataclass(slots=True, kw_only=True)
class ScimCall:
    """One call that has been authenticated, with all that an endpoint needs.

    It may have come as a request of its own or as one operation of a bulk request.
    """

    method: str
    json: Callable[[], Awaitable[Json]]
    """Returns the body and keeps it in the record; raises as `read_json` does."""
    transactions: UnitsOfWork
    recorder: Records
    cursor_seal: CursorSeal
    record: Call
    actor: Actor
    base_url: str
    """Ends in `/scim/v2`."""
    registry: Registry
    secrets: frozenset[str]
    """Names of attributes, in lower case, of which no record keeps the value."""
    requirements: RequirementProfile
    max_body_bytes: int
    resource_id: str
    """What stands behind the endpoint in the path; empty when nothing does."""
    parameters: Mapping[str, str]
    if_match: str | None = None
    if_none_match: str | None = None
    content_type: str | None = None
    raw_body: Callable[[], bytes] = bytes
    """Returns the body as it was sent, once `json` has read it."""
    guard: Guard | None = None
    """Holds changes that take something from too many people; None: it does not come from a connection."""
    is_in_thread: bool = False
    """Whether nobody else is held up while it works."""

    def projection(self, resource_type: ResourceType) -> Projection:
        """Return which attributes the answer shall have.

        Raises: InvalidValue.
        """
        return parse_projection(
            self.parameters.get("attributes"), self.parameters.get("excludedAttributes"), resource_type
        )

    def expected(self) -> Expected:
        """Return which versions the caller is content to change (If-Match)."""
        given = self.if_match
        return Expected() if given is None or given.strip() == "*" else Expected(versions=_versions_in(given))

    def has_current(self, version: int) -> bool:
        """Return whether the caller holds this version already (If-None-Match)."""
        given = self.if_none_match
        return given is not None and (given.strip() == "*" or version in _versions_in(given))

    async def parsed(self, parse: Callable[[Json], T]) -> T:
        """Return what `parse` makes of the body; of a large one in a thread, so that others are served meanwhile."""
        body = await self.json()
        if self.is_in_thread or self.record.body_bytes <= _LARGE_BODY:
            return parse(body)
        return await asyncio.to_thread(parse, body)

    async def look_up(self, ask: Callable[[ReadTx], T]) -> T:
        """Read a few rows by index."""
        return await self.transactions.look_up(self.actor, ask)

    async def read(self, ask: Callable[[ReadTx], T]) -> T:
        """Read what may need a scan."""
        return await self.transactions.read(self.actor, ask)

    async def write(self, change: Callable[[WriteTx], T], *, status: int, brief: bool = False) -> T:
        """Change something; the record of the call commits with it, saying `status`. `Transactions.write` has more."""
        self.record.status = status
        if self.guard is not None:
            change = self.guard.over(change, self._sent)
        return await self.transactions.write(self.actor, change, journal=CallJournal(self.record), brief=brief)

    def _sent(self) -> Sent:
        return Sent(
            method=self.method,
            path=_path_in(self.record.target),
            if_match=self.if_match,
            content_type=self.content_type,
            body=self.raw_body(),
        )


def _path_in(target: str) -> str:
    """Return the path from `/scim/v2` on, without the query."""
    path = target.partition("?")[0]
    return path[max(path.find(_ROOT), 0) :]


def _versions_in(header: str) -> frozenset[int]:
    """Return the versions that a list of entity tags names; what is no tag of ours names none."""
    tags = (tag.strip().removeprefix("W/").strip('"') for tag in header.split(","))
    return frozenset(int(tag) for tag in tags if tag.isdecimal() and tag.isascii() and len(tag) < 19)  # noqa: PLR2004  # fits 64 bits
