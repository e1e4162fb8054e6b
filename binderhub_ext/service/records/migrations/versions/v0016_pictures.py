"""Pictures of the catalogue's entries."""

import sqlalchemy as sa
from alembic import op

revision = "0016_pictures"
down_revision = "0015_class_teachers"

_COLUMNS = ("picture", "picture_text", "picture_tag", "picture_flaw")


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column("catalogue", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "catalogue_pictures",
        sa.Column("entry", sa.String(32), primary_key=True),
        sa.Column("commit", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("catalogue_pictures")
    for name in _COLUMNS:
        op.drop_column("catalogue", name)
