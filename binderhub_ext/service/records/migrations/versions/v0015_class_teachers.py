"""Teachers of a class besides its owner, and who was told of them."""

import sqlalchemy as sa
from alembic import op

revision = "0015_class_teachers"
down_revision = "0014_notes"


def upgrade() -> None:
    op.create_table(
        "class_teachers",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("class_id", sa.String(32), nullable=False, index=True),
        sa.Column("name", sa.String(255), nullable=False, index=True),
        sa.Column("is_group", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    )
    op.add_column("openings", sa.Column("told", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("openings", "told")
    op.drop_table("class_teachers")
