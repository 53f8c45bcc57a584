"""How is an installation's database saved and brought back?"""

from pathlib import Path
from typing import Annotated

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import load, make_data_dir, opened
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir
from rolecall.cli.output import print_json


def backup(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write; it must not exist.", show_default=False)
    ],
    *,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Save everything that the database holds, as of one instant, also while Rolecall serves.

    The file holds personal data. Of API keys it holds hashes only; the secret that seals cursors is in it as it is.
    Other secrets are in it sealed: the keys that open them, `keys.json` in the data directory, are not. Save those
    elsewhere.
    """
    from rolecall.kernel.clock import system_clock
    from rolecall.storage.backup import NothingToBackUp, write_backup

    settings = load(data_dir, database_url)
    if settings.sqlite_path is not None and not settings.sqlite_path.exists():
        raise NothingToBackUp(f"There is nothing to back up: {settings.sqlite_path} does not exist.")
    manifest = write_backup(settings.database_url, file, now=system_clock())
    if as_json:
        print_json({"file": str(file), "revision": manifest.revision, "rows": manifest.rows})
        return
    print(f"Saved {manifest.rows} rows of {len(manifest.tables)} tables to {file} (revision {manifest.revision}).")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `backup` wrote.", show_default=False)],
    *,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Bring a backup back into an empty database, on SQLite or PostgreSQL, whichever it came from.

    A backup of an older version is brought to this version's tables. Secrets in it can be read only with the keys
    of the installation that it was made of: put its `keys.json` into the data directory first.
    """
    from rolecall.kernel.errors import NotFound
    from rolecall.migrations import migrate
    from rolecall.migrations.revisions import is_known
    from rolecall.storage.backup import BadBackup, DatabaseNotEmpty, check_backup, is_empty, load_backup

    settings = load(data_dir, database_url)
    if not file.exists():
        raise NotFound(f"There is no file {file}.")
    manifest = check_backup(file)
    if not is_known(manifest.revision):
        raise BadBackup(
            f"The backup is of revision {manifest.revision}, which this version of Rolecall does not know. "
            "Restore it with the version that made it, or a newer one."
        )
    if not is_empty(settings.database_url):
        raise DatabaseNotEmpty(
            "There are tables in this database already. Restore into an empty one: "
            "name another --data-dir or --database-url."
        )
    make_data_dir(settings)
    migrate.upgrade(settings.database_url, manifest.revision)
    load_backup(settings.database_url, file)
    migrate.upgrade(settings.database_url)
    missing = _missing_keys(data_dir, database_url)
    if as_json:
        said = {"file": str(file), "revision": migrate.head(), "rows": manifest.rows, "missing_keys": missing}
        print_json(said)
        return
    print(f"Restored {manifest.rows} rows of {len(manifest.tables)} tables, saved at {manifest.created_at}.")
    if missing:
        print(
            f"Some secrets in it cannot be read before the keys {', '.join(missing)} are back: in {settings.data_dir},"
        )
        print("or in ROLECALL_KEYS. No backup holds them.")


def _missing_keys(data_dir: Path | None, database_url: str | None) -> list[str]:
    """Return the ids of the keys that seal secrets in the database and that the key ring lacks."""
    from rolecall.storage.resealing import count_by_key

    with opened(data_dir, database_url) as rolecall:
        counts = rolecall.transactions.run_read(COMMAND_LINE, count_by_key)
        return sorted(set(counts) - set(rolecall.keys.key_ids))
