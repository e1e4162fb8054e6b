"""Notebooks that people brought and have not opened yet."""

import sqlalchemy as sa
from alembic import op

revision = "0017_notebooks"
down_revision = "0016_pictures"


def upgrade() -> None:
    op.create_table(
        "notebooks",
        sa.Column("user", sa.String(255), primary_key=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("notebooks")
