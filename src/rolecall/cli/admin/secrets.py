"""What can be done about the keys that seal secrets, from the command line?"""

from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import opened
from rolecall.cli.changes import make_change
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir
from rolecall.cli.output import print_json, print_table

if TYPE_CHECKING:
    from rolecall.main import Rolecall

app = typer.Typer(help="Look after the keys that seal secrets in the database.", no_args_is_help=True)


@app.command("status")
def status(*, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Show the keys of the key ring and how many secrets each has sealed; never the keys themselves."""
    from rolecall.storage.resealing import count_by_key

    with opened(data_dir, database_url) as rolecall:
        counts = rolecall.transactions.run_read(COMMAND_LINE, count_by_key)
        made = rolecall.keys.key_ids
        primary = rolecall.keys.primary if made else None
    rows = [
        {"id": key_id, "seals": key_id == primary, "created_at": made.get(key_id), "sealed": counts.get(key_id, 0)}
        for key_id in sorted({*made, *counts})
    ]
    if as_json:
        print_json({"keys": rows})
        return
    print_table(
        ("KEY", "MADE", "SECRETS", ""),
        [(row["id"], row["created_at"] or "missing", row["sealed"], "seals" if row["seals"] else None) for row in rows],
        empty="No keys yet.",
    )


@app.command("rotate")
def rotate(
    context: typer.Context,
    *,
    resume: Annotated[
        bool, typer.Option("--resume", help="Make no new key; only bring what is left to the one that seals.")
    ] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make a new key and seal every secret with it, also while Rolecall serves.

    When it is interrupted, `--resume` goes on. Save the key file afterwards: no backup holds it.
    """
    from rolecall.storage.resealing import rotate_key

    with opened(data_dir, database_url) as rolecall:
        if not resume:
            make_change(rolecall, context, lambda tx: rotate_key(tx, rolecall.keys))
        resealed, unreadable = _reseal_all(rolecall)
        primary = rolecall.keys.primary
    if as_json:
        print_json({"primary": primary, "resealed": resealed, "unreadable": unreadable})
        return
    print(f"The key {primary} seals; {resealed} secrets were brought to it.")
    if unreadable:
        print(f"{unreadable} secrets cannot be read: their key is missing, or they were changed. Set them anew.")


@app.command("forget")
def forget(
    context: typer.Context,
    key_id: Annotated[
        str, typer.Argument(metavar="KEY", help="The key's id, as `secrets status` shows it.", show_default=False)
    ],
    *,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Remove a key with which nothing is sealed any more. Secrets in older backups can then no longer be read."""
    from rolecall.storage.resealing import forget_key

    with opened(data_dir, database_url) as rolecall:
        make_change(rolecall, context, lambda tx: forget_key(tx, rolecall.keys, key_id))
    print(f"The key {key_id} is gone.")


def _reseal_all(rolecall: "Rolecall") -> tuple[int, int]:
    from functools import partial

    from rolecall.storage.resealing import reseal_slice

    resealed = unreadable = 0
    after: tuple[int, str] | None = (0, "")
    while after is not None:
        done = rolecall.transactions.run_write(COMMAND_LINE, partial(reseal_slice, keys=rolecall.keys, after=after))
        resealed, unreadable, after = resealed + done.resealed, unreadable + done.unreadable, done.next_after
    return resealed, unreadable
