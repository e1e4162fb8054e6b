"""The pages without a hub: real templates, style sheet and modules, sample contexts.

A small Tornado server in a thread serves them under the addresses and the content security
policy of the service, with an event stream that the test writes and may cut.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, StaticFileHandler

from binderhub_ext._data import hub_templates_dir, static_dir, templates_dir
from binderhub_ext.languages.language import ENGLISH, Language
from binderhub_ext.service.appearance import Appearance
from binderhub_ext.service.hub import Person
from binderhub_ext.service.web.pages import HUB_FILES, security_headers
from binderhub_ext.service.web.pages import Pages as Renderer

HUB = "/hub/"
PREFIX = "/services/binder/"
NONCE = "nonce-of-this-page"
MARIA = Person("maria", token="")
LOOK = Appearance(
    operator={"name": "Ocean Institute", "url": "https://example.org", "contact": ""},
    docs=[{"title": "How to prepare a repository", "url": "https://example.org/docs"}],
    help_url="https://example.org/help",
)


def render(template: str, *, language: Language = ENGLISH, **context: Any) -> str:
    """A page as the service renders it."""
    folders = [templates_dir(), hub_templates_dir()]
    renderer = Renderer(folders, hub_prefix=HUB, prefix=PREFIX, extra=LOOK.everywhere())
    token = "token-of-the-page"
    return renderer.render(
        template, language=language, person=MARIA, xsrf_token=token, nonce=NONCE, **context
    )


class Stream:
    """The event stream of one launch, written by the test.

    Attributes:
        events: everything said so far; the n-th has the id n, beginning with 1.
        connections: the `Last-Event-ID` each connection began with.
        refuse: answer this status instead.
        cut_after: break the connection once, after this many events of it.
        down: break every connection and refuse new ones.
    """

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.connections: list[str] = []
        self.refuse = 0
        self.cut_after = 0
        self.down = False

    def say(self, phase: str, message: str = "", **fields: Any) -> None:
        self.events.append({"phase": phase, "message": message + "\n", **fields})


class Pages:
    """The server; a context manager.

    Attributes:
        pages: path below the prefix to (template, context), for GET.
        streams: launch id to its stream, and `work` to that of the main page.
        answers: path below the prefix to JSON (or a function of the query), for GET.
        posts: what was sent: (method, path, body, headers).
        statuses: path below the prefix to the status of a POST or DELETE.
    """

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, dict[str, Any]]] = {}
        self.streams: dict[str, Stream] = {"work": Stream()}
        shown = [f"api/launches/8c1f0a/{what}" for what in ("readme", "notebook")]
        self.answers: dict[str, Any] = {path: {} for path in shown}
        self.posts: list[tuple[str, str, str, dict[str, str]]] = []
        self.statuses: dict[str, int] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Pages:
        self._thread.start()
        self.url = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def show(self, path: str, template: str, **context: Any) -> str:
        """Serve a template at a path below the prefix and give its address."""
        self.pages[path] = (template, context)
        return self.url + path

    async def _listen(self) -> str:
        sockets = bind_sockets(0, "127.0.0.1")
        self._server = HTTPServer(self._application())
        self._server.add_sockets(sockets)
        return f"http://127.0.0.1:{sockets[0].getsockname()[1]}{PREFIX}"

    async def _close(self) -> None:
        self._server.stop()
        await self._server.close_all_connections()

    def _application(self) -> Application:
        own = {"server": self}
        return Application(
            [
                (PREFIX + r"static/hub/(.*)", StaticFileHandler, {"path": str(HUB_FILES)}),
                (PREFIX + r"static/(.*)", StaticFileHandler, {"path": str(static_dir())}),
                (r"/hub/static/(.*)", StaticFileHandler, {"path": str(HUB_FILES)}),
                (r"/hub/logo()", _Logo),
                (PREFIX + r"api/launches/([^/]+)/events", _Events, own),
                (PREFIX + r"api/(work)/events", _Events, own),
                (PREFIX + r"(.*)", _Page, own),
                (r"/user/(.*)", _Server),
            ]
        )


class _Handler(RequestHandler):
    def initialize(self, server: Pages) -> None:
        self.pages = server


class _Page(_Handler):
    def get(self, path: str) -> None:
        if path in self.pages.answers:
            answer = self.pages.answers[path]
            if isinstance(answer, Callable):
                answer = answer({name: self.get_argument(name) for name in self.request.arguments})
            self.set_status(answer.get("status", 200) if isinstance(answer, dict) else 200)
            self.set_header("Content-Type", "application/json")
            if path == "versions":
                self.set_header("Access-Control-Allow-Origin", "*")
            self.write(json.dumps(answer))
            return
        template, context = self.pages.pages[path]
        for name, value in security_headers(NONCE).items():
            self.set_header(name, value)
        self.write(render(template, **context))

    def post(self, path: str) -> None:
        headers = dict(self.request.headers.get_all())
        sent = (self.request.method or "", path, self.request.body.decode(), headers)
        self.pages.posts.append(sent)
        self.set_status(self.pages.statuses.get(path, 200))
        self.write({"message": "Refused, in words."} if self.get_status() >= 400 else {})

    delete = post


class _Events(_Handler):
    async def get(self, launch: str) -> None:
        stream = self.pages.streams[launch]
        last = self.request.headers.get("Last-Event-ID", "")
        stream.connections.append(last)
        if status := 503 if stream.down else stream.refuse:
            self.set_status(status)
            self.write({"code": "not-found", "message": "This launch is not known any more."})
            return
        self.set_header("Content-Type", "text/event-stream")
        try:
            await self._tell(stream, int(last or 0))
        except StreamClosedError:
            return

    async def _tell(self, stream: Stream, told: int) -> None:
        cut = told + stream.cut_after if stream.cut_after else 0
        stream.cut_after = 0
        while not stream.down:
            for event in stream.events[told:]:
                told += 1
                self.write(f"id: {told}\ndata: {json.dumps(event)}\n\n")
                await self.flush()
                if event["phase"] in ("ready", "failed") or told == cut:
                    return
            await asyncio.sleep(0.02)


class _Server(RequestHandler):
    def get(self, path: str) -> None:
        self.write(f"<!doctype html><title>Server</title><p>{path}</p>")


class _Logo(RequestHandler):
    def get(self, _: str) -> None:
        self.set_header("Content-Type", "image/svg+xml")
        self.write((static_dir() / "images/logo.svg").read_bytes())
