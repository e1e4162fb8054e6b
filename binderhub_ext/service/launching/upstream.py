"""Whether the branches of people's projects have gone on: looked up while a page shows them."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable

from tornado.log import app_log

from ...core.errors import BinderError
from ...core.policy import Policy, judge_repo
from ...core.refs import is_full_id
from ...core.repo import Repo
from ..records.tables import LaunchRow
from .builds import Builds
from .news import News

_PROJECTS = 20
"""Of a person that are looked at: those used last."""
_KEPT = 5000
"""Repositories of which it is remembered what they said."""
_AT_ONCE, _PATIENCE = 8, 20
"""Repositories that are looked at together; seconds for each. Nobody waits for it."""

_Key = tuple[Repo, str]


class Upstream:
    """What refs stand for now, as far as it was looked up lately.

    Of each person one repository is looked at after the other, each at most once in `every` seconds
    for everybody together, and with nobody's credential: what takes one is not looked at unasked.

    Args:
        builds: resolves.
        policy: says which may be asked for at all, now.
        news: tells a person's pages.
        every: seconds after which a repository is looked at again; 0 for never at all.
    """

    def __init__(self, builds: Builds, policy: Policy, news: News, every: float) -> None:
        self._builds, self._policy = builds, policy
        self._news, self._every = news, every
        self._asked: OrderedDict[_Key, tuple[float, str]] = OrderedDict()
        self._looks: dict[str, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def newer(self, projects: Iterable[LaunchRow]) -> set[str]:
        """The projects whose branch stands for another commit than their last launch was of."""
        said = ((row, self._asked.get(_key(row), (0.0, ""))[1]) for row in projects)
        return {row.project for row, commit in said if commit and commit != row.commit}

    def look(self, user: str, projects: Iterable[LaunchRow]) -> None:
        """Look in the background at what was not looked at lately; a person's pages are told."""
        if not self._every or user in self._looks:
            return
        follows = [row for row in projects if _follows(row)][:_PROJECTS]
        if due := [row for row in follows if self._is_due(_key(row))]:
            self._looks[user] = task = asyncio.create_task(self._look(user, due))
            task.add_done_callback(lambda _: self._looks.pop(user, None))

    async def close(self) -> None:
        """End all looks."""
        looks = list(self._looks.values())
        for task in looks:
            task.cancel()
        await asyncio.gather(*looks, return_exceptions=True)

    def _is_due(self, key: _Key) -> bool:
        asked = self._asked.get(key)
        return asked is None or time.monotonic() - asked[0] > self._every

    async def _look(self, user: str, projects: list[LaunchRow]) -> None:
        before = self.newer(projects)
        for row in projects:
            async with self._turns:
                if self._is_due(_key(row)):
                    await self._ask(_key(row))
        if self.newer(projects) != before:
            self._news.tell(user)

    async def _ask(self, key: _Key) -> None:
        repo, ref = key
        commit = self._asked.pop(key, (0.0, ""))[1]
        try:
            judge_repo(self._policy, repo, ref)
            async with asyncio.timeout(_PATIENCE):
                commit = (await self._builds.provider(repo.provider).resolve(repo, ref)).id
        except (BinderError, TimeoutError) as error:
            app_log.info("Whether %s has gone on is not known: %s", repo.identity, error)
        self._asked[key] = time.monotonic(), commit
        if len(self._asked) > _KEPT:
            self._asked.popitem(last=False)


def _key(row: LaunchRow) -> _Key:
    return Repo(row.provider, row.repo, row.repo_url), row.ref


def _follows(row: LaunchRow) -> bool:
    """Whether it follows a branch of Git, and no commit or version.

    Nor the beginning of a commit's id: to look that up takes all commits.
    """
    return is_full_id(row.commit) and not row.commit.startswith(row.ref.lower())
