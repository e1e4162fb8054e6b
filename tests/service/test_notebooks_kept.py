"""Notebooks that people brought: kept until they are opened, whatever becomes of the service."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from binderhub_ext.core.errors import BuildFailed, Cancelled, LaunchFailed
from binderhub_ext.core.launch import LaunchRequest
from binderhub_ext.core.notebooks import Notebook
from binderhub_ext.core.shipped import EMPTY, SHIPPED
from binderhub_ext.core.updates import Keep
from binderhub_ext.service.hub import Person
from binderhub_ext.service.launching.launchstate import State
from binderhub_ext.service.launching.notebooks import Notebooks
from binderhub_ext.service.launching.orders import LaunchOrder
from binderhub_ext.service.launching.running import RunningLaunch
from binderhub_ext.service.records.notebooks import NotebookRecords
from binderhub_ext.service.records.records import Records, now
from binderhub_ext.service.records.tables import NotebookRow

ANA = Person("ana", "")
SCRATCH = LaunchOrder(ANA, LaunchRequest(SHIPPED.repo(EMPTY)), keep=None)
MINE = Notebook("mine", b"{}")


def ended(order: LaunchOrder, error: Exception | None, step: str = "") -> RunningLaunch:
    state = State("1", "ana", "scratch", order.request.repo, "", "", datetime.now(UTC), step=step)
    running = RunningLaunch(order, state)
    if error:
        running.fail(error)
    return running


async def test_the_next_launch_takes_it(records: Records) -> None:
    brought = await Notebooks(NotebookRecords(records)).brought(replace(SCRATCH, notebook=MINE))
    assert brought.notebook == MINE
    # of another service, as after a restart
    kept = Notebooks(NotebookRecords(records))
    again = await kept.brought(SCRATCH)
    assert (again.notebook, again.keep) == (MINE, Keep.BOTH)
    other = LaunchRequest(SHIPPED.repo("tides"))
    for order in (
        replace(SCRATCH, person=Person("tom", "")),
        replace(SCRATCH, request=other),
        replace(SCRATCH, build_only=True),
    ):
        assert await kept.brought(order) == order
    newer = replace(MINE, content=b"newer")
    await kept.brought(replace(SCRATCH, notebook=newer))
    assert (await kept.brought(SCRATCH)).notebook == newer
    # whoever gets the name gets none of it, and nobody one that was forgotten
    await records.forget_entrusted("ana", now() + timedelta(minutes=1))
    assert await kept.brought(SCRATCH) == SCRATCH
    await kept.brought(replace(SCRATCH, notebook=MINE))
    old = update(NotebookRow).values(since=now() - timedelta(days=8))
    await records.run(lambda session: session.execute(old))
    assert await kept.brought(SCRATCH) == SCRATCH
    await kept.forget()
    assert await records.run(lambda session: session.get(NotebookRow, "ana")) is None


@pytest.mark.parametrize(
    ("error", "step", "by_them", "is_kept"),
    [
        (None, "redirect", False, False),
        (BuildFailed("It cannot be built."), "image", False, True),
        (LaunchFailed("It did not start."), "server", False, True),
        (Cancelled("The service was restarted."), "server", False, True),
        (Cancelled("You cancelled it."), "image", True, False),
        (LaunchFailed("It does not take it."), "redirect", False, False),
    ],
)
async def test_until_it_is_opened(
    records: Records, error: Exception | None, step: str, by_them: bool, is_kept: bool
) -> None:
    kept = Notebooks(NotebookRecords(records))
    order = await kept.brought(replace(SCRATCH, notebook=MINE))
    running = ended(order, error, step)
    if by_them:
        running.why = "You cancelled it."
    await kept.ended(running)
    assert ((await kept.brought(SCRATCH)).notebook == MINE) is is_kept
    # a launch without one forgets none
    await kept.ended(ended(SCRATCH, None))
    assert ((await kept.brought(SCRATCH)).notebook == MINE) is is_kept


async def test_one_that_was_brought_meanwhile_is_not_the_one_that_was_opened(
    records: Records,
) -> None:
    kept = Notebooks(NotebookRecords(records))
    first = await kept.brought(replace(SCRATCH, notebook=MINE))
    newer = replace(MINE, content=b"newer")
    await kept.brought(replace(SCRATCH, notebook=newer))
    await kept.ended(ended(first, None, "redirect"))
    assert (await kept.brought(SCRATCH)).notebook == newer
