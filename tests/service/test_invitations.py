"""Invitations into a server: by a link, for whoever signs in with it before it ends."""

from __future__ import annotations

import asyncio
import html
import re
import sqlite3
from urllib.parse import quote, urlsplit

import pytest
from patience import SOON
from realhub import PREFIX, Browser, RealHub, Reply
from test_shares import enters, launch, received, servers, stop

IDA = "ida-who-invites"


@pytest.fixture
async def ida(realhub: RealHub):
    async with realhub.browser(IDA) as browser:
        await browser.get(PREFIX)
        yield browser


def link_of(repos, server: str) -> str:
    return f"v2/git/{quote(f'{repos.url}/me/mine', safe='')}/main?server={server}"


async def follow(browser: Browser, url: str) -> Reply:
    """The page of an invitation, as whoever follows its link sees it."""
    address = urlsplit(url)
    return await browser.get(f"{address.path}?{address.query}")


async def accept(browser: Browser, page: Reply) -> Reply:
    names = ("_xsrf", "code", "next")
    found = {name: re.search(rf'name="{name}" value="([^"]*)"', page.text) for name in names}
    fields = {name: match[1] for name, match in found.items() if match}
    return await browser.send("POST", page.path, data=fields)


async def test_whoever_has_the_link_signs_in_reads_what_it_means_and_is_in(
    realhub: RealHub, repos, ida: Browser
) -> None:
    await launch(ida, link_of(repos, "invited"))
    page = await ida.form("servers/invited/invitations", time="hour")
    url = html.unescape(re.search(r'id="invitation-url">([^<]+)<', page.text)[1])
    assert "They act as you in it" in page.text
    card = re.sub(r"\s+", " ", (await ida.get(PREFIX)).text)
    assert "An invitation by a link, ends" in card and "accepted 0 times" in card
    assert urlsplit(url).query not in card

    # somebody the Hub has never seen: nothing is said before they sign in
    async with realhub.browser() as stranger:
        assert IDA not in (await follow(stranger, url)).text
        await stranger.sign_in("noa-the-new")
        asked = await follow(stranger, url)
        words = re.sub(r"\s+", " ", asked.text)
        assert f"You work there as {IDA}" in words and "<strong>invited</strong>" in words
        # this hub has no hosts for people's servers
        assert f"Accept only if you trust {IDA} with that" in words
        assert "Nothing of yours becomes visible" not in words
        assert await enters(stranger, IDA, "invited") == 403
        accepted = await accept(stranger, asked)
        assert accepted.status == 302
        assert accepted.headers["Location"].startswith(f"/user/{IDA}/invited/")
        assert await enters(stranger, IDA, "invited") == 200
        await stranger.get(PREFIX)
        assert await received(stranger) == [(IDA, "invited", "running")]
        mine = (await servers(ida))["invited"]
        assert mine["shared_with"] == [{"user": "noa-the-new"}]
        assert [one["accepted"] for one in mine["invitations"]] == [1]

        # withdrawn, nobody else comes; who accepted it stays until that is taken back, or leaves
        [id] = [one["id"] for one in mine["invitations"]]
        assert (await ida.form(f"servers/invited/invitations/{id}/withdraw")).status == 303
        assert (await servers(ida))["invited"]["invitations"] == []
        async with realhub.browser("max-too-late") as late:
            gone = await follow(late, url)
            assert gone.status == 404 and "has ended or was withdrawn" in gone.text
            assert (await accept(late, asked)).status in (400, 403)
            assert await enters(late, IDA, "invited") == 403
        await stop(ida, "invited")
        assert await received(stranger) == [(IDA, "invited", "stopped")]
        assert (await stranger.form(f"shared/{IDA}/invited/leave")).status == 303
        assert await received(stranger) == []


async def test_into_a_server_that_does_not_run_and_into_ones_own(
    realhub: RealHub, repos, ida: Browser
) -> None:
    await launch(ida, link_of(repos, "asleep"))
    await stop(ida, "asleep")
    made = (await ida.api("POST", "api/servers/asleep/invitations", json={"time": "week"})).json()
    own = html.unescape((await follow(ida, made["url"])).text)
    assert "an invitation into a server of yours" in own
    async with realhub.browser("lea-the-new") as lea:
        asked = await follow(lea, made["url"])
        assert f"only {IDA} can start it" in asked.text
        accepted = await accept(lea, asked)
        assert accepted.headers["Location"] == f"{PREFIX}#shared-title"
        await lea.get(PREFIX)
        assert await received(lea) == [(IDA, "asleep", "stopped")]
        # of one's own servers only, whatever one may enter
        refused = await lea.api("POST", "api/servers/asleep/invitations", json={"time": "day"})
        assert refused.status == 404
    # one that has ended says so, and is in no list
    ended = (await ida.api("POST", "api/servers/asleep/invitations", json={"time": "hour"})).json()
    with sqlite3.connect(realhub.root / "data" / "hub.sqlite", timeout=SOON) as hub:
        moved = "update share_codes set expires_at = '2001-01-01 00:00:00' where id = ?"
        assert hub.execute(moved, [ended["id"].removeprefix("sc_")]).rowcount == 1
    async with realhub.browser("leo-too-late") as leo:
        gone = await follow(leo, ended["url"])
        assert gone.status == 404 and "has ended or was withdrawn" in gone.text
    # it goes with the server
    assert len((await servers(ida))["asleep"]["invitations"]) == 1
    await ida.api("DELETE", "api/servers/asleep")
    async with realhub.browser("lou-the-new") as lou:
        assert (await follow(lou, made["url"])).status == 404


async def test_what_is_refused(realhub: RealHub, repos, ida: Browser) -> None:
    await launch(ida, link_of(repos, "full"))
    api = "api/servers/full/invitations"
    for time in ("", "year", "3600"):
        refused = await ida.api("POST", api, json={"time": time})
        assert refused.status == 400, refused.text
    made = await asyncio.gather(*(ida.api("POST", api, json={"time": "day"}) for _ in range(12)))
    assert sorted(each.status for each in made) == [201] * 10 + [429] * 2
    refused = await ida.form("servers/full/invitations", time="day")
    assert refused.status == 429 and "10 invitations" in refused.text
    assert len((await ida.api("GET", api)).json()["invitations"]) == 10
    for id in ("sc_0", "sc_999999", "x"):
        assert (await ida.api("DELETE", f"{api}/{id}")).status == 404
    nowhere = await ida.api("POST", "api/servers/nothing/invitations", json={"time": "day"})
    assert nowhere.status == 404
    assert (await ida.send("POST", PREFIX + api, json={"time": "day"})).status == 403
    # what may not share may not invite either
    token = await realhub.token(IDA, ["servers!user", "access:services!service=binder"])
    async with realhub.browser() as program:
        headers = {"Authorization": f"Bearer {token}"}
        body = {"time": "day"}
        refused = await program.api("POST", api, json=body, headers=headers)
        assert refused.status == 403 and "scope “shares”" in refused.json()["message"]
        assert (await program.api("GET", api, headers=headers)).json() == {"invitations": []}
