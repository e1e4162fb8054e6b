"""What people may give to their servers."""

import sqlalchemy as sa
from alembic import op

revision = "0013_secrets"
down_revision = "0012_choices"


def upgrade() -> None:
    op.create_table(
        "secrets",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("user", sa.String(255), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("file", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("user", "name", name="uq_secrets_user_name"),
    )


def downgrade() -> None:
    op.drop_table("secrets")
