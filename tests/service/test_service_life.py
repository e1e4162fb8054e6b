"""The service as a program: other sites, limits, targets that do not answer, its end."""

import asyncio
import json
import os
import signal
from pathlib import PurePosixPath
from urllib.parse import quote

import psutil
import pytest
from hostiletrees import clear, make_deep
from patience import SOON
from processlist import without_children
from realhub import PREFIX, RealHub

from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.service.records.database import sqlite_url
from binderhub_ext.service.records.records import Records
from binderhub_ext.storage.usage import last_usage

EXTRA = """
c.Space.home_limit = "1G"
c.Access.origins = ["https://book.example.org"]
c.Launches.per_person = 1
c.Appearance.announcement = "Closed on Sunday"
c.Appearance.name = "Ocean Notebooks"
c.Appearance.colors = {{"accent": "#00695c"}}
c.Appearance.operator = {{"name": "The Institute", "url": "https://inst.example", "contact": ""}}
c.LaunchPolicy.banned_specs = ["git/.*/evil"]
c.LaunchPolicy.trusted_specs = ["git/.*/me/mine/"]
c.EventLog.path = {log!r}
c.Landing.proxy_url = "http://127.0.0.1:9"
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    root = tmp_path_factory.mktemp("strict")
    make_deep(root / "data/trash/1-deep/doomed")
    make_deep(root / "data/homes/eve")
    (root / "data/homes/zoe").mkdir()
    with RealHub(root, EXTRA.format(log=str(root / "launches.jsonl"))) as running:
        yield running
    clear(root)


async def test_a_hostile_folder_stops_no_housekeeping(hub):
    """On the code that walked folders by calling itself, nothing after the trash was looked at."""
    layout = DataDirectory(hub.root / "data")
    async with asyncio.timeout(SOON):
        for name in ("eve", "zoe"):
            while last_usage(layout, layout.homes, PurePosixPath(name)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    assert not (layout.trash / "1-deep").exists()
    assert "failed; it is tried again" not in hub.log.read_text()


async def test_listed_sites_may_use_the_api_with_a_token(hub):
    token = await hub.token("ana")
    async with hub.browser() as page:
        asked = {
            "Origin": "https://book.example.org",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization",
        }
        preflight = await page.send("OPTIONS", f"{PREFIX}build/gh/a/b/main", headers=asked)
        assert preflight.status == 204
        assert preflight.headers["Access-Control-Allow-Origin"] == "https://book.example.org"
        assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in preflight.headers
        auth = {"Authorization": f"token {token}"}
        for origin, allowed in [
            ("https://book.example.org", True),
            ("https://evil.example", False),
        ]:
            reply = await page.send(
                "GET", f"{PREFIX}api/launches", headers={**auth, "Origin": origin}
            )
            assert ("Access-Control-Allow-Origin" in reply.headers) is allowed


async def test_limits_bans_and_words_of_the_house(hub, repos):
    async with hub.browser("bob") as browser:
        page = await browser.get(PREFIX)
        assert "Closed on Sunday" in page.text
        assert "The Institute" in page.text
        banned = await browser.form("launch", repo=f"{repos.url}/you/evil")
        assert (banned.status, "not allowed on this hub" in banned.text) == (403, True)
        with hub.holds("bob"):
            first = await browser.form("launch", repo=f"{repos.url}/me/mine")
            second = await browser.form("launch", repo=f"{repos.url}/me/mine", server="other")
            assert (first.status, second.status) == (303, 429)
            other = await browser.form("launch", repo=f"{repos.url}/me/mine", files="none")
            assert (other.status, "something else right now" in other.text) == (409, True)
            id_ = first.launch
            reply = await browser.api("POST", f"api/launches/{id_}/cancel")
            assert reply.json()["error"]["code"] == "cancelled"
        await browser.api("GET", "api/launches")
    # a program that reads is no news, which JupyterHub would say of each
    assert f"request GET {PREFIX}" not in hub.log.read_text()


async def test_the_hubs_own_pages_have_the_same_look(hub, repos):
    async with hub.browser() as stranger, hub.browser("bob") as browser:
        link = f"{PREFIX}v2/git/{quote(f'{repos.url}/me/mine', safe='')}/main?filepath=x"
        sign_in = await stranger.get(link)
        assert sign_in.path.startswith("/hub/login")
        assert "Sign in to open <strong>mine</strong>" in sign_in.text
        assert "Sign in to open" not in (await stranger.get("/hub/login?next=/hub/home")).text
        for page in (sign_in, await browser.get("/hub/token"), await browser.get(PREFIX)):
            for words in ("Ocean Notebooks", "The Institute", "--bs-primary:#00695c"):
                assert words in page.text


async def test_an_administrators_trust_and_a_program_that_cannot_be_asked(hub, repos):
    async with hub.browser("cyn") as browser:
        await browser.get(PREFIX)
        id_ = await browser.launch(repo=f"{repos.url}/me/mine", target="rstudio")
        events = await browser.told(id_)
        assert events[-1]["url"].endswith("/rstudio/")
    lines = (hub.root / "launches.jsonl").read_text().splitlines()
    entry = json.loads(lines[-1])
    assert (entry["provider"], entry["status"], entry["version"]) == ("git", "success", 6)
    assert "cyn" not in lines[-1]


async def test_a_stopped_service_closes_what_was_under_way(hub, repos):
    with hub.holds("dee"):
        async with hub.browser("dee") as browser:
            repos.create_repo("me/late", {"requirements.txt": "late"})
            await browser.get(PREFIX)
            id_ = await browser.launch(repo=f"{repos.url}/me/late")
            await browser.told(id_, until="Building")
        (pid,) = _pids(hub)
        os.kill(pid, signal.SIGTERM)
        async with asyncio.timeout(SOON):
            while _pids(hub):  # noqa: ASYNC110 - not our child, nothing else tells
                await asyncio.sleep(0.1)
    records = Records(sqlite_url(hub.root / "data" / "binder.sqlite"), engine="memory")
    row = await records.launch(id_)
    records.close()
    assert row is not None
    assert (row.code, row.status) == ("cancelled", 409)
    assert row.message.startswith("The service was restarted")


def _pids(hub: RealHub) -> list[int]:
    """The service's process; it is the Hub's child, not ours."""
    wanted = ["service", "--data-dir", f"{hub.root}/data"]
    parents = {}
    for process in psutil.process_iter(["cmdline", "ppid"]):
        words = process.info["cmdline"] or []
        if any(words[at : at + len(wanted)] == wanted for at in range(len(words))):
            parents[process.pid] = process.info["ppid"]
    return without_children(parents)
