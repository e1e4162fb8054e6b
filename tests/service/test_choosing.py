"""Branches, tags and files offered while somebody types, with a real Hub and a real Git server."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from gitserver import GitServer, RepoHandle
from realhub import PREFIX, Browser, RealHub


@pytest.fixture(scope="module")
def tides(repos: GitServer) -> RepoHandle:
    handle = repos.create_repo("of-choosing/tides", {"a.py": "", "index.ipynb": "{}"})
    handle.branch("devel")
    handle.tag("v1.0")
    handle.commit({"new.ipynb": "{}"}, branch="devel")
    return handle


async def ask(browser: Browser, kind: str, **asked: str) -> Any:
    reply = await browser.api("GET", f"api/{kind}", params=asked)
    assert reply.status == 200, reply.text
    return reply.json()


async def test_of_what_stands_in_the_form(realhub: RealHub, tides: RepoHandle) -> None:
    async with realhub.browser("cho-of-choosing") as cho, realhub.browser() as stranger:
        await cho.get(PREFIX)
        told = await ask(cho, "refs", repo=tides.url)
        assert told == {"default": "main", "branches": ["main", "devel"], "tags": ["v1.0"]}
        paths = await ask(cho, "paths", repo=tides.url, ref="devel")
        assert paths == {"paths": ["index.ipynb", "new.ipynb", "a.py"]}
        # what is said to anybody is said to those who signed in, on our own pages
        assert (await stranger.send("GET", f"{PREFIX}api/refs?repo={tides.url}")).status == 403
        # nor does a link of somebody else's ask a host
        for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200)):
            headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
            reply = await cho.send("GET", f"{PREFIX}api/refs?repo={tides.url}", headers=headers)
            assert reply.status == status
        for headers, status in (({}, 403), ({"Referer": cho.url(PREFIX)}, 200)):
            reply = await cho.send("GET", f"{PREFIX}api/refs?repo={tides.url}", headers=headers)
            assert reply.status == status
        # where there is nothing to choose, nothing is said
        nothing = {"default": "", "branches": [], "tags": []}
        for repo in ("10.5281/zenodo.3242074", f"{tides.url}-gone", "http://10.0.0.1/a/b"):
            assert await ask(cho, "refs", repo=repo) == nothing
            assert await ask(cho, "paths", repo=repo, ref="") == {"paths": []}
        assert await ask(cho, "paths", repo=tides.url, ref="nope") == {"paths": []}
        reply = await cho.api("GET", "api/paths", params={"repo": tides.url, "ref": "a b"})
        assert reply.status == 400 and reply.json()["message"]


async def test_a_size_of_a_group_is_offered_to_its_members(
    realhub: RealHub, repos: GitServer
) -> None:
    link = f"v2/git/{quote(f'{repos.url}/me/mine', safe='')}/main?size=of%20crew"
    async with realhub.browser("cy-of-crew") as cy, realhub.browser("sized-by-no-group") as nobody:
        assert "of crew · 6.0 GiB" in (await cy.get(PREFIX)).text
        assert "of crew · 6.0 GiB" not in (await nobody.get(PREFIX)).text
        assert "Launch without" not in (await cy.get(PREFIX + link)).text
        refused = (await nobody.get(PREFIX + link)).text
        assert "There is no size “of crew” here. On offer: large." in refused
        started = await nobody.api("POST", "api/launches", json={"link": link})
        assert (started.status, started.json()["code"]) == (403, "not-allowed")


async def test_nobody_asks_all_the_time(realhub: RealHub, tides: RepoHandle) -> None:
    async with realhub.browser("max-of-choosing") as max_, realhub.browser("mo-of-choosing") as mo:
        await max_.get(PREFIX)
        await mo.get(PREFIX)
        for _ in range(30):
            await ask(max_, "refs", repo=tides.url)
        refused = await max_.api("GET", "api/refs", params={"repo": tides.url})
        assert refused.status == 429 and refused.json()["code"] == "too-many"
        await ask(mo, "refs", repo=tides.url)
