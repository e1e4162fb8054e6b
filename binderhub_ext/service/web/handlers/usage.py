"""What people use: their own for everybody, all for administrators."""

from __future__ import annotations

import asyncio

from ...accounting.gauges import gauges
from ..accounts import days_of, members, own_usage
from ..usageviews import as_csv
from .admin import ForAdministrators
from .base import Api, Page


class UsagePage(Page):
    """`/usage`."""

    async def get(self) -> None:
        days = days_of(self.get_query_argument("days", ""))
        self.show("usage.html", usage=await own_usage(self.service, self.me, days))


class UsageApi(Api):
    """`/api/usage/me`."""

    async def get(self) -> None:
        days = days_of(self.get_query_argument("days", ""))
        self.write(await own_usage(self.service, self.me, days))


class UsageCsv(ForAdministrators, Api):
    """`/api/admin/usage.csv`: everybody's, by day."""

    async def get(self) -> None:
        reports, days = self.service.reports, days_of(self.get_query_argument("days", ""))
        self.set_header("Content-Type", "text/csv; charset=UTF-8")
        self.set_header("Content-Disposition", 'attachment; filename="usage.csv"')
        lines = await reports.lines(days)
        self.write(await asyncio.to_thread(as_csv, lines, reports.prices))


class UsageMetrics(ForAdministrators, Api):
    """`/api/admin/usage/metrics`: everybody's, for Prometheus with an administrator's token."""

    async def get(self) -> None:
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        everybody = await members(self.service, self.me)
        standings = await self.service.limits.everybody(everybody)
        people = {user: (everybody[user].groups, own) for user, own in standings.items()}
        self.write(await asyncio.to_thread(gauges, people, self.service.namespace))
