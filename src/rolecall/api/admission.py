"""Who is calling, and is anything served at all?"""

from dataclasses import dataclass, replace
from typing import Final

from rolecall.authentication.actors import authenticate
from rolecall.authentication.decide import check_address, hash_of
from rolecall.authentication.errors import MissingCredential, UnknownApiKey
from rolecall.authentication.model import Admitted
from rolecall.authorization.actor import NOBODY, Actor
from rolecall.connections.connections import find_connection_of, may_push_by_default
from rolecall.connections.model import Connection, ConnectionState
from rolecall.directory.installation import Installation, access_version, get_installation
from rolecall.storage.transaction import ReadTx
from rolecall.storage.transactions import Transactions

_MOST_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remembered:
    version: int
    admitted: Admitted
    installation: Installation
    connection: Connection | None


class Admission:
    """Tells who presents a credential.

    An answer is remembered for as long as the database's access version stays the same: one small
    read then replaces five, and a revoked key still stops at once, in every process.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._known: dict[str, _Remembered] = {}

    async def admit(self, authorization: str, *, address: str) -> tuple[Actor, Installation]:
        """Return whom the `Authorization` header stands for, and what the installation remembers of itself.

        `address` is where the call comes from, seen past trusted proxies.

        Raises: as `admit_pusher`.
        """
        actor, installation, _connection = await self.admit_pusher(authorization, address=address)
        return actor, installation

    async def admit_pusher(self, authorization: str, *, address: str) -> tuple[Actor, Installation, Connection | None]:
        """Return the same, with the SCIM connection that the credential belongs to; None: it belongs to none.

        Raises: MissingCredential, InvalidApiKey, MalformedApiKey, UnknownApiKey, AddressNotAllowed.
        """
        scheme, _, credential = authorization.partition(" ")
        key_text = credential.strip()
        if scheme.lower() != "bearer" or not key_text:
            raise MissingCredential("Send an API key: Authorization: Bearer <key>.")
        name = hash_of(key_text)
        remembered = await self._transactions.look_up_shared(
            name, NOBODY, lambda tx: self._remember(tx, name, key_text)
        )
        admitted = remembered.admitted
        check_address(admitted.networks, address, key_id=admitted.actor.api_key_id or "")
        connection = remembered.connection
        if connection is not None:
            check_address(connection.draft.networks, address, key_id=admitted.actor.api_key_id or "")
        return admitted.actor, remembered.installation, connection

    def _remember(self, tx: ReadTx, name: str, key_text: str) -> _Remembered:
        version = access_version(tx)
        known = self._known.get(name)
        if known is not None and known.version == version:
            until = known.admitted.until
            if until is None or tx.now < until:
                return known
        admitted, installation = authenticate(tx, key_text), get_installation(tx)
        connection_id = admitted.actor.connection_id
        connection = None if connection_id is None else find_connection_of(tx, connection_id)
        if connection is not None:
            if connection.draft.state is ConnectionState.DECOMMISSIONED:
                # Its credentials have ended, though one of them would open again if it came back.
                raise UnknownApiKey("The API key is not valid.")
            # One that is off hears the same as everybody does when all are.
            installation = replace(installation, scim_enabled=connection.is_on)
            admitted = replace(admitted, actor=replace(admitted.actor, push_scope=connection.draft.push_scope))
        elif installation.scim_enabled and not may_push_by_default(tx):
            installation = replace(installation, scim_enabled=False)
        found = _Remembered(version=version, admitted=admitted, installation=installation, connection=connection)
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[name] = found
        return found
