"""Writing an event stream: what was told, what is being told, and a sign of life."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import cast

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from ....core.errors import TooMany
from ....core.progress import Event
from ....core.sse import CHANGED, KEEPALIVE, message
from ....jobs import History
from ....languages.language import ENGLISH
from ...launching.news import News
from .base import Api

Shape = Callable[[Event], Awaitable[Event | None]]


class EventStream(Api):
    """An API handler that answers with events. A dropped client may come back and resume."""

    number_prefix = ""

    def initialize(self) -> None:
        self._turn = ExitStack()

    async def prepare(self) -> None:
        """Have one of the streams of whoever asks.

        Raises:
            TooMany: they have as many as one account may.
        """
        await super().prepare()
        if self.person is not None:
            none = TooMany(
                "Your account follows too many launches and pages of this hub at once. Close some"
                " of these pages and programs, then try again."
            )
            self._turn.enter_context(self.service.streams.taken(self.person.name, none))

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self._turn.close()

    def on_finish(self) -> None:
        super().on_finish()
        self._turn.close()

    def open_stream(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-cache")
        # nginx would hold events back to send them in one block
        self.set_header("X-Accel-Buffering", "no")
        # Nagle's algorithm would hold an event back for up to 40 ms, until the one before is
        # acknowledged.
        cast(HTTP1Connection, self.request.connection).stream.set_nodelay(True)

    def resume_point(self) -> int:
        """The number of the last event the client has, 0 for none."""
        said = self.request.headers.get("Last-Event-ID") or self.get_query_argument("last", "0")
        return int(said) if said.isdecimal() and len(said) < 10 else 0

    async def follow(self, history: History, after: int, shape: Shape | None = None) -> None:
        """Write everything after `after` until the history ends or the client is gone.

        Args:
            history: what is being told.
            after: number of the last event the client has.
            shape: makes another event of each for this client, or none to leave it out.
        """
        try:
            while True:
                for number, event in history.since(after):
                    after = number
                    if shaped := await shape(event) if shape else event:
                        self.write(
                            message(self.spoken(shaped), name=f"{self.number_prefix}{number}")
                        )
                await self.flush()
                if history.closed and history.last <= after:
                    # everybody gets the last event before anybody's request is wound up
                    await asyncio.sleep(0)
                    return
                if not await history.wait(after):
                    self.write(KEEPALIVE)
        except StreamClosedError:
            return

    async def wake(
        self,
        news: News,
        user: str,
        pause: float = 0,
        still: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Write an empty message whenever there is news for a person, until they are gone.

        Args:
            pause: seconds after each in which no other follows.
            still: asked before each; what it raises ends this.
        """
        count = news.count(user)
        try:
            await self.flush()
            while not news.closed:
                now = await news.wait(user, count)
                if still:
                    await still()
                self.write(KEEPALIVE if now == count else CHANGED)
                count = now
                await self.flush()
                await asyncio.sleep(pause)
        except StreamClosedError:
            return

    def spoken(self, event: Event) -> bytes:
        """An event in the language of who watches; a line of a log is in nobody's."""
        if self.language is ENGLISH or event.is_log:
            return event.encoded
        return json.dumps(self.language.said(event.to_dict())).encode()

    def tell_once(self, event: Event) -> None:
        """Write one event that stands for all."""
        self.write(message(self.spoken(event)))
