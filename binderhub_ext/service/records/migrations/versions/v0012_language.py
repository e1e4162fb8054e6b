"""The language that somebody chose."""

import sqlalchemy as sa
from alembic import op

revision = "0012_language"
down_revision = "0011_hidden_links"


def upgrade() -> None:
    op.create_table(
        "languages",
        sa.Column("user", sa.String(255), primary_key=True),
        sa.Column("tag", sa.String(64), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("languages")
