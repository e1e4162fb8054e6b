"""Which failed launches a person has seen; what failed before that was asked, they have."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    seen = sa.true()
    op.add_column(
        "launches", sa.Column("dismissed", sa.Boolean(), nullable=False, server_default=seen)
    )


def downgrade() -> None:
    op.drop_column("launches", "dismissed")
