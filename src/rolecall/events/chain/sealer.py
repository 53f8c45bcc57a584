"""Who seals audit records while Rolecall serves?"""

import threading
from typing import Final

from rolecall.authorization.actor import SYSTEM
from rolecall.events.chain import decide, sealing
from rolecall.events.chain.model import Seal
from rolecall.kernel.clock import Clock
from rolecall.kernel.ids import new_id
from rolecall.storage.secrets import KeyRing
from rolecall.storage.transactions import Transactions
from rolecall.telemetry.logging import get_logger

_log = get_logger(__name__)

_PAUSE_SECONDS: Final = 1.0


class SealerThread:
    """Seals what has been written, once a second. Any number may share a database: one works, the others wait."""

    def __init__(self, transactions: Transactions, keys: KeyRing, *, clock: Clock) -> None:
        self._transactions = transactions
        self._sealer = sealing.Sealer(keys=keys, name=new_id(clock()))
        self._stopping = threading.Event()
        self._known: Seal | None = None
        self._failing = False
        self._thread = threading.Thread(target=self._serve, name="rolecall-sealer", daemon=True)

    def start(self) -> None:
        """Begin. Returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Seal what is there now, then end."""
        self._stopping.set()
        self._thread.join()

    def _serve(self) -> None:
        while not self._stopping.wait(_PAUSE_SECONDS):
            self._seal()
        self._seal()

    def _seal(self) -> None:
        try:
            last = self._transactions.run_read(SYSTEM, sealing.find_last_seal)
            self._look_back(*((0, "") if last is None else (last.number, last.hmac)))
            self._known = last
            while seals := sealing.seal_waiting(self._transactions, SYSTEM, self._sealer):
                self._look_back(seals[0].number - 1, seals[0].previous)
                self._known = seals[-1]
            self._failing = False
        except Exception as error:  # noqa: BLE001  # the sealer outlives any failure: what waits is still there later
            if not self._failing:
                _log.warning("Audit records cannot be sealed now.", because=str(error))
            self._failing = True

    def _look_back(self, number: int, code: str) -> None:
        """Say so when a chain that ends like this has lost what was its end a moment ago."""
        known = self._known
        if known is not None and decide.is_rewound(known, number=number, code=code):
            self._transactions.run_write(SYSTEM, lambda tx: sealing.tell_rewound(tx, known))
