"""How is a change from the command line made, so that the audit log tells of it?"""

import getpass
import os
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeVar

import typer

from rolecall.authorization.actor import COMMAND_LINE

if TYPE_CHECKING:
    from rolecall.authorization.actor import Actor
    from rolecall.kernel.document import Json
    from rolecall.main import Rolecall
    from rolecall.storage.transaction import Journal, WriteTx

T = TypeVar("T")

METHOD: Final = "CLI"
"""Stands in audit records where calls over HTTP have their method; the command is the target."""

# Where the installation is, and how to print: not what was asked for. A database URL may hold a password.
# The addresses of webhooks and what is sent to them may be secret too.
_NOT_TOLD: Final = frozenset(
    {"as_json", "authorization", "data_dir", "database_url", "scim_events", "slack", "wait", "webhook", "yes"}
)


def make_change(
    rolecall: "Rolecall",
    context: typer.Context,
    change: "Callable[[WriteTx], T]",
    *,
    within: "Callable[[Actor], Actor]" = lambda actor: actor,
    noting: "Callable[[Journal], Journal]" = lambda journal: journal,
) -> T:
    """Run `change` in one transaction, with an audit record of the command, its options and the person's login.

    `within` narrows who makes it; `noting` adds to what is written down of it.
    """
    from dataclasses import replace

    from rolecall.events.audit import CallJournal
    from rolecall.events.calls import Call
    from rolecall.http.requests import new_request_id

    identifier = new_request_id()
    actor = within(replace(COMMAND_LINE, request_id=identifier))
    call = Call(
        request_id=identifier,
        method=METHOD,
        target=context.command_path,
        request={"login": _login(), **_told(context.params)},
        actor=actor,
    )
    return rolecall.transactions.run_write(actor, change, journal=noting(CallJournal(call)))


def _told(options: Mapping[str, object]) -> "Mapping[str, Json]":
    told = {}
    for name, value in options.items():
        if name not in _NOT_TOLD and value is not None:
            told[name] = ", ".join(map(_text, value)) if isinstance(value, list | tuple) else _text(value)
    return told


def _text(value: object) -> str:
    return str(value.value if isinstance(value, Enum) else value)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # In a container the user often has a number only.
        return str(os.getuid())
