"""The repositories that a launch brought besides the environment's."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("launches", sa.Column("content", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("launches", "content")
