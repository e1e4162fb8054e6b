"""Who may enter whose server: by link, on the card and by the API, and what the Hub then does."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from realhub import PREFIX, Browser, RealHub, Reply

CREW = "cy-of-crew"


@pytest.fixture
async def ann(realhub: RealHub):
    async with realhub.browser("ann-who-shares") as browser:
        await browser.get(PREFIX)
        yield browser


@pytest.fixture
async def bo(realhub: RealHub):
    async with realhub.browser("bo") as browser:
        await browser.get(PREFIX)
        yield browser


def link_of(repos, query: str = "") -> str:
    return f"v2/git/{quote(f'{repos.url}/me/mine', safe='')}/main{f'?{query}' if query else ''}"


async def launch(browser: Browser, link: str, **fields: str) -> list[dict[str, Any]]:
    """Launch by a link that was confirmed; its events."""
    id = await browser.launch(link=link, **fields)
    return [{**event, "launch": id} for event in await browser.told(id)]


async def at_the_door(browser: Browser, owner: str, server: str, language: str = "en") -> Reply:
    """What the Hub answers to somebody whom a server sends to it to say who they are."""
    base = f"/user/{owner}/{server}/"
    query = {
        "client_id": f"jupyterhub-user-{quote(owner, safe='')}-{server}",
        "redirect_uri": f"{base}oauth_callback",
        "response_type": "code",
        "state": "x",
    }
    asks = f"/hub/api/oauth2/authorize?{urlencode(query)}"
    return await browser.send("GET", asks, headers={"Accept-Language": language})


async def enters(browser: Browser, owner: str, server: str) -> int:
    """With which status that is answered."""
    return (await at_the_door(browser, owner, server)).status


async def servers(browser: Browser) -> dict[str, dict[str, Any]]:
    told = (await browser.api("GET", "api/servers")).json()["servers"]
    return {server["name"]: server for server in told}


async def received(browser: Browser) -> list[tuple[str, str, str]]:
    told = (await browser.api("GET", "api/shared")).json()["servers"]
    return [(server["owner"], server["name"], server["state"]) for server in told]


async def press(browser: Browser, server: str, **fields: str) -> Reply:
    """Send a form of a server's card."""
    return await browser.form(f"servers/{server}/shares", **fields)


async def stop(browser: Browser, server: str) -> None:
    await browser.api("POST", f"api/servers/{server}/stop")
    while (await servers(browser))[server]["state"] != "stopped":
        pass


async def hub_shares(realhub: RealHub, owner: str, server: str) -> list[dict[str, Any]]:
    """As the Hub has them."""
    headers = {"Authorization": f"token {await realhub.token(owner)}"}
    async with realhub.browser() as program:
        reply = await program.send("GET", f"/hub/api/shares/{owner}/{server}", headers=headers)
    return reply.json()["items"]


async def test_a_link_lets_in_whom_it_names_and_nobody_else(realhub, repos, ann, bo):
    owner = "ann-who-shares"
    query = f"server=open&share=bo&share=group:crew&share=nobody-here&share={owner}"
    events = await launch(ann, link_of(repos, query))
    assert events[-1]["phase"] == "ready"
    assert events[-1]["url"].startswith(f"/user/{owner}/open/")
    told = [event["message"].strip() for event in events]
    assert "May enter it too: bo." in told
    assert "May enter it too: everybody in the group crew." in told
    refused = "Not let in: nobody-here. This hub knows no person called “nobody-here”."
    assert [words for words in told if words.startswith("Not let in")] == [
        f"{refused} People are known once they have signed in."
    ]
    page = await ann.get(f"{PREFIX}launches/{events[-1]['launch']}")
    assert refused in page.text and 'data-stays="yes"' in page.text

    # a share lets in and does nothing else
    shares = await hub_shares(realhub, owner, "open")
    assert {tuple(s["scopes"]) for s in shares} == {(f"access:servers!server={owner}/open",)}
    assert (await servers(ann))["open"]["shared_with"] == [{"user": "bo"}, {"group": "crew"}]
    async with realhub.browser(CREW) as cy, realhub.browser("dan") as dan:
        await cy.get(PREFIX), await dan.get(PREFIX)
        assert [await enters(b, owner, "open") for b in (ann, bo, cy, dan)] == [302, 200, 200, 403]
        page = (await at_the_door(bo, owner, "open", "de")).text
        assert "Darf er wissen, wer Sie sind?" in page and ">Erlauben</button>" in page
        assert f"<strong>/user/{owner}/open/</strong>" in page
        assert await received(bo) == await received(cy) == [(owner, "open", "running")]
        assert await received(dan) == await received(ann) == []
        page = await bo.get(PREFIX)
        assert "Shared with you" in page.text
        assert f'href="/user/{owner}/open/"' in page.text
        assert owner not in (await dan.get(PREFIX)).text
        # who may enter does nothing else with it
        stopped = await bo.send(
            "DELETE",
            f"/hub/api/users/{owner}/servers/open",
            headers={"X-XSRFToken": bo.xsrf("/hub/")},
        )
        assert stopped.status in (403, 404)

        for taken in ({"user": "bo"}, {"group": "crew"}):
            assert (await press(ann, "open", access="none", **taken)).status == 303
        assert [await enters(b, owner, "open") for b in (ann, bo, cy)] == [302, 403, 403]
        assert await received(bo) == await received(cy) == []
        assert (await servers(ann))["open"]["shared_with"] == []


@pytest.mark.parametrize("files", ["project", "none"])
async def test_it_stays_while_the_server_is_stopped_and_goes_with_it(
    realhub, repos, ann, bo, files
):
    owner, name = "ann-who-shares", f"kept-{files}"
    query = f"server={name}&files={files}&share=bo&share={CREW}"
    await launch(ann, link_of(repos, query))
    await stop(ann, name)
    server = (await servers(ann))[name]
    assert server["shared_with"] == [{"user": "bo"}, {"user": CREW}]
    assert (owner, name, "stopped") in await received(bo)
    assert f"only {owner} can start it" in (await bo.get(PREFIX)).text
    await press(ann, name, user=CREW, access="none")
    # what starts it again lets nobody in who was put out
    assert "share=" not in server["again"]["link"]
    await launch(ann, server["again"]["link"])
    assert (await servers(ann))[name]["shared_with"] == [{"user": "bo"}]
    assert await enters(bo, owner, name) == 200

    await stop(ann, name)
    await ann.api("DELETE", f"api/servers/{name}")
    assert name not in [server for _, server, _ in await received(bo)]
    await launch(ann, server["again"]["link"])
    assert (await servers(ann))[name]["shared_with"] == []
    assert await enters(bo, owner, name) == 403


async def test_a_launch_that_asks_for_more_or_fewer(repos, ann, bo):
    await launch(ann, link_of(repos, "server=more"))
    more = link_of(repos, "server=more&share=bo&share=group:crew")
    page = html.unescape((await ann.get(PREFIX + more)).text)
    assert "It would let in bo." in page and "It would let in everybody in the group crew." in page
    assert "They act as you in it" in page
    # while it runs nothing is restarted for that
    events = await launch(ann, more)
    assert not any("Starting" in event["message"] for event in events)
    assert (await servers(ann))["more"]["shared_with"] == [{"user": "bo"}, {"group": "crew"}]
    assert "It would let in" not in (await ann.get(PREFIX + more)).text
    # a link that names fewer puts nobody out
    await launch(ann, link_of(repos, "server=more&share=bo"))
    assert (await servers(ann))["more"]["shared_with"] == [{"user": "bo"}, {"group": "crew"}]


async def test_what_is_kept_as_it_was_lets_nobody_in_for_something_else(repos, ann, bo):
    await launch(ann, link_of(repos, "server=as-it-is&files=home"))
    asked = link_of(repos, "server=as-it-is&share=bo")
    events = await launch(ann, asked, on_change="keep")
    assert events[-1]["phase"] == "ready"
    assert (await servers(ann))["as-it-is"]["shared_with"] == []


async def test_a_trusted_link_does_not_bring_back_who_was_put_out(repos, ann, bo):
    link = link_of(repos, "server=trusted&share=bo")
    await launch(ann, link, trust="yes")
    assert 'data-trusted="yes"' in (await ann.get(PREFIX + link)).text
    await press(ann, "trusted", user="bo", access="none")
    for _ in range(2):
        page = (await ann.get(PREFIX + link)).text
        assert 'data-trusted=""' in page and "It would let in bo." in page
        await stop(ann, "trusted")


async def test_the_form_of_a_card_says_what_was_wrong(repos, ann, bo):
    await launch(ann, link_of(repos, "server=card"))
    reply = await press(ann, "card", user="no<body", group="")
    text = html.unescape(reply.text)
    assert reply.status == 404
    assert "This hub knows no person called “no<body”. People are known once" in text
    card = text[text.index("shares-error") - 600 :]
    assert 'value="no<body"' in card
    assert (await press(ann, "card", user="bo")).status == 303
    assert (await press(ann, "card", group="crew")).status == 303
    page = re.sub(r"\s+", " ", (await ann.get(PREFIX)).text)
    assert "you, bo, everybody in crew" in page


async def test_leaving(realhub, repos, ann, bo):
    owner = "ann-who-shares"
    await launch(ann, link_of(repos, f"server=left&share=bo&share={CREW}&share=group:crew"))
    page = (await bo.get(PREFIX)).text
    assert f'action="{PREFIX}shared/{owner}/left/leave"' in page
    assert (await bo.form(f"shared/{owner}/left/leave")).status == 303
    assert await enters(bo, owner, "left") == 403
    assert (await bo.form(f"shared/{owner}/left/leave")).status == 409
    async with realhub.browser(CREW) as cy:
        await cy.get(PREFIX)
        assert (await cy.api("POST", f"api/shared/{owner}/left/leave")).status == 200
        # they are in the group still
        refused = await cy.api("POST", f"api/shared/{owner}/left/leave")
        assert refused.status == 409 and "group" in refused.json()["message"]
        assert await enters(cy, owner, "left") == 200
        assert f"{owner}/left/leave" not in (await cy.get(PREFIX)).text
    # nobody leaves in somebody else's name
    assert (await servers(ann))["left"]["shared_with"] == [{"group": "crew"}]


async def test_refusals(realhub, repos, ann, bo):
    await launch(ann, link_of(repos, "server=mine"))
    api = "api/servers/mine/shares"
    table = [
        (ann, api, {"user": "nobody-here"}, 404, "signed in"),
        (ann, api, {"group": "nothing"}, 404, "no group"),
        (ann, api, {"user": "ann-who-shares"}, 409, "yours"),
        (ann, api, {"user": "bo", "group": "crew"}, 400, "a person or a group"),
        (ann, api, {}, 400, "a person or a group"),
        (ann, api, {"user": ["bo"]}, 400, "text"),
        (ann, api, {"user": "../bo"}, 400, "name"),
        (ann, api, {"user": "bo\x00"}, 400, ""),
        (ann, api, {"user": "bo", "access": "rw"}, 400, "true or false"),
        (ann, "api/servers/nothing/shares", {"user": "bo"}, 404, "no server"),
        # of one's own servers only
        (bo, api, {"user": CREW}, 404, "no server"),
        (bo, api, {"user": "bo", "access": False}, 404, "no server"),
    ]
    for browser, path, body, status, words in table:
        reply = await browser.api("POST", path, json=body)
        assert (reply.status, words in reply.json()["message"]) == (status, True), (
            body,
            reply.text,
        )
    assert (await servers(ann))["mine"]["shared_with"] == []
    # without the page's token another site could post this
    forged = await ann.send("POST", f"{PREFIX}{api}", json={"user": "bo"})
    form = await ann.send("POST", f"{PREFIX}servers/mine/shares", data={"user": "bo"})
    assert (forged.status, form.status) == (403, 303)
    assert (await ann.api("GET", api)).json() == {"shared_with": []}


async def test_by_the_api_also_a_group_one_is_not_in(realhub, repos, ann, bo):
    await launch(ann, link_of(repos, "server=by-api"))
    api = "api/servers/by-api/shares"
    for body in ({"user": "bo"}, {"user": "bo"}, {"user": CREW}, {"group": "crew"}):
        reply = await ann.api("POST", api, json=body)
        assert reply.status == 200, reply.text
    # more than a page of the Hub's
    expected = [{"user": "bo"}, {"group": "crew"}, {"user": CREW}]
    assert reply.json() == {"shared_with": expected}
    for _ in range(2):
        reply = await ann.api("POST", api, json={"user": "bo", "access": False})
    assert reply.json() == {"shared_with": expected[1:]}
    async with realhub.browser(CREW) as cy:
        await cy.get(PREFIX)
        # by themselves and by the group: one server
        assert [one for one in await received(cy) if one[1] == "by-api"] == [
            ("ann-who-shares", "by-api", "running")
        ]


async def test_a_token_that_may_not_share_says_so_and_still_launches(realhub, repos, bo):
    token = await realhub.token("eli", ["servers!user", "access:services!service=binder"])
    async with realhub.browser() as program:
        headers = {"Authorization": f"Bearer {token}"}
        body = {"link": link_of(repos, "server=plain&share=bo")}
        made = await program.api("POST", "api/launches", json=body, headers=headers)
        assert made.status == 201, made.text
        events = await program.events(made.json()["events"], headers=headers)
        assert events[-1]["phase"] == "ready", events
        assert [json.dumps(e) for e in events if "with the scope “shares”" in e["message"]]
        (server,) = (await program.api("GET", "api/servers", headers=headers)).json()["servers"]
        assert server["shared_with"] is None
        shared = await program.api("GET", "api/shared", headers=headers)
        assert shared.json() == {"servers": []}
        reply = await program.api(
            "POST", "api/servers/plain/shares", json={"user": "bo"}, headers=headers
        )
        assert (reply.status, reply.json()["code"]) == (403, "not-allowed")
