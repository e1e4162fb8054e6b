"""Event streams as they leave this machine."""

from __future__ import annotations

import socket

import aiohttp
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from binderhub_ext.service.web.handlers.streams import EventStream


class SaysItsOption(EventStream):
    """Tells whether its connection sends each event at once."""

    def set_default_headers(self) -> None:
        pass

    async def prepare(self) -> None:
        pass

    def get(self) -> None:
        self.open_stream()
        sending: socket.socket = self.request.connection.stream.socket  # type: ignore[attr-defined]
        self.write(f"data: {sending.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)}\n\n")


async def test_an_event_does_not_wait_for_the_one_before_to_be_acknowledged() -> None:
    server = HTTPServer(Application([("/", SaysItsOption)]))
    (listening,) = bind_sockets(0, "127.0.0.1")
    server.add_socket(listening)
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{listening.getsockname()[1]}/") as response,
        ):
            assert response.content_type == "text/event-stream"
            assert await response.text() == "data: 1\n\n"
    finally:
        server.stop()
        await server.close_all_connections()
