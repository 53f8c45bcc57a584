"""How is an installation's database saved and brought back?"""

from pathlib import Path
from typing import Annotated

import typer

from rolecall.cli.admin.installation import load, make_data_dir
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

    The file holds personal data. Of keys it holds hashes only; the secret that seals cursors is in it as it is.
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

    A backup of an older version is brought to this version's tables.
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
    if as_json:
        print_json({"file": str(file), "revision": migrate.head(), "rows": manifest.rows})
        return
    print(f"Restored {manifest.rows} rows of {len(manifest.tables)} tables, saved at {manifest.created_at}.")
