"""The ledger: who used what, and for how long."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_TABLES = ("ledger_intervals", "ledger_storage", "ledger_clock")


def upgrade() -> None:
    _intervals()
    op.create_table(
        "ledger_storage",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("user", sa.String(255), nullable=False, index=True),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
    )
    clock = op.create_table(
        "ledger_clock",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("wall", sa.Float(), nullable=False),
        sa.Column("boot", sa.String(64), nullable=False),
        sa.Column("ticks", sa.Float(), nullable=False),
    )
    # It is a lock, so it is there before anybody has looked.
    op.bulk_insert(clock, [{"id": 1, "wall": 0, "boot": "", "ticks": 0}])


def _intervals() -> None:
    op.create_table(
        "ledger_intervals",
        sa.Column("id", sa.String(32), primary_key=True),
        *(sa.Column(name, kind, nullable=False) for name, kind in _TOLD),
        sa.UniqueConstraint("kind", "user", "name", "mark", name="uq_ledger_intervals_run"),
    )
    for other in ("user", "ended"):
        op.create_index(f"ix_ledger_intervals_{other}_seen", "ledger_intervals", [other, "seen"])


_TOLD: list[tuple[str, sa.types.TypeEngine[Any]]] = [
    ("kind", sa.String(16)),
    ("user", sa.String(255)),
    ("name", sa.String(255)),
    ("mark", sa.String(40)),
    ("groups", sa.Text()),
    ("repo", sa.String(2048)),
    ("engine", sa.String(40)),
    ("size", sa.String(64)),
    ("memory", sa.BigInteger()),
    ("cpu", sa.Float()),
    ("gpu", sa.Float()),
    ("started", sa.DateTime(timezone=True)),
    ("seen", sa.DateTime(timezone=True)),
    ("seconds", sa.Float()),
    ("ended", sa.Boolean()),
    ("reason", sa.String(40)),
    ("owner", sa.String(64)),
]


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
