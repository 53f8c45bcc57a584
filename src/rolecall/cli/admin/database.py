"""How are the tables brought to what this version needs?"""

from rolecall.cli.admin.installation import load, make_data_dir, revision_of
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir
from rolecall.cli.output import print_json


def migrate(*, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Bring the database to what this version of Rolecall needs, making it, and the key ring, when it is not there.

    `rolecall serve` does the same when it starts. Back up first.
    """
    from rolecall.kernel.clock import system_clock
    from rolecall.main import key_ring
    from rolecall.migrations import migrate as migrations

    settings = load(data_dir, database_url)
    before = revision_of(settings)
    make_data_dir(settings)
    migrations.upgrade(settings.database_url)
    key_ring(settings).ensure(system_clock())
    after = migrations.head()
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        print(f"Nothing to do: the database is at revision {after}.")
    else:
        print(f"The database went from {before or 'no tables'} to revision {after}.")
