"""Which revisions does this version of Rolecall know?"""

from pathlib import Path

from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError


def is_known(revision: str) -> bool:
    """Return whether there is a migration to this revision."""
    try:
        return ScriptDirectory(str(Path(__file__).parent)).get_revision(revision) is not None
    except CommandError:
        return False
