"""Volumes through the service: the API, the page without scripts, links and who may do what."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import quote

import pytest
from patience import SOON
from realhub import PREFIX, Browser, RealHub

API = f"{PREFIX}api/volumes"


@pytest.fixture
def hub(realhub: RealHub) -> RealHub:
    return realhub


async def call(
    browser: Browser, method: str, path: str, body: dict[str, Any] | None = None
) -> tuple[int, Any]:
    if not browser.xsrf(PREFIX):
        await browser.get(PREFIX)
    headers = {"X-XSRFToken": browser.xsrf(PREFIX)}
    reply = await browser.send(method, path, json=body or {}, headers=headers)
    return reply.status, reply.json()


async def names(browser: Browser) -> dict[str, str]:
    _, told = await call(browser, "GET", API)
    return {volume["name"]: volume["access"] for volume in told["volumes"]}


async def make(browser: Browser, name: str) -> str:
    status, told = await call(browser, "POST", API, {"name": name})
    assert status == 201, told
    return f"{API}/{told['id']}"


async def test_a_life(hub: RealHub) -> None:
    async with hub.browser("ann") as ann, hub.browser("bob") as bob, hub.browser("cat") as cat:
        paper = await make(ann, "paper")
        assert await names(ann) == {"paper": "rw"}
        assert await names(bob) == await names(cat) == {}

        status, told = await call(ann, "POST", f"{paper}/members", {"user": "bob", "access": "ro"})
        assert status == 200 and told["users"] == {"bob": "ro"}
        assert await names(bob) == {"paper": "ro"}
        _, seen = await call(bob, "GET", paper)
        assert seen["users"] == {} and seen["owner"] == "ann" and not seen["owned"]
        await call(ann, "POST", f"{paper}/members", {"group": "lab", "access": "rw"})
        assert await names(bob) == {"paper": "rw"}
        await call(ann, "POST", f"{paper}/members", {"group": "lab", "access": ""})
        await call(ann, "POST", f"{paper}/members", {"user": "cat", "access": "rw"})

        for who in (bob, cat):
            for method, path, body in (
                ("POST", f"{paper}/members", {"user": "evi", "access": "rw"}),
                ("POST", paper, {"name": "mine"}),
                ("POST", paper, {"owner": "bob"}),
                ("DELETE", paper, {}),
            ):
                status, told = await call(who, method, path, body)
                assert status == 403 and "owner" in told["message"]

        status, told = await call(ann, "POST", paper, {"name": "article", "owner": "cat"})
        assert (told["name"], told["owner"], told["access"]) == ("article", "cat", "rw")
        assert (await call(cat, "POST", f"{paper}/leave"))[0] == 409
        assert (await call(ann, "POST", f"{paper}/leave"))[0] == 200
        assert await names(ann) == {}

        status, told = await call(cat, "DELETE", paper)
        assert status == 200
        assert await names(cat) == await names(bob) == {}
        back = f"{API}/trash/{told['trashed']}/restore"
        assert (await call(bob, "POST", back))[0] == 404
        assert (await call(cat, "POST", back))[0] == 200
        assert await names(bob) == {"article": "ro"}
        await call(cat, "DELETE", paper)


async def test_refusals(hub: RealHub) -> None:
    async with hub.browser("dave") as dave, hub.browser("evi") as evi:
        volume = await make(dave, "dans")
        members = f"{volume}/members"
        table = [
            (dave, "POST", API, {"name": "dans"}, 409),
            (evi, "POST", API, {"name": "dans"}, 409),
            (dave, "POST", API, {"name": "../x"}, 400),
            (dave, "POST", API, {"name": "x" * 300}, 400),
            (dave, "POST", API, {"name": "d\u0430ta"}, 400),
            (dave, "POST", API, {"name": "a\u0000b"}, 400),
            (dave, "POST", API, {"name": ["x"]}, 400),
            (dave, "POST", API, {}, 400),
            (dave, "POST", members, {"user": "nobody", "access": "ro"}, 404),
            (dave, "POST", members, {"group": "nobodies", "access": "ro"}, 404),
            (dave, "POST", members, {"user": "../evi", "access": "ro"}, 400),
            (dave, "POST", members, {"user": "evi", "group": "lab", "access": "ro"}, 400),
            (dave, "POST", members, {"user": "evi", "access": "root"}, 400),
            (dave, "POST", members, {"user": "dave", "access": "ro"}, 409),
            (dave, "POST", volume, {"owner": "nobody"}, 404),
            (dave, "POST", volume, {"name": "shared"}, 400),
            (evi, "GET", volume, {}, 404),
            (evi, "DELETE", volume, {}, 404),
            (evi, "POST", members, {"user": "evi", "access": "rw"}, 404),
            (evi, "POST", f"{volume}/leave", {}, 404),
            (evi, "GET", f"{API}/nothing", {}, 404),
            (evi, "POST", f"{API}/trash/nothing/restore", {}, 404),
        ]
        for browser, method, path, body, expected in table:
            status, told = await call(browser, method, path, body)
            assert status == expected, (body, told)
            assert status != 500 and told["message"]
        # the limit holds, also against whoever asks all at once
        asked = [call(dave, "POST", API, {"name": f"more-{n}"}) for n in range(6)]
        made = [status for status, _ in await asyncio.gather(*asked)]
        assert sorted(made) == [201, 201, 429, 429, 429, 429]


async def test_who_is_not_signed_in_gets_nothing(hub: RealHub) -> None:
    async with hub.browser() as stranger:
        assert (await stranger.send("GET", API)).status == 403
        assert (await stranger.send("POST", API, json={"name": "x"})).status == 403
    async with hub.browser("ann") as ann:
        await ann.get(PREFIX)
        # without the page's token another site could post this
        assert (await ann.send("POST", API, json={"name": "forged"})).status == 403
        assert "forged" not in await names(ann)


async def test_groups_volumes(hub: RealHub) -> None:
    async with hub.browser("tea") as tea, hub.browser("stu") as stu:
        assert await names(tea) == {"class-a": "rw"}
        assert await names(stu) == {"class-a": "ro"}
        _, told = await call(tea, "GET", API)
        status, _ = await call(tea, "DELETE", f"{API}/{told['volumes'][0]['id']}")
        assert status == 403


async def test_page_works_without_scripts(hub: RealHub) -> None:
    async with hub.browser("flo") as flo, hub.browser("gil") as gil:
        await gil.get(PREFIX)
        page = await flo.get(f"{PREFIX}volumes")
        assert page.status == 200 and "Name of a new volume" in page.text

        async def post(**fields: str) -> Any:
            data = {"_xsrf": flo.xsrf(PREFIX), **fields}
            return await flo.send("POST", f"{PREFIX}volumes", data=data)

        page = await post(action="create", name="Bad Name")
        assert page.status == 400 and "cannot be the name" in page.text
        assert 'value="Bad Name"' in page.text
        await post(action="create", name="notes")
        page = await flo.get(f"{PREFIX}volumes")
        id = re.search(r'id="volume-([0-9a-f]+)"', page.text)
        assert id
        await post(action="give", id=id[1], user="gil", group="", access="rw")
        assert await names(gil) == {"notes": "rw"}
        page = await post(action="give", id=id[1], user="<b>no", group="", access="rw")
        assert page.status == 404 and "<b>no" not in page.text
        assert (await post(action="nonsense")).status == 400
        await post(action="delete", id=id[1])
        page = await flo.get(f"{PREFIX}volumes")
        trashed = re.search(r'name="id" value="([^"]+)"', page.text[page.text.index("Deleted") :])
        assert trashed
        await post(action="restore", id=trashed[1])
        assert await names(gil) == {"notes": "rw"}
        home = await gil.get(PREFIX)
        assert 'name="volume-access:notes"' in home.text


async def test_a_link_shows_what_it_would_see(hub: RealHub, repos: Any) -> None:
    link = "v2/git/" + quote(f"{repos.url}/me/mine", safe="")
    async with hub.browser("stu") as stu, hub.browser("evi") as evi:
        await stu.get(PREFIX)
        await evi.get(PREFIX)
        asked = await stu.get(f"{PREFIX}{link}/HEAD?volume=class-a:rw")
        assert "Volume class-a" in asked.text and 'data-access="ro"' in asked.text
        refused = await evi.get(f"{PREFIX}{link}/HEAD?volume=class-a")
        assert "There is no volume" in refused.text
        assert "Launch without the volume “class-a”" in refused.text
        assert 'name="link" value="' + f"{link}/HEAD" + '"' in refused.text
        assert "Volume " not in (await stu.get(f"{PREFIX}{link}/HEAD")).text
        shown = await evi.get(f"{PREFIX}?link=" + quote(f"{link}/HEAD?volume=class-a"))
        assert "is not (or no longer) shared with you" in shown.text

        status, told = await call(
            evi, "POST", f"{PREFIX}api/launches", {"link": f"{link}/HEAD?volume=class-a"}
        )
        assert status == 201
        address = f"{PREFIX}api/launches/{told['id']}"
        async with asyncio.timeout(SOON):
            while not (launch := (await call(evi, "GET", address))[1])["finished"]:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert "There is no volume" in launch["error"]["message"]
