"""What a person who types may choose from: refs and files of the repository they name."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from ...core.errors import BinderError, TooMany
from ...core.launch import LaunchRequest
from ...core.policy import Policy, judge_repo
from ...core.repo import Repo
from ...repos.base import Refs, RepoProvider
from ..hub import Person
from ..turns import Turns
from .builds import Builds

T = TypeVar("T")

_EACH, _ALL = 2, 16
"""Questions that one person, and everybody, may have under way."""

_IN_A_MINUTE = 30
_MINUTE = 60.0
_PATIENCE = 25.0


class Choosing:
    """Asks hosts for people who type, seldom: what cannot be found out is nothing.

    Args:
        builds: knows what fetches repositories.
        policy: says which may be asked for at all.
    """

    def __init__(self, builds: Builds, policy: Policy) -> None:
        self._builds, self._policy = builds, policy
        self._turns = Turns(_EACH, _ALL)
        self._asked: dict[str, deque[float]] = {}

    async def refs(self, person: Person, request: LaunchRequest) -> Refs:
        """The branches and tags of what somebody is about to launch.

        Raises:
            TooMany: they ask too often.
        """

        async def ask(provider: RepoProvider, repo: Repo) -> Refs:
            return await provider.refs(repo, reader=person.name)

        return await self._ask(person, request, ask, Refs())

    async def paths(self, person: Person, request: LaunchRequest) -> tuple[str, ...]:
        """The files of what somebody is about to launch, notebooks first.

        Raises:
            TooMany: they ask too often.
        """

        async def ask(provider: RepoProvider, repo: Repo) -> tuple[str, ...]:
            return await provider.paths(repo, request.ref, reader=person.name)

        return await self._ask(person, request, ask, ())

    async def _ask(
        self,
        person: Person,
        request: LaunchRequest,
        ask: Callable[[RepoProvider, Repo], Awaitable[T]],
        nothing: T,
    ) -> T:
        if request.repo is None:
            return nothing
        with self._turn(person.name):
            try:
                judge_repo(self._policy, request.repo, request.ref)
                provider = self._builds.provider(request.repo.provider)
                async with asyncio.timeout(_PATIENCE):
                    return await ask(provider, request.repo)
            except (BinderError, TimeoutError):  # the launch will tell
                return nothing

    @contextmanager
    def _turn(self, user: str) -> Iterator[None]:
        now = time.monotonic()
        lately = {u: t for u, t in self._asked.items() if t[-1] > now - _MINUTE}
        times = lately.get(user, deque(maxlen=_IN_A_MINUTE))
        often = TooMany("Too many repositories are being looked at. Try again in a minute.")
        if len(times) == _IN_A_MINUTE and times[0] > now - _MINUTE:
            raise often
        with self._turns.taken(user, often):
            times.append(now)
            self._asked = {**lately, user: times}
            yield
