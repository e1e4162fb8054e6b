"""Classes: links that teachers give, and who opened them."""

import sqlalchemy as sa
from alembic import op

revision = "0010_classes"
down_revision = "0009_catalogue"


def upgrade() -> None:
    op.create_table(
        "classes",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(255), nullable=False, index=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True), index=True),
    )
    op.create_table(
        "openings",
        sa.Column("class_id", sa.String(32), primary_key=True),
        sa.Column("user", sa.String(255), primary_key=True, index=True),
        sa.Column("server", sa.String(64), nullable=False),
        sa.Column("launch", sa.String(64), nullable=False),
        sa.Column("opened", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("stopped", sa.DateTime(timezone=True)),
        sa.Column("stopped_by", sa.String(255), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("openings")
    op.drop_table("classes")
