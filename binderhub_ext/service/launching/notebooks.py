"""Notebooks that people bring as files, kept until they are opened.

A launch takes its notebook along. Where it comes to nothing before that is put down, because its
environment cannot be built or the service is restarted, the next launch of that project takes it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tornado.log import app_log

from ...core.errors import BinderError, Cancelled
from ...core.notebooks import Notebook
from ...core.shipped import EMPTY, SHIPPED
from ...core.updates import Keep
from ..records.notebooks import NotebookRecords
from ..records.records import INTERRUPTED
from .orders import LaunchOrder
from .running import RunningLaunch
from .steps import Step

_DAYS = timedelta(days=7)


class Notebooks:
    """The last one of each person, as long as it was not opened.

    Args:
        records: of them.
    """

    def __init__(self, records: NotebookRecords) -> None:
        self._records = records

    async def brought(self, order: LaunchOrder) -> LaunchOrder:
        """An order with the notebook that its person brought: now, or for a launch before."""
        if order.build_only or order.request.repo != SHIPPED.repo(EMPTY):
            return order
        user = order.person.name
        if order.notebook:
            await self._records.keep(user, order.notebook.title, order.notebook.content)
            return order
        row = await self._records.get(user, _DAYS)
        if row is None:
            return order
        return replace(order, notebook=Notebook(row.title, row.content), keep=Keep.BOTH)

    async def ended(self, running: RunningLaunch) -> None:
        """Forget the notebook of a launch, unless the next one has to take it."""
        notebook = running.order.notebook
        if notebook is None or _is_next(running):
            return
        try:
            await self._records.remove(running.order.person.name, notebook.content)
        except BinderError as error:
            app_log.warning("A notebook that was opened is still kept: %s", error)

    async def forget(self) -> None:
        """Remove what nobody has opened for days. Safe to repeat."""
        await self._records.forget(_DAYS)


def _is_next(running: RunningLaunch) -> bool:
    """Whether a launch ended before its notebook came to its server, and not by its person.

    A server that does not take it would not take it the next time either.
    """
    error = running.state.error
    if error is None or running.state.step == str(Step.REDIRECT):
        return False
    return error.code != Cancelled.code or running.why == INTERRUPTED
