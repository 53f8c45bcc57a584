"""How is a held change made after all, by the endpoint that it was sent to?"""

from collections.abc import Callable
from dataclasses import dataclass

from rolecall.api.scim.previews import ForeseenCall, Played, front_for, preview_requests
from rolecall.api.scim.replay import ScimFront, ScimRequest, parse_call
from rolecall.authorization.actor import Actor
from rolecall.connections.connections import find_connection_of
from rolecall.connections.held import changes
from rolecall.connections.held.model import HeldChange, Sent
from rolecall.storage.rehearsal import Rehearsing
from rolecall.storage.secrets import KeyRing
from rolecall.storage.transaction import ReadTx, WriteTx


@dataclass(frozen=True, slots=True, kw_only=True)
class Releasable:
    """A change that is held, and all that it takes to make it."""

    held: HeldChange
    request: ScimRequest
    front: ScimFront
    """That of its connection."""

    def release(self, tx: WriteTx) -> HeldChange:
        """Make it. To be called as `changes.as_connection` says.

        Raises: as `changes.release_held_change`.
        """
        return changes.release_held_change(tx, self.held.id, self._perform)

    def foresee(self, actor: Actor) -> Callable[[Rehearsing], ForeseenCall]:
        """Return what tells, in a rehearsal, what would come of it if it were made now.

        Raises: Forbidden.
        """
        played = Played(request=self.request, actor=changes.as_connection(actor, self.held))
        return lambda rehearsing: preview_requests(rehearsing, (played,), self.front).calls[0]

    def _perform(self, tx: WriteTx) -> int:
        return parse_call(self.request, self.front).change(tx).status


def find_releasable(tx: ReadTx, keys: KeyRing, held_id: str, front: ScimFront) -> Releasable:
    """Return what is needed to make a change that is held.

    Raises: as `changes.get_sent`.
    """
    held, sent = changes.get_sent(tx, keys, held_id)
    connection = find_connection_of(tx, held.connection_id)
    own = front if connection is None else front_for(front, connection)
    return Releasable(held=held, request=_request_of(sent), front=own)


def _request_of(sent: Sent) -> ScimRequest:
    headers = {"if-match": sent.if_match, "content-type": sent.content_type}
    return ScimRequest(
        method=sent.method,
        target=sent.path,
        headers={name: value for name, value in headers.items() if value is not None},
        body=sent.body,
    )
