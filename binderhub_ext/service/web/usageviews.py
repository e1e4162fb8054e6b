"""What people and administrators are shown of the ledger. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ...core.quantities import say_bytes
from ...core.sentences import Sentence, listing
from ...core.spending import Prices, What
from ...core.url import readable
from ...core.usagequotas import NEW_SERVER, Standing, longest
from ..accounting.reports import Figures, Line, totals
from ..records.tables import IntervalRow
from .views import iso

_COLUMNS = (
    *("date", "user", "group", "component", "cost", "currency", "server_hours"),
    *("memory_gib_hours", "cpu_hours", "gpu_hours", "build_minutes", "storage_gib"),
    *("memory_peak_gib", "cpu_hours_used"),
)
_FORMULA = re.compile(r"(?:^|(?<=[;,\t\r\n]))(?=\s*[=+@-])")
"""Where spreadsheets see a formula begin, also those that end a cell at another sign."""


def usage_view(
    standings: Sequence[Standing],
    lines: Sequence[Line],
    latest: Iterable[IntervalRow],
    *,
    days: int,
    prices: Prices,
) -> dict[str, Any]:
    """A person's own use, as their page and `GET api/usage/me` have it.

    The limits have the fields of jupyterhub-usage-quotas.
    """
    over = longest(one for one in standings if one.policy.resource in NEW_SERVER)
    refusal = over.refusal() if over else None
    return {
        "days": days,
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "allow_server_launch": over is None,
        "error": {**refusal.to_dict(), "retry_time": over.to_fields()["retry_time"]}
        if over and refusal
        else None,
        "quotas": [limit_view(one) for one in standings],
        "totals": figures_view(sum((line.figures for line in lines), Figures()), prices),
        "by_day": [
            {"date": day.isoformat(), **figures_view(figures, prices)}
            for day, figures in totals(lines, lambda line: line.day).items()
        ],
        "latest": [interval_view(row) for row in latest],
        "currency": prices.currency,
    }


def limit_view(one: Standing) -> dict[str, Any]:
    """A limit, with where somebody stands under it."""
    return {
        **one.to_fields(),
        "percent": round(100 * one.share),
        "over": one.over,
        "near": one.near,
        "warning": one.warning,
        "room": one.room,
    }


def figures_view(figures: Figures, prices: Prices) -> dict[str, Any]:
    """Sums, rounded as they are shown; `cost` is absent where nothing has a price."""
    view: dict[str, Any] = {
        "server_hours": round(figures.hours, 3),
        "memory_gib_hours": round(figures.memory, 3),
        "cpu_hours": round(figures.cpu, 3),
        "gpu_hours": round(figures.gpu, 3),
        "build_minutes": round(figures.minutes, 2),
        "storage_gib_days": round(figures.stored, 3),
        "memory_peak_gib": round(figures.peak, 3),
        "cpu_hours_used": round(figures.worked, 4),
    }
    return {**view, "cost": round(figures.cost, 4)} if prices else view


def interval_view(row: IntervalRow) -> dict[str, Any]:
    """A run of a server, or a part of a build."""
    return {
        "kind": row.kind,
        "name": row.name if row.kind == str(What.SERVER) else "",
        "repo": readable(row.repo).partition("://")[2] or row.repo,
        "started": iso(row.started),
        "ended": iso(row.seen) if row.ended else "",
        "seconds": round(row.seconds),
        "memory": row.memory,
        "size": listing(_size(row), last="{these} · {this}"),
        "peak": row.peak,
        "worked": None if row.worked is None else round(row.worked, 1),
        "reason": row.reason,
    }


def _size(row: IntervalRow) -> Iterable[Sentence]:
    if row.size:
        yield Sentence.verbatim(row.size)
    if row.memory:
        yield say_bytes(row.memory)
    if row.cpu:
        yield Sentence("{count} CPU", count=_short(row.cpu))
    if row.gpu:
        yield Sentence("{count} GPU", count=_short(row.gpu))


def _short(number: float) -> float:
    return int(number) if number == int(number) else number


def people_view(
    people: Iterable[tuple[str, Figures]],
    standings: Mapping[str, Iterable[Standing]],
    prices: Prices,
) -> list[dict[str, Any]]:
    """Everybody's use, with the limits they are near."""
    return [
        {
            "user": user,
            "groups": sorted(figures.groups),
            **figures_view(figures, prices),
            "quotas": [limit_view(one) for one in standings.get(user, ())],
        }
        for user, figures in people
    ]


def as_csv(lines: Iterable[Line], prices: Prices) -> str:
    """The lines as a table, with the columns of jupyterhub-cost-monitoring and ours."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(_COLUMNS)
    for line in lines:
        figures = line.figures
        table.writerow(
            [
                line.day.isoformat(),
                _cell(line.user),
                _cell(";".join(sorted(figures.groups))),
                str(line.component),
                f"{figures.cost:.6f}",
                _cell(prices.currency),
                f"{figures.hours:.4f}",
                f"{figures.memory:.4f}",
                f"{figures.cpu:.4f}",
                f"{figures.gpu:.4f}",
                f"{figures.minutes:.3f}",
                f"{figures.stored:.4f}",
                f"{figures.peak:.4f}",
                f"{figures.worked:.4f}",
            ]
        )
    return text.getvalue()


def _cell(text: str) -> str:
    """A name, which no spreadsheet computes."""
    return _FORMULA.sub("'", text)
