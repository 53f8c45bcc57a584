"""${message}

Revision: ${up_revision}, after ${down_revision | comma,n}.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text  # named here because Alembic writes column types without it
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database up by this step."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Bring the database back down by this step."""
    ${downgrades if downgrades else "pass"}
