"""How does a test seal and verify an audit log?"""

from functools import partial
from pathlib import Path

from rolecall.authorization.actor import SYSTEM
from rolecall.events import audit
from rolecall.events.calls import Call
from rolecall.events.chain import sealing, verifying
from rolecall.events.chain.model import Checkpoint
from rolecall.storage.secrets import KeyRing
from tests.make.transactions import Installed


def key_ring(directory: Path, installed: Installed) -> KeyRing:
    """Make a key ring."""
    keys = KeyRing(directory / "keys.json")
    keys.ensure(installed.clock.now)
    return keys


def write_records(installed: Installed, *names: str) -> None:
    """Write one audit record for each name, in one commit."""
    installed.change(audit.record_results, [Call(request_id=name, method="GET", target=f"/{name}") for name in names])


def seal(installed: Installed, keys: KeyRing, *, name: str = "sealer", insists: bool = False) -> int:
    """Seal everything that waits; return how many seals that took."""
    sealer = sealing.Sealer(keys=keys, name=name, insists=insists)
    count = 0
    while seals := sealing.seal_waiting(installed.transactions, SYSTEM, sealer):
        count += len(seals)
    return count


def verify(
    installed: Installed, keys: KeyRing, since: Checkpoint | None = None
) -> tuple[verifying.Verified, list[tuple[str, int]]]:
    """Verify the log; return the last step, and kind and sequence number of each finding."""
    step = installed.ask(partial(verifying.begin, keys=keys, since=since))
    found = list(step.findings)
    while not step.done:
        step = installed.ask(partial(verifying.go_on, keys=keys, so_far=step))
        found += step.findings
    return step, [(each.kind.value, each.sequence) for each in found]
