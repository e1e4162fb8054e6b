"""What a repository asks for and its environment is not."""

import sqlalchemy as sa
from alembic import op

revision = "0014_notes"
down_revision = "0013_secrets"


def upgrade() -> None:
    op.add_column(
        "environments", sa.Column("notes", sa.Text(), nullable=False, server_default="[]")
    )


def downgrade() -> None:
    op.drop_column("environments", "notes")
