"""Other Binders are offered while they are up and take what is launched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from binderhub_ext.service.otherhubs import OtherHub, OtherHubs

Asked = list[str]
GOOD = {
    "/health": {"ok": True, "checks": []},
    "/versions": {"binderhub": "1.0"},
    "/api/repoproviders": [{"id": "gh"}, {"id": "git"}],
}


@asynccontextmanager
async def binder(answers: dict[str, Any]) -> AsyncIterator[tuple[str, Asked]]:
    """A server's address below a path, and what it was asked."""
    asked: Asked = []

    async def answer(request: web.Request) -> web.Response:
        path = request.path.removeprefix("/binder")
        asked.append(path)
        if isinstance(text := answers.get(path), bytes):
            return web.Response(body=text)
        return web.json_response(answers[path]) if path in answers else web.Response(status=404)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/binder/")), asked


async def offered(hubs: OtherHubs, provider: str) -> list[str]:
    return [hub.name for hub in await hubs.taking(provider)]


async def test_one_that_is_up_is_offered_for_what_it_takes_and_asked_once() -> None:
    async with binder(GOOD) as (url, asked):
        hubs = OtherHubs({"theirs": url})
        (hub,) = await hubs.taking("gh")
        assert hub == OtherHub("theirs", url, frozenset({"gh", "git"}))
        assert await offered(hubs, "zenodo") == []
    assert sorted(asked) == sorted(GOOD)


async def test_an_older_one_that_does_not_say_what_it_takes_is_offered() -> None:
    async with binder({**GOOD, "/api/repoproviders": None}) as (url, _):
        assert await offered(OtherHubs({"theirs": url}), "hydroshare") == ["theirs"]


async def test_one_like_this_is_known() -> None:
    async with binder({**GOOD, "/versions": {"binderhub": "1", "name": "binder-at-home"}}) as (
        url,
        _,
    ):
        (hub,) = await OtherHubs({"theirs": url}).taking("gh")
        assert hub.ours


@pytest.mark.parametrize(
    "change",
    [
        lambda answers: answers.pop("/health"),
        lambda answers: answers.pop("/versions"),
        lambda answers: answers.update({"/health": {"ok": False}}),
        lambda answers: answers.update({"/health": "no"}),
        lambda answers: answers.update({"/versions": ["no"]}),
        lambda answers: answers.update({"/health": b"[" * 500_000}),
        lambda answers: answers.update({"/health": b'{"ok": 1}' + b" " * 2**21}),
    ],
)
async def test_one_that_is_not_well_or_no_binder_is_not_offered(
    change: Callable[[dict[str, Any]], object],
) -> None:
    answers = dict(GOOD)
    change(answers)
    async with binder(answers) as (url, _):
        assert await offered(OtherHubs({"theirs": url}), "gh") == []


async def test_what_does_not_answer_keeps_nobody_from_the_others() -> None:
    async with binder(GOOD) as (gone, _):
        pass
    async with binder(GOOD) as (url, asked):
        hubs = OtherHubs({"gone": gone, "wrong": "ftp://example.org", "none": "", "up": url})
        assert await offered(hubs, "gh") == ["up"]
        assert await offered(hubs, "gh") == ["up"]
    assert len(asked) == len(GOOD)
