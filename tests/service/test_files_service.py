"""The page *Files* and its API with a real Hub: usage, trash, restore, and only one's own."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zipfile import ZipFile

import pytest
from patience import SOON
from realhub import PREFIX, Browser, RealHub
from yarl import URL

from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.core.projects import project_folder
from binderhub_ext.core.repo import Repo

EXTRA = """
c.Space.home_limit = "8M"
c.Space.volume_limit = "4M"
c.Space.trash_days = 3
"""
MIB = 1 << 20
OF_OLGA = {"1-old": 4, "2-young": 2}
"""Days since somebody deleted what is in the trash when the service starts."""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHub]:
    hub = RealHub(tmp_path_factory.mktemp("files"), EXTRA)
    trash, now = layout_of(hub).trash, time.time()
    for id, days in OF_OLGA.items():
        (trash / id / "content").mkdir(parents=True)
        about = {"id": id, "owner": "olga", "place": "homes", "path": f"olga/projects/o/{id}"}
        (trash / id / "about.json").write_text(json.dumps({**about, "time": now - days * 86400}))
    # yesterday's look found it old too
    (trash / "1-old" / "old").write_text(str(now - 86400))
    with hub:
        yield hub


def layout_of(hub: RealHub) -> DataDirectory:
    return DataDirectory(hub.root / "data")


def left_in_the_trash(hub: RealHub) -> set[str]:
    return {path.name for path in layout_of(hub).trash.iterdir()} - OF_OLGA.keys()


def make_project(hub: RealHub, user: str, path: str, size: int = MIB) -> Path:
    folder = layout_of(hub).home(user) / "projects" / path
    folder.mkdir(parents=True)
    (folder / "data").write_bytes(os.urandom(size))
    state = layout_of(hub).state(user, f"projects/{path}")
    (state / ".local").mkdir(parents=True)
    (state / ".local/installed").write_text("by pip")
    return folder


async def call(browser: Browser, method: str, path: str) -> tuple[int, Any]:
    if not browser.xsrf(PREFIX):
        await browser.get(PREFIX)
    reply = await browser.api(method, f"api/{path}")
    return reply.status, reply.json()


async def measured(browser: Browser, home: int | None = None) -> Any:
    """Everything, once sizes are known (and the home's is at least so large)."""
    async with asyncio.timeout(SOON):
        while True:
            _, told = await call(browser, "GET", "files")
            sizes = [told["home"]["bytes"], *(each["bytes"] for each in told["projects"])]
            if None not in sizes and (home is None or told["home"]["bytes"] >= home):
                return told
            await asyncio.sleep(0.1)


async def test_a_projects_life(hub: RealHub) -> None:
    folder = make_project(hub, "ann", "octo/tides")
    other = make_project(hub, "ann", "git.example.org/group/waves", 2 * MIB)
    (folder.parents[1] / "notes of mine").mkdir()
    async with hub.browser("ann") as ann, hub.browser("bob") as bob:
        told = await measured(ann)
        assert {p["id"]: p["bytes"] // MIB for p in told["projects"]} == {
            "octo/tides": 1,
            "git.example.org/group/waves": 2,
        }
        assert 3 * MIB < told["home"]["bytes"] < 4 * MIB and told["home"]["limit"] == 8 * MIB
        assert (await call(bob, "GET", "projects"))[1] == {"projects": []}
        assert (await call(bob, "DELETE", "projects/octo/tides"))[0] == 404

        async with ann.session.get(ann.url(f"{PREFIX}files/octo/tides.zip")) as answer:
            assert "tides.zip" in answer.headers["Content-Disposition"]
            archive = ZipFile(io.BytesIO(await answer.read()))
        assert archive.read("data") == (folder / "data").read_bytes()
        for id_ in ("octo/tides", "../../ann/projects/octo/tides", "octo"):
            assert (await bob.send("GET", f"{PREFIX}files/{quote(id_)}.zip")).status == 404

        status, deleted = await call(ann, "DELETE", "projects/octo/tides")
        assert status == 200 and not folder.exists()
        state = layout_of(hub).state("ann", "projects/octo/tides")
        assert not state.exists()
        assert (await call(ann, "DELETE", "projects/octo/tides"))[0] == 404
        _, trash = await call(ann, "GET", "trash")
        (thing,) = trash["trash"]
        assert thing["id"] == deleted["trashed"] and thing["kind"] == "project"
        assert thing["name"] == "projects/octo/tides" and thing["bytes"] >= MIB
        assert thing["until"] > thing["deleted"]
        # what was deleted counts no more, as soon as it was measured again
        assert (await measured(ann))["home"]["bytes"] < 3 * MIB

        assert (await call(bob, "GET", "trash"))[1] == {"trash": []}
        for what in (("POST", f"trash/{thing['id']}/restore"), ("DELETE", f"trash/{thing['id']}")):
            assert (await call(bob, *what))[0] == 404
        folder.mkdir()
        status, told = await call(ann, "POST", f"trash/{thing['id']}/restore")
        assert status == 409 and "Something else" in told["message"]
        folder.rmdir()
        assert (await call(ann, "POST", f"trash/{thing['id']}/restore"))[0] == 200
        assert (folder / "data").stat().st_size == MIB
        assert (state / ".local/installed").read_text() == "by pip"

        _, deleted = await call(ann, "DELETE", "projects/git.example.org/group/waves")
        assert (await call(ann, "DELETE", f"trash/{deleted['trashed']}"))[0] == 200
        assert (await call(ann, "POST", f"trash/{deleted['trashed']}/restore"))[0] == 404
        async with asyncio.timeout(SOON):
            while left_in_the_trash(hub):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert not other.exists()


HOSTILE = (
    "..",
    "../..",
    "../../ann/projects/octo/tides",
    "octo/..",
    "octo%2F..%2F..",
    "octo/tides%00",
    "octo//tides",
    "/etc/passwd",
    "%2Fetc",
    "x" * 300,
    "octo/" + "x" * 300,
    "octo/t%D1%96des",
    "octo/tides%E2%80%AE",
    "octo/%FF%FE",
    "octo/link",
    ".git/config",
)


@pytest.mark.parametrize("kind", ["projects", "trash"])
async def test_hostile_names(hub: RealHub, kind: str) -> None:
    inside = make_project(hub, f"eve-{kind}", "octo/tides")
    (inside.parent / "link").symlink_to(layout_of(hub).secrets)
    async with hub.browser(f"eve-{kind}") as eve:
        await eve.get(PREFIX)
        for name in HOSTILE:
            for method, path in (
                ("DELETE", f"{kind}/{name}"),
                ("POST", f"trash/{name}/restore"),
            ):
                url = URL(eve.url(f"{PREFIX}api/{path}"), encoded=True)
                headers = {"X-XSRFToken": eve.xsrf(), "Sec-Fetch-Mode": "cors"}
                async with eve.session.request(method, url, headers=headers) as reply:
                    told = await reply.text()
                    assert reply.status in (400, 404, 405), (path, reply.status, told)
                    assert json.loads(told)["message"], path
    assert (inside / "data").exists() and layout_of(hub).secrets.is_dir()


async def test_only_with_a_sign_in_and_the_pages_token(hub: RealHub) -> None:
    folder = make_project(hub, "fay", "octo/mine")
    async with hub.browser() as stranger, hub.browser("fay") as fay:
        await fay.get(PREFIX)
        for path in ("files", "projects", "trash"):
            assert (await stranger.send("GET", f"{PREFIX}api/{path}")).status == 403
        for one in (stranger, fay):
            gone = await one.send("DELETE", f"{PREFIX}api/projects/octo/mine")
            assert gone.status == 403
        form = {"action": "delete-project", "id": "octo/mine"}
        back = await fay.send("POST", f"{PREFIX}files", data=form)
        assert (back.status, back.headers["Location"]) == (303, PREFIX)
    assert folder.is_dir()


async def test_the_page_without_scripts(hub: RealHub) -> None:
    folder = make_project(hub, "gus", "octo/big", 7 * MIB + MIB // 2)
    async with hub.browser("gus") as gus:
        await gus.get(PREFIX)
        await measured(gus)
        # 90 % of 8 MiB: said before it hurts, where people launch
        home = await gus.get(PREFIX)
        assert "Make room before it is full." in home.text
        page = await gus.get(f"{PREFIX}files")
        assert "octo/big" in page.text and "Make room" in page.text

        reply = await gus.form("files", action="delete-project", id="octo/big")
        assert reply.status == 303 and not folder.exists()
        page = await gus.get(f"{PREFIX}files")
        id = re.search(
            r'value="restore">\s*<input type="hidden" name="id" value="([^"]+)"', page.text
        )
        assert id and "gone for good" in page.text
        refused = await gus.form("files", action="restore", id="../secrets")
        assert refused.status == 404 and "not in the trash" in refused.text
        assert (await gus.form("files", action="nonsense", id="x")).status == 400
        assert (await gus.form("files", action="restore", id=id[1])).status == 303
        assert (folder / "data").exists()


async def test_no_upload_beyond_the_limit(hub: RealHub) -> None:
    """Refused before any of it has come, by what was measured and what is on its way."""
    folder = make_project(hub, "lea", "octo/some", 5 * MIB)
    home = layout_of(hub).home("lea")
    if os.geteuid() == 0:
        for path in (home, *home.rglob("*")):
            os.chown(path, 200_701, 200_701)
    address = "api/files/content?of=home&path=projects/octo/some&name="
    async with hub.browser("lea") as lea:
        await measured(lea, 5 * MIB)
        refused = await lea.api("POST", f"{address}large", data=io.BytesIO(bytes(7 * MIB // 2)))
        assert refused.status == 507 and "no room for 4 MiB more" in refused.json()["message"]
        assert (await lea.api("POST", f"{address}small", data=b"x" * 1000)).status == 201
    assert sorted(path.name for path in folder.iterdir()) == ["data", "small"]


async def test_a_volume_goes_the_same_way(hub: RealHub) -> None:
    async with hub.browser("hal") as hal, hub.browser("ida") as ida:
        await ida.get(PREFIX)
        await hal.get(PREFIX)
        made = (await hal.api("POST", "api/volumes", json={"name": "ours"})).json()
        await hal.api(
            "POST", f"api/volumes/{made['id']}/members", json={"user": "ida", "access": "rw"}
        )
        (layout_of(hub).volumes / made["id"] / "files/big").write_bytes(os.urandom(5 * MIB))
        async with asyncio.timeout(SOON):
            while (told := (await call(ida, "GET", "files"))[1])["volumes"][0]["bytes"] is None:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert told["volumes"][0]["over"] and told["volumes"][0]["limit"] == 4 * MIB
        assert "over its limit" in (await ida.get(f"{PREFIX}files")).text
        # whoever is no owner deletes nothing
        refused = await ida.form("files", action="delete-volume", id=made["id"])
        assert refused.status == 403
        await hal.form("files", action="delete-volume", id=made["id"])
        assert (await call(ida, "GET", "files"))[1]["volumes"] == []
        _, told = await call(hal, "GET", "trash")
        assert [(t["kind"], t["name"]) for t in told["trash"]] == [("volume", "ours")]
        id = told["trash"][0]["id"]
        assert (await call(ida, "POST", f"trash/{id}/restore"))[0] == 404
        assert (await call(hal, "POST", f"trash/{id}/restore"))[0] == 200
        assert [v["name"] for v in (await call(ida, "GET", "files"))[1]["volumes"]] == ["ours"]


async def launch(browser: Browser, link: str) -> Any:
    """Launch a link; what became of it."""
    reply = await browser.api("POST", "api/launches", json={"link": link})
    assert reply.status == 201, reply.text
    async with asyncio.timeout(SOON):
        while True:
            _, told = await call(browser, "GET", f"launches/{reply.json()['id']}")
            if told["finished"]:
                return told
            await asyncio.sleep(0.1)


async def test_a_server_that_uses_it(hub: RealHub, repos: Any) -> None:
    url = f"{repos.url}/me/mine"
    path = project_folder(Repo("git", url, url)).removeprefix("projects/")
    link = f"v2/git/{quote(url, safe='')}/HEAD"
    async with hub.browser("jon") as jon:
        await jon.get(PREFIX)
        assert (await launch(jon, link))["url"]
        folder = make_project(hub, "jon", path)
        (project,) = (await call(jon, "GET", "projects"))[1]["projects"]
        assert project["used_by"][0]["own"] and project["used_by"][0]["url"].endswith("/lab")
        assert project["title"] == "mine" and project["again"]["link"] == link
        name = project["used_by"][0]["server"]
        status, told = await call(jon, "DELETE", f"projects/{path}")
        assert status == 409 and name in told["message"] and folder.exists()
        await jon.api("POST", f"api/servers/{name}/stop")
        async with asyncio.timeout(SOON):
            while (status := (await call(jon, "DELETE", f"projects/{path}"))[0]) == 409:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert status == 200 and not folder.exists()


async def test_over_the_limit(hub: RealHub, repos: Any) -> None:
    """What is built starts, and says why it is for making room; nothing new is built."""
    repos.create_repo("me/new", {"requirements.txt": "humanize", "index.ipynb": "{}"})
    known, new = (f"v2/git/{quote(f'{repos.url}/me/{n}', safe='')}/HEAD" for n in ("mine", "new"))
    async with hub.browser("kim") as kim:
        await kim.get(PREFIX)
        assert (await launch(kim, known))["url"]
        folder = make_project(hub, "kim", "octo/huge", 9 * MIB)
        assert (await launch(kim, known))["url"]
        told = await measured(kim, 9 * MIB)
        assert told["home"]["over"]
        page = await kim.get(PREFIX)
        assert "nothing new is put into your files" in page.text
        assert page.text.index("nothing new is put") < page.text.index('id="launch-form"')
        refused = await launch(kim, new)
        assert refused["error"]["code"] == "no-space" and "Files" in refused["error"]["message"]
        again = await launch(kim, known)
        assert again["url"]
        events = await kim.told(again["id"])
        assert any("this server is for making room" in event["message"] for event in events)
        assert (await launch(kim, f"{new}?files=none&server=spare"))["url"]

        assert (await call(kim, "DELETE", "projects/octo/huge"))[0] == 200 and not folder.exists()
        async with asyncio.timeout(SOON):
            while (await call(kim, "GET", "files"))[1]["home"]["over"]:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert (await launch(kim, new))["url"]


async def test_the_trash_is_emptied_after_its_time(hub: RealHub) -> None:
    """At the service's start and daily; what is younger stays."""
    trash = layout_of(hub).trash
    async with hub.browser("olga") as olga:
        await olga.get(PREFIX)
        for _ in range(100):
            _, told = await call(olga, "GET", "trash")
            if not (trash / "1-old").exists():
                break
            await asyncio.sleep(0.1)
        assert [thing["id"] for thing in told["trash"]] == ["2-young"]
    assert [id for id in OF_OLGA if (trash / id).exists()] == ["2-young"]
    # also what is no warning: an administrator reads there what became of somebody's files
    assert "Removing olga/projects/o/1-old of olga, deleted long ago" in hub.log.read_text()
