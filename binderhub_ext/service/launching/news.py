"""Waking the pages of a person when something of theirs has changed."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

from ...jobs import KEEPALIVE_SECONDS


class News:
    """Tells that something changed, never what: a page looks, and sees what is so then.

    Attributes:
        closed: nothing follows.
    """

    def __init__(self) -> None:
        self._told: Counter[str] = Counter()
        self._waiting: dict[str, asyncio.Event] = {}
        self.closed = False

    def tell(self, user: str) -> None:
        """Wake all pages of a person."""
        self._told[user] += 1
        if changed := self._waiting.pop(user, None):
            changed.set()

    def close(self) -> None:
        """Let go of everybody."""
        self.closed = True
        for user in list(self._waiting):
            self.tell(user)

    def count(self, user: str) -> int:
        """How often a person was told something."""
        return self._told[user]

    async def wait(self, user: str, count: int, seconds: float = KEEPALIVE_SECONDS) -> int:
        """Wait until a person was told more often than `count`; gives how often they were.

        That is `count` itself when nothing was told for a while, and a sign of life is due.
        """
        if self._told[user] == count and not self.closed:
            changed = self._waiting.setdefault(user, asyncio.Event())
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), seconds)
        return self._told[user]
