"""What servers used, besides what they asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0018_used"
down_revision = "0017_notebooks"


def upgrade() -> None:
    op.add_column("ledger_intervals", sa.Column("peak", sa.BigInteger()))
    op.add_column("ledger_intervals", sa.Column("worked", sa.Float()))


def downgrade() -> None:
    op.drop_column("ledger_intervals", "worked")
    op.drop_column("ledger_intervals", "peak")
