"""How are the calls of SCIM connections counted without a write of their own?"""

import asyncio
from datetime import datetime
from typing import Final

from rolecall.authorization.actor import SYSTEM
from rolecall.connections.decide import dialect_of
from rolecall.connections.model import TrafficNote
from rolecall.connections.traffic import note_traffic
from rolecall.connections.validation.model import OWN_NAME
from rolecall.directory.model import ConnectionId
from rolecall.events.calls import Call
from rolecall.storage.transactions import Transactions

_DELAY_SECONDS: Final = 5.0
_LEAST_ERROR: Final = 400


class _Counted:
    """Calls of one connection in one hour that are not written yet."""

    __slots__ = ("calls", "errors", "last", "last_at")

    def __init__(self, last: Call, last_at: datetime) -> None:
        self.calls = self.errors = 0
        self.last = last
        self.last_at = last_at


class Traffic:
    """Counts calls in memory and writes the counts some seconds later. A crash loses those seconds."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._counted: dict[tuple[str, datetime], _Counted] = {}
        self._timer: asyncio.TimerHandle | None = None

    def note(self, call: Call, now: datetime) -> None:
        """Count a call that has ended, if a connection made it. What Rolecall calls itself is no sign of a provider."""
        connection_id = call.actor.connection_id
        if connection_id is None or call.user_agent == OWN_NAME:
            return
        key = (connection_id, now.replace(minute=0, second=0, microsecond=0))
        counted = self._counted.get(key)
        if counted is None:
            counted = self._counted[key] = _Counted(call, now)
        counted.calls += 1
        counted.errors += (call.status or _LEAST_ERROR) >= _LEAST_ERROR
        counted.last, counted.last_at = call, now
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_DELAY_SECONDS, self.flush)

    def flush(self) -> None:
        """Hand over what was counted."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        counted, self._counted = self._counted, {}
        if not counted:
            return
        notes = [
            TrafficNote(
                connection_id=ConnectionId(connection_id),
                hour_at=hour_at,
                call_count=each.calls,
                error_count=each.errors,
                last_call_at=each.last_at,
                dialect=dialect_of(each.last.user_agent or "", each.last.target),
            )
            for (connection_id, hour_at), each in counted.items()
        ]
        self._transactions.write_behind(SYSTEM, lambda tx: note_traffic(tx, notes))
