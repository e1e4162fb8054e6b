"""What a launch did to its person's project."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("launches", sa.Column("update", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("launches", "update")
