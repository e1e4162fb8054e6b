"""The client's stream over real HTTP: dropped, resumed, refused, sent elsewhere."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.error import HTTPError

import httpserver
import pytest

from binderhub_ext import client as client_module
from binderhub_ext.client import Client, Refused, Started, Unreachable
from binderhub_ext.commands.launch import _People

TOKEN = "secret-token"
Answer = Callable[[BaseHTTPRequestHandler, int], None]


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """A server that answers every request by `answer(handler, how many came before)`."""
    seen: list[str] = []

    class Handler(httpserver.Quiet):
        def do_GET(self) -> None:
            seen.append(self.path)
            answer(self, len(seen) - 1)

        do_POST = do_GET

    with httpserver.serving(Handler) as url:
        yield f"{url}/services/binder/"


def reply(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def message(number: int, **fields: object) -> bytes:
    return f"id: {number}\ndata: {json.dumps(fields)}\n\n".encode()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module.time, "sleep", lambda seconds: None)


def watched(url: str) -> list[str]:
    client = Client(url, TOKEN)
    return [event["phase"] for event in client.events(Started(f"{url}events"))]


def test_a_dropped_stream_is_taken_up_where_it_ended() -> None:
    resumed: list[str | None] = []

    def answer(handler: BaseHTTPRequestHandler, before: int) -> None:
        resumed.append(handler.headers["Last-Event-ID"])
        if before == 1:
            reply(handler, b"", 502)
        elif before == 0:
            reply(handler, b":keepalive\n\n" + message(1, phase="waiting") + b"data: {cut")
        else:
            reply(handler, message(2, phase="building") + message(3, phase="ready"))

    with serving(answer) as url:
        assert watched(url) == ["waiting", "building", "ready"]
    assert resumed == [None, "1", "1"]


def test_a_hub_that_stays_away() -> None:
    with serving(lambda handler, _: reply(handler, b"")) as url, pytest.raises(Unreachable):
        watched(url)


def test_a_refusal_has_the_hubs_words_and_is_not_repeated() -> None:
    body = json.dumps({"code": "not-allowed", "message": "No.", "detail": "Ask."}).encode()
    count = 0

    def answer(handler: BaseHTTPRequestHandler, before: int) -> None:
        nonlocal count
        count += 1
        reply(handler, body, 403)

    with serving(answer) as url, pytest.raises(Refused) as caught:
        watched(url)
    error = caught.value
    assert (error.code, error.status, error.message, error.detail, count) == (
        "not-allowed", 403, "No.", "Ask.", 1,
    )  # fmt: skip


@pytest.mark.parametrize("status", [403, 503])
def test_what_refuses_is_not_left_open(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads on, and the error may be kept for long."""
    seen: list[HTTPError] = []
    make = client_module._refusal
    monkeypatch.setattr(client_module, "_refusal", lambda error: seen.append(error) or make(error))
    hub = serving(lambda handler, _: reply(handler, b"x" * 100, status))
    with hub as url, pytest.raises((Refused, Unreachable)) as caught:
        Client(url, TOKEN).start("o/r")
    answer = seen[0] if seen else caught.value.__cause__
    assert isinstance(answer, HTTPError) and answer.closed


def test_a_token_does_not_follow_a_redirect() -> None:
    tokens: list[str | None] = []

    def elsewhere(handler: BaseHTTPRequestHandler, _: int) -> None:
        tokens.append(handler.headers["Authorization"])
        reply(handler, b"")

    with serving(elsewhere) as other:

        def answer(handler: BaseHTTPRequestHandler, _: int) -> None:
            reply(handler, b"", 302, Location=other)

        with serving(answer) as url, pytest.raises(Refused, match="elsewhere"):
            Client(url, TOKEN).start("o/n")
    assert tokens == []


def test_a_log_cannot_command_the_terminal() -> None:
    out = io.StringIO()
    people = _People(out, with_log=True)
    people.event({"phase": "building", "message": "\x1b]0;evil\x07\x1b[2J ok\n", "log": True})
    assert "\x1b" not in out.getvalue()
    assert "ok" in out.getvalue()


def test_the_log_is_shown_at_a_failure() -> None:
    out = io.StringIO()
    people = _People(out, with_log=False)
    people.event({"phase": "building", "message": "pip says no\n", "log": True})
    people.event({"phase": "building", "message": "Building\n", "progress": 30})
    people.event({"phase": "failed", "message": "It failed.\n", "code": "build-failed"})
    assert out.getvalue().splitlines() == [
        " 30% Building",
        "pip says no",
        "It failed. (build-failed)",
    ]


def test_a_name_below_localhost_is_this_machine() -> None:
    hosts: list[str] = []

    def answer(handler: BaseHTTPRequestHandler, before: int) -> None:
        hosts.append(handler.headers["Host"])
        reply(handler, message(1, phase="ready"))

    with serving(answer) as url:
        url = url.replace("127.0.0.1", "hub.localhost")
        assert watched(url) == ["ready"]
    assert hosts == [url.split("/")[2]]
