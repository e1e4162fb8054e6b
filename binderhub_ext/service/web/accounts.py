"""What pages and the API show of use: a person's own, and everybody's for administrators."""

from __future__ import annotations

from typing import Any

from ...core.usagequotas import Standing
from ..accounting.reports import MOST_DAYS
from ..hub import Person
from ..members import Member
from . import usageviews as views
from .context import Service

_DAYS = 30


async def own_usage(service: Service, person: Person, days: int) -> dict[str, Any]:
    """What a person has used, and may."""
    member = await service.hub.member(person)
    return views.usage_view(
        await service.limits.standings(person.name, member),
        await service.reports.lines(days, person.name, member.since),
        await service.reports.latest(person.name, member.since),
        days=days,
        prices=service.reports.prices,
    )


async def usage_of_all(service: Service, admin: Person, days: int) -> dict[str, Any]:
    """The section of the administrator's page."""
    standings: dict[str, list[Standing]] = {}
    if service.limits.policies:
        standings = await service.limits.everybody(await members(service, admin))
    prices = service.reports.prices
    return {
        "days": days,
        "usage": views.people_view(await service.reports.people(days), standings, prices),
        "currency": prices.currency,
        "blind": service.bookkeeper.blind,
    }


async def members(service: Service, admin: Person) -> dict[str, Member]:
    """Everybody, by name; asked in the administrator's name."""
    people = service.hub.people(admin)
    return {model["name"]: Member.from_model(model) async for model in people}


def days_of(said: str) -> int:
    """How many days somebody asks for; 30 unless that is understood."""
    return min(max(int(said), 1), MOST_DAYS) if said.isdecimal() and len(said) < 5 else _DAYS
