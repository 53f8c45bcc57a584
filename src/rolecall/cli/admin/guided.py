"""How is an administrator led to a provider that pushes?"""

import time
from typing import TYPE_CHECKING, Final

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.changes import make_change
from rolecall.cli.output import print_fields
from rolecall.connections.guide.model import ProviderKind

if TYPE_CHECKING:
    from rolecall.connections.guide.model import FirstCalls, Guide, GuideStep
    from rolecall.connections.model import Connection
    from rolecall.main import Rolecall
    from rolecall.storage.transaction import ReadTx, WriteTx

_PAUSE_SECONDS: Final = 0.5


def create_guided(
    rolecall: "Rolecall", context: typer.Context, name: str, *, provider: ProviderKind, wait_seconds: int
) -> None:
    """Make a connection that is on, with its key; print what to enter at the provider, and wait for its first call."""
    from datetime import timedelta

    from rolecall.connections.connections import create_connection, rotate_credential
    from rolecall.connections.guide.guides import get_guide
    from rolecall.connections.model import ConnectionDraft, ConnectionState

    def create(tx: "WriteTx") -> "tuple[Connection, str, Guide]":
        made = create_connection(tx, ConnectionDraft(name=name, state=ConnectionState.ON))
        secret = rotate_credential(tx, made.id, overlap=timedelta()).secret
        return made, secret, get_guide(tx, made.id, provider)

    connection, secret, guide = make_change(rolecall, context, create)
    for number, step in enumerate(guide.steps, 1):
        if step.done:
            print(f"{number}. {step.title}: done.")
        elif step.name == "provider":
            _print_step(number, step, name)
            print()
            base_url = guide.base_url
            print_fields({each.label: base_url if each.value == base_url else secret for each in step.entries})
            print("\nThe key is shown only this once; Rolecall keeps no copy of it.")
            _wait(rolecall, connection, wait_seconds)
        else:
            _print_step(number, step, name)
    print(f"\nMore: {guide.document} in the documentation. How far it is: `rolecall admin connections show '{name}'`.")


def _print_step(number: int, step: "GuideStep", name: str) -> None:
    print(f"\n{number}. {step.title}")
    for line in step.instructions:
        print(f"   - {line.replace('NAME', repr(name))}")


def _wait(rolecall: "Rolecall", connection: "Connection", wait_seconds: int) -> None:
    """Print what a provider does as it does it, until it has created a user or the time is up."""
    from rolecall.connections.guide.guides import look_at_first_calls
    from rolecall.connections.guide.model import SightingKind

    def ask(tx: "ReadTx") -> "FirstCalls":
        return look_at_first_calls(tx, connection.id)

    print(f"Waiting for its first call, for {wait_seconds} seconds at most (Ctrl-C: no longer) …", flush=True)
    deadline, told = time.monotonic() + wait_seconds, set[SightingKind]()
    try:
        while SightingKind.USER_CREATED not in told:
            # Reads are written down a moment after the writes that followed them.
            for each in rolecall.transactions.run_read(COMMAND_LINE, ask).sightings:
                if each.kind not in told:
                    told.add(each.kind)
                    print(f"   {each.method} {each.path} {each.status}: {each.means}", flush=True)
            if time.monotonic() > deadline:
                break
            time.sleep(_PAUSE_SECONDS)
    except KeyboardInterrupt:
        print()
    if not told:
        print("It has not called yet. Calls with a wrong key are in `rolecall admin audit tail`.")
