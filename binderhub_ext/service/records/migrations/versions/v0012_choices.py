"""What somebody chose: their language, and how the main page has their projects."""

import sqlalchemy as sa
from alembic import op

revision = "0012_choices"
down_revision = "0011_hidden_links"


def upgrade() -> None:
    op.create_table(
        "languages",
        sa.Column("user", sa.String(255), primary_key=True),
        sa.Column("tag", sa.String(64), nullable=False),
    )
    op.create_table(
        "projects_shown",
        sa.Column("user", sa.String(255), primary_key=True),
        sa.Column("project", sa.String(1024), primary_key=True),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("projects_shown")
    op.drop_table("languages")
