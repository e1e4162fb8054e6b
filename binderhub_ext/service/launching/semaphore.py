"""Waiting for one of a few places, first come first served, knowing how many are ahead."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

_SHARE = 10
"""Who waits is told anew once a tenth of those who were ahead have left: what thousands wait for
must not be busy with telling them."""


class FairSemaphore:
    """A bounded number of places.

    Args:
        places: how many may be inside at once.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[_Waiting] = deque()
        self._telling = False

    @asynccontextmanager
    async def acquired(self, moved: Callable[[int], None]) -> AsyncIterator[None]:
        """Have one of the places in the block, waiting for it as long as it takes.

        Args:
            moved: is told how many are ahead, and again when they are a good deal fewer.
        """
        await self._take(moved)
        try:
            yield
        finally:
            self._pass_on()

    async def _take(self, moved: Callable[[int], None]) -> None:
        if self._free:
            self._free -= 1
            return
        me = _Waiting(moved)
        self._waiting.append(me)
        me.see(len(self._waiting))
        try:
            await me.turn
        except asyncio.CancelledError:
            if me.turn.cancelled():
                with suppress(ValueError):  # passed over already
                    self._waiting.remove(me)
                self._tell_soon()
            else:  # the place was given to somebody who no longer wants it
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give a place to the first who waits, or keep it for who comes."""
        while self._waiting:
            first = self._waiting.popleft()
            if not first.turn.cancelled():
                first.turn.set_result(None)
                self._tell_soon()
                return
        self._free += 1

    def _tell_soon(self) -> None:
        """Tell everybody where they are, once for all who leave in the same moment."""
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        self._telling = False
        for ahead, waiting in enumerate(self._waiting, start=1):
            waiting.see(ahead)


class _Waiting:
    """Somebody who waits.

    Attributes:
        turn: done when they have a place.
    """

    def __init__(self, moved: Callable[[int], None]) -> None:
        self._moved, self._told = moved, 0
        self.turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def see(self, ahead: int) -> None:
        """Tell them how many are ahead, if that is worth telling."""
        if not self._told or self._told - ahead >= max(self._told // _SHARE, 1):
            self._told = ahead
            self._moved(ahead)
