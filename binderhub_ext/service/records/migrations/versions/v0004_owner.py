"""Which of several services on one database a launch or a build is of."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_TABLES = ("builds", "launches")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("owner", sa.String(64), nullable=False, server_default=""))


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "owner")
