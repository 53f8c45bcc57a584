"""What can be done with API keys from the command line?"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import opened
from rolecall.cli.changes import make_change
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir
from rolecall.cli.output import print_json, print_table

if TYPE_CHECKING:
    from datetime import datetime

    from rolecall.authentication.model import ApiKey

KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `keys list` shows it.", show_default=False)]

app = typer.Typer(help="See, rename, end, reinstate and delete API keys.", no_args_is_help=True)


@app.command("list")
def list_keys(*, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List all keys, ended ones too; never their secrets."""
    from rolecall.authentication.api_keys import list_api_keys

    with opened(data_dir, database_url) as rolecall:
        keys = rolecall.transactions.run_read(COMMAND_LINE, list_api_keys)
        now = rolecall.clock()
    if as_json:
        print_json({"keys": [_to_json(key, now) for key in keys]})
        return
    print_table(
        ("ID", "USER", "ROLE", "FOR", "STATE", "LAST USED", "EXPIRES"),
        [
            (
                key.id,
                key.user_name or "(a team)",
                key.role or "all",
                key.name,
                _state(key, now),
                _text(key.last_used_at) or "never",
                _text(key.expires_at) or "never",
            )
            for key in keys
        ],
        empty="No API keys yet.",
    )


@app.command("revoke")
def revoke(
    context: typer.Context,
    key_id: KeyId,
    *,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """End a key for good, at once."""
    from rolecall.authentication.api_keys import revoke_api_key
    from rolecall.authentication.model import ApiKeyId

    with opened(data_dir, database_url) as rolecall:
        make_change(rolecall, context, lambda tx: revoke_api_key(tx, ApiKeyId(key_id)))
    print(f"The key {key_id} has ended.")


@app.command("rename")
def rename(
    context: typer.Context,
    key_id: KeyId,
    name: Annotated[str, typer.Argument(help="The new name, for people.", show_default=False)],
    *,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Give a key another name."""
    from rolecall.authentication.key_changes import rename_api_key
    from rolecall.authentication.model import ApiKeyId

    with opened(data_dir, database_url) as rolecall:
        make_change(rolecall, context, lambda tx: rename_api_key(tx, ApiKeyId(key_id), name))
    print(f"The key {key_id} is now named {name}.")


@app.command("reinstate")
def reinstate(
    context: typer.Context, key_id: KeyId, *, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """Let a revoked key open again what it opened."""
    from rolecall.authentication.key_changes import reinstate_api_key
    from rolecall.authentication.model import ApiKeyId

    with opened(data_dir, database_url) as rolecall:
        key = make_change(rolecall, context, lambda tx: reinstate_api_key(tx, ApiKeyId(key_id)))
        now = rolecall.clock()
    print(f"The key {key_id} is {_state(key, now)}.")


@app.command("delete")
def delete(
    context: typer.Context, key_id: KeyId, *, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """Delete a key for good; audit and events still name it."""
    from rolecall.authentication.key_changes import delete_api_key
    from rolecall.authentication.model import ApiKeyId

    with opened(data_dir, database_url) as rolecall:
        make_change(rolecall, context, lambda tx: delete_api_key(tx, ApiKeyId(key_id)))
    print(f"The key {key_id} is gone.")


def _to_json(key: "ApiKey", now: "datetime") -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "user_id": key.user_id,
        "user_name": key.user_name,
        "team_id": key.team_id,
        "actions": None if key.limits.actions is None else sorted(action.value for action in key.limits.actions),
        "networks": [str(network) for network in key.limits.networks],
        "role": key.role,
        "state": _state(key, now),
        "usable": key.is_usable(now),
        "created_at": _text(key.created_at),
        "expires_at": _text(key.expires_at),
        "revoked_at": _text(key.revoked_at),
        "last_used_at": _text(key.last_used_at),
    }


def _state(key: "ApiKey", now: "datetime") -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= now:
        return "expired"
    return "usable" if key.is_usable(now) else "user without access"


def _text(instant: "datetime | None") -> str | None:
    from rolecall.kernel.clock import to_rfc3339

    return None if instant is None else to_rfc3339(instant)
