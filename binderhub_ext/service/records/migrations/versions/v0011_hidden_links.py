"""Links that administrators hid, which outlive their entries."""

import sqlalchemy as sa
from alembic import op

revision = "0011_hidden_links"
down_revision = "0010_classes"


def upgrade() -> None:
    op.create_table(
        "catalogue_hidden",
        sa.Column("owner", sa.String(255), primary_key=True),
        sa.Column("link", sa.String(64), primary_key=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("catalogue_hidden")
