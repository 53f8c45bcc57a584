"""How are calls written down that change nothing: reads, refusals, uses of keys?

They are collected and written in batches within a second. A crash may lose that second; what was
changed is never lost, since its record commits with it.
"""

import asyncio
from datetime import datetime
from typing import Final

from rolecall.api.traffic import Traffic
from rolecall.authentication import api_keys
from rolecall.authorization.actor import SYSTEM
from rolecall.events import audit
from rolecall.events.calls import Call
from rolecall.events.model import CallOutcome
from rolecall.http.limits import RefusalBudget
from rolecall.http.requests import new_request_id
from rolecall.kernel.clock import Clock
from rolecall.storage.transaction import WriteTx
from rolecall.storage.transactions import Transactions

_DELAY_SECONDS: Final = 0.5
_KEY_USE_SECONDS: Final = 60.0
_COUNTED_SECONDS: Final = 60.0
_SHORT: Final = 300
"""Characters that are kept of what somebody without a credential sends."""


class Recorder:
    """Collects what is to be written down; writes it soon."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock
        self._calls: list[Call] = []
        self._keys: set[str] = set()
        self._noted: dict[str, datetime] = {}
        self._budget = RefusalBudget()
        self._last_count = clock()
        self._traffic = Traffic(transactions)
        self._timer: asyncio.TimerHandle | None = None

    def record(self, call: Call) -> None:
        """Take a call that has ended. One whose record has been written with its change is only counted as use."""
        now = self._clock()
        call.end(now)
        self._traffic.note(call, now)
        key_id = call.actor.api_key_id
        if key_id is not None:
            noted = self._noted.get(key_id)
            if noted is None or (now - noted).total_seconds() >= _KEY_USE_SECONDS:
                self._noted[key_id] = now
                self._keys.add(key_id)
        if not call.recorded and (key_id is not None or self._budget.spend(call.address or "", now)):
            if key_id is None:
                call.target, call.user_agent = call.target[:_SHORT], (call.user_agent or "")[:_SHORT] or None
                call.detail = (call.detail or "")[:_SHORT] or None
            self._calls.append(call)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_DELAY_SECONDS, self.flush)

    def flush(self) -> None:
        """Hand over what was collected."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._take_counted()
        if not self._calls and not self._keys:
            return
        calls, self._calls = self._calls, []
        keys, self._keys = sorted(self._keys), set()

        def write(tx: WriteTx) -> None:
            if calls:
                audit.record_results(tx, calls)
            if keys:
                api_keys.note_use(tx, keys)

        self._transactions.write_behind(SYSTEM, write)

    def close(self) -> None:
        """Hand over everything, counts that are still running too."""
        self._last_count = datetime.min.replace(tzinfo=self._last_count.tzinfo)
        self.flush()
        self._traffic.flush()

    def _take_counted(self) -> None:
        now = self._clock()
        if (now - self._last_count).total_seconds() < _COUNTED_SECONDS:
            return
        self._last_count = now
        for network, count in self._budget.take_counted().items():
            self._calls.append(
                Call(
                    request_id=new_request_id(),
                    method="*",
                    target="*",
                    address=network,
                    outcome=CallOutcome.REFUSED,
                    code="unauthenticated",
                    detail=f"{count} further calls without a valid credential.",
                    repeated_count=count,
                )
            )
