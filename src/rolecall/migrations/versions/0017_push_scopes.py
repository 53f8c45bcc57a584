"""Whom and what a SCIM connection may push.

Revision: 0017, after 0016.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

COLUMNS = ("user_scope", "group_scope")


def upgrade() -> None:
    """Add the columns; every connection may push anything, as before."""
    with op.batch_alter_table("scim_connection") as connection:
        for name in COLUMNS:
            connection.add_column(sa.Column(name, sa.Text(), nullable=True))


def downgrade() -> None:
    """Remove them. Connections may then push anything again."""
    with op.batch_alter_table("scim_connection") as connection:
        for name in COLUMNS:
            connection.drop_column(name)
