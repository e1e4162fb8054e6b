"""What becomes of a launch that is ended when it is over already."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from patience import SOON

from binderhub_ext.core.errors import Cancelled
from binderhub_ext.core.forges import GITHUB
from binderhub_ext.core.launch import LaunchRequest
from binderhub_ext.core.notebooks import Notebook
from binderhub_ext.core.progress import Tell
from binderhub_ext.core.providers import PROVIDERS
from binderhub_ext.core.repo import Repo
from binderhub_ext.service.hub import Person
from binderhub_ext.service.launching.launches import Launches
from binderhub_ext.service.launching.orders import LaunchOrder
from binderhub_ext.service.launching.result import LaunchResult

ANA = Person("ana", "")
REQUEST = LaunchRequest(Repo(GITHUB.id, "o/r", "https://github.com/o/r"))


class Service:
    """Launches, of which all that they work with does nothing but wait."""

    def __init__(self) -> None:
        self.goes_on, self.written = asyncio.Event(), asyncio.Event()
        self.outcomes: list[str] = []

    async def launch(self, order: LaunchOrder, tell: Tell) -> LaunchResult:
        await self.goes_on.wait()
        return LaunchResult("image", "/user/ana/r/lab")

    async def launch_ended(self, id: str, **values: Any) -> None:
        await self.written.wait()
        self.outcomes.append(values["code"])

    async def take_back(self, person: Person, server: str) -> bool:
        return False


async def nothing(*_args: Any, **_kwargs: Any) -> None:
    pass


def launches(service: Service) -> Launches:
    known: dict[str, Any] = {
        name: SimpleNamespace(
            **dict.fromkeys(("ended", "opened", "launched"), nothing),
            **dict.fromkeys(("tell", "told", "soon", "started"), lambda *_: None),
        )
        for name in ("event_log", "news", "meter", "bookkeeper", "classes", "mine", "notebooks")
    }
    records: Any = SimpleNamespace(launch_started=nothing, launch_ended=service.launch_ended)
    launcher: Any = service
    rest: dict[str, Any] = {"policy": None, "providers": PROVIDERS, "quotas": None, "kept": 10}
    return Launches(launcher, records, **known, **rest)


async def test_what_was_brought_is_not_kept_with_what_is_over() -> None:
    """A thousand launches are, and a notebook may be as large as any form."""
    service = Service()
    every = launches(service)
    order = LaunchOrder(ANA, REQUEST, notebook=Notebook("mine", b"{}"))
    running = await every._start(("ana", "r", None), order)
    assert running.order.notebook
    service.goes_on.set()
    service.written.set()
    assert running.task
    async with asyncio.timeout(SOON):
        await asyncio.wait([running.task])
        while len(every):  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert every.running(ANA, running.state.id) is running and running.order.notebook is None


@pytest.mark.parametrize("succeeds", [True, False])
async def test_who_cancels_twice_or_too_late_still_hears_what_came_of_it(succeeds: bool) -> None:
    """A launch whose outcome is being written down when it is cancelled was never over."""
    service = Service()
    every = launches(service)
    running = await every._start(("ana", "r", None), LaunchOrder(ANA, REQUEST))
    id = running.state.id
    await asyncio.sleep(0)
    if succeeds:
        service.goes_on.set()
    cancelled = [asyncio.create_task(every.cancel(ANA, id)) for _ in range(1 - succeeds)]
    await asyncio.sleep(0.01)
    cancelled += [asyncio.create_task(every.cancel(ANA, id)) for _ in range(2)]
    await asyncio.sleep(0.01)
    service.written.set()
    async with asyncio.timeout(SOON):
        states = await asyncio.gather(*cancelled)
    assert running.history.closed and all(state.finished for state in states)
    assert service.outcomes == ["" if succeeds else Cancelled.code]
    assert every.under_way(id) is None and len(every) == 0
