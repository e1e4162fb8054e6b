"""Environments of commits, builds, launches and trust."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "environments",
        sa.Column("engine", sa.String(40), primary_key=True),
        sa.Column("repo", sa.String(2048), primary_key=True),
        sa.Column("commit", sa.String(128), primary_key=True),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("seen", sa.DateTime(timezone=True), nullable=False),
    )
    _builds()
    _launches()
    op.create_table(
        "trust",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("user", sa.String(255), nullable=False, index=True),
        sa.Column("repo", sa.String(2048), nullable=False),
        sa.Column("repo_url", sa.String(2048), nullable=False),
        sa.Column("rights", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    )


def _builds() -> None:
    op.create_table(
        "builds",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("key", sa.String(128), nullable=False, index=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("repo", sa.String(2048), nullable=False),
        sa.Column("commit", sa.String(128), nullable=False),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("finished", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.String(40), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
    )


def _launches() -> None:
    op.create_table(
        "launches",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("user", sa.String(255), nullable=False),
        sa.Column("server", sa.String(64), nullable=False),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished", sa.DateTime(timezone=True), nullable=True, index=True),
        *(sa.Column(name, kind, nullable=False) for name, kind in _TOLD),
    )
    op.create_index("ix_launches_user_started", "launches", ["user", "started"])


_TOLD: list[tuple[str, sa.types.TypeEngine[Any]]] = [
    ("provider", sa.String(40)),
    ("repo", sa.String(2048)),
    ("repo_url", sa.String(2048)),
    ("ref", sa.String(1024)),
    ("commit", sa.String(128)),
    ("image", sa.String(1024)),
    ("project", sa.String(1024)),
    ("build", sa.String(32)),
    ("origin", sa.String(255)),
    ("request", sa.Text()),
    ("code", sa.String(64)),
    ("status", sa.Integer()),
    ("message", sa.Text()),
    ("detail", sa.Text()),
    ("url", sa.Text()),
]


def downgrade() -> None:
    for table in ("environments", "builds", "launches", "trust"):
        op.drop_table(table)
