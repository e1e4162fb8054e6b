"""Whether the branches of people's projects have gone on, and by how many commits: looked up while
a page shows them."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tornado.log import app_log

from ...core.errors import BinderError
from ...core.policy import Policy, judge_repo
from ...core.refs import is_full_id
from ...core.repo import Commit, Repo
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


@dataclass(frozen=True)
class _Said:
    """What a host said of a ref.

    Attributes:
        at: when, by the monotonic clock.
        commit: what the ref stands for; empty if that is not known.
        since: how many commits are new in it, by the id of an earlier one.
    """

    at: float = 0.0
    commit: str = ""
    since: Mapping[str, int] = field(default_factory=dict)


_NOTHING = _Said()


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
        self._said: OrderedDict[_Key, _Said] = OrderedDict()
        self._looks: dict[str, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def newer(self, projects: Iterable[LaunchRow]) -> dict[str, int | None]:
        """The projects whose branch stands for another commit than their last launch was of.

        Returns:
            How many commits are new in each, as a provider's `since` counts, where it is known.
        """
        said = ((row, self._said.get(_key(row), _NOTHING)) for row in projects)
        return {
            row.project: host.since.get(row.commit)
            for row, host in said
            if host.commit not in ("", row.commit)
        }

    def count(self, row: LaunchRow, commit: Commit) -> int | None:
        """How many commits are new in a commit since a launch, if that was found out before."""
        said = self._said.get(_key(row), _NOTHING)
        return said.since.get(row.commit) if said.commit == commit.id else None

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
        said = self._said.get(key)
        return said is None or time.monotonic() - said.at > self._every

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
        said = self._said.get(key, _NOTHING)
        commit, since = said.commit, said.since
        try:
            judge_repo(self._policy, repo, ref)
            provider = self._builds.provider(repo.provider)
            async with asyncio.timeout(_PATIENCE):
                new = await provider.resolve(repo, ref)
            if new.id != commit or not since:
                commit, since = new.id, await provider.since(new)
        except (BinderError, TimeoutError) as error:
            app_log.info("Whether %s has gone on is not known: %s", repo.identity, error)
        self._said[key] = _Said(time.monotonic(), commit, since)
        self._said.move_to_end(key)
        if len(self._said) > _KEPT:
            self._said.popitem(last=False)


def _key(row: LaunchRow) -> _Key:
    return Repo(row.provider, row.repo, row.repo_url), row.ref


def _follows(row: LaunchRow) -> bool:
    """Whether it follows a branch of Git, and no commit or version.

    Nor the beginning of a commit's id: to look that up takes all commits.
    """
    return is_full_id(row.commit) and not row.commit.startswith(row.ref.lower())
