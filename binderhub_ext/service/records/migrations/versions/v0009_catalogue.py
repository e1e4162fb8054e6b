"""The catalogue: links that people publish, and what others say is wrong with them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009_catalogue"
down_revision = "0008"

_TABLES = ("catalogue", "catalogue_reports")


def upgrade() -> None:
    op.create_table(
        "catalogue",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(255), nullable=False, index=True),
        *(sa.Column(name, kind, nullable=False) for name, kind in _TOLD),
        sa.Column("checked", sa.DateTime(timezone=True), nullable=True, index=True),
        sa.Column("tried", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_index("ix_catalogue_order", "catalogue", ["featured", "score", "changed"])
    op.create_table(
        "catalogue_reports",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("entry", sa.String(32), nullable=False, index=True),
        sa.Column("user", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_catalogue_reports_user_made", "catalogue_reports", ["user", "made"])


_TOLD: list[tuple[str, sa.types.TypeEngine[Any]]] = [
    ("title", sa.String(255)),
    ("text", sa.Text()),
    ("tags", sa.Text()),
    ("group", sa.String(255)),
    ("link", sa.Text()),
    ("repo", sa.String(2048)),
    ("words", sa.Text()),
    ("made", sa.DateTime(timezone=True)),
    ("changed", sa.DateTime(timezone=True)),
    ("featured", sa.Boolean()),
    ("hidden", sa.Boolean()),
    ("score", sa.Float()),
    ("people", sa.Integer()),
    ("code", sa.String(64)),
    ("commit", sa.String(128)),
    ("key", sa.String(128)),
]


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
