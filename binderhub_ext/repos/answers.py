"""One question at a time to a host, and its answer for all who want to know the same.

A class that opens one link in the same minute would ask its host the same thing two hundred times,
and hosts refuse whoever asks that often: Zenodo after 60 requests a minute, figshare recommends one
a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ..core.errors import BinderError

T = TypeVar("T")


class SharedAnswers(Generic[T]):
    """Puts each question for all who ask it at the same time.

    Who asks while it is on its way is told the next answer, with all who asked meanwhile; or that
    very answer, if it may be so old. A refusal is shared too, but never remembered.

    Args:
        max_age: seconds for which an answer is remembered, from when its question was put.

    Attributes:
        known: what is being asked or remembered.
    """

    def __init__(self, max_age: float = 0) -> None:
        self._max_age = max_age
        self.known: dict[Hashable, _Question[T]] = {}

    async def ask(self, key: Hashable, put: Callable[[], Awaitable[T]]) -> T:
        """The answer to the question `key`, which `put` asks the host.

        Raises:
            BinderError: what `put` raised, for this one or for somebody else.
        """
        came = time.monotonic()
        self._forget(came - self._max_age)
        question = self.known.setdefault(key, _Question())
        question.wanted_by += 1
        try:
            async with question.turn:
                if question.put_at < came - (0 if question.refusal else self._max_age):
                    await question.put(put)
        finally:
            question.wanted_by -= 1
        if question.refusal:
            # without the frames of those who were told before
            raise question.refusal.with_traceback(None)
        (answer,) = question.answer
        return answer

    def _forget(self, before: float) -> None:
        for key, question in list(self.known.items()):
            if not question.wanted_by and question.put_at < before:
                del self.known[key]


@dataclass
class _Question(Generic[T]):
    """A question and how it was answered last, in a list of one."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted_by: int = 0
    put_at: float = float("-inf")
    answer: list[T] = field(default_factory=list)
    refusal: BinderError | None = None

    async def put(self, put: Callable[[], Awaitable[T]]) -> None:
        began = time.monotonic()
        try:
            self.answer, self.refusal = [await put()], None
        except BinderError as error:
            self.refusal = error
        self.put_at = began
