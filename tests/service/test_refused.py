"""What cannot be built here is said before the launch, on the page that asks and by the API."""

from __future__ import annotations

import asyncio
import html
from urllib.parse import quote

import pytest
from gitserver import GitServer
from memory_engine import NOTED, MemoryBuilder, MemoryRepos
from realhub import PREFIX, RealHub
from test_builds import Room, commit

from binderhub_ext.core.errors import Unsupported
from binderhub_ext.core.url import read_url
from binderhub_ext.repos.network import is_public
from binderhub_ext.service.accounting.buildmeter import BuildMeter
from binderhub_ext.service.launching.builds import Builds
from binderhub_ext.service.records.ledger import Ledger
from binderhub_ext.service.settings import BuildSettings


@pytest.fixture(scope="module")
def dockerfile(repos: GitServer) -> str:
    """The link of a repository that brings its own Dockerfile."""
    repo = repos.create_repo("me/dockerfile", {"Dockerfile": "FROM x", "index.ipynb": "{}"})
    return f"v2/git/{quote(repo.url, safe='')}/main"


async def test_the_page_that_asks_says_so_with_the_ways_on(
    realhub: RealHub, dockerfile: str
) -> None:
    async with realhub.browser("rhea") as browser:
        page = html.unescape((await browser.get(PREFIX + dockerfile)).text)
        assert "Dockerfile: this engine has none" in page
        assert f'href="{PREFIX}{dockerfile}?environment=plain"' in page
        assert ">Launch</button>" not in page and 'name="trust"' not in page
        assert "It cannot be built here." in page and "Not built yet" not in page
        # nobody but this machine reaches the repository
        assert "mybinder.org" not in page
        plain = html.unescape((await browser.get(f"{PREFIX}{dockerfile}?environment=plain")).text)
        assert ">Launch</button>" in plain and "empty repository" in plain


async def test_what_will_not_be_done_is_said_before(realhub: RealHub, repos: GitServer) -> None:
    """Also of an environment that is there, and in the person's language."""
    repo = repos.create_repo("me/noted", {NOTED: "{}"})
    async with realhub.browser("rhea") as browser:
        german = {"Accept-Language": "de"}
        link = f"{PREFIX}v2/git/{quote(repo.url, safe='')}/main"
        page = html.unescape((await browser.get(link, headers=german)).text)
        assert f"{NOTED} zählt nicht neben requirements.txt." in page


async def test_the_api_says_so(realhub: RealHub, repos: GitServer, dockerfile: str) -> None:
    async with realhub.browser("rolf") as browser:
        await browser.get(PREFIX)
        link = f"https://hub.example.org/{dockerfile}"
        asked = (await browser.api("GET", f"api/environment?text={quote(link)}")).json()
        assert asked["refusal"]["code"] == "unsupported-environment"
        assert asked["refusal"]["ways"][0]["url"] == f"{PREFIX}{dockerfile}?environment=plain"
        fine = quote(f"{repos.url}/me/mine")
        asked = (await browser.api("GET", f"api/environment?text={fine}")).json()
        assert asked["refusal"] is None
        assert asked["environment"]["kind"] == "Python, in memory"
        assert (await browser.api("GET", "api/launches")).json() == {"launches": []}


async def test_the_files_open_in_the_plain_environment(
    realhub: RealHub, repos: GitServer, dockerfile: str
) -> None:
    async with realhub.browser("rita") as browser:
        await browser.get(PREFIX)
        wanted = {"repo": f"{repos.url}/me/dockerfile", "environment": "plain"}
        made = (await browser.api("POST", "api/launches", json=wanted)).json()
        last = (await browser.told(made["id"]))[-1]
        assert last["phase"] == "ready" and last["image"] == "image-env-plain"


def builds_of(room: Room, settings: BuildSettings, **others) -> Builds:
    """Builds in a room, with another builder or other repositories."""
    return Builds(
        settings,
        layout=room.layout,
        builder=others.get("builder", room.builder),
        providers={"git": others.get("repos", room.repos)},
        records=room.records,
        meter=BuildMeter(Ledger(room.records)),
    )


async def test_a_look_takes_no_longer_than_a_person_waits(tmp_path) -> None:
    class Slow(MemoryRepos):
        async def readable(self, commit, tell):
            await asyncio.sleep(5)
            return await super().readable(commit, tell)

    builds = builds_of(Room(tmp_path), BuildSettings(look_time=0.05), repos=Slow())
    assert await builds.look(commit("a")) is None
    await builds.close()


async def test_what_was_found_out_is_remembered(tmp_path) -> None:
    room = Room(tmp_path)
    found = await room.builds.look(commit("a"))
    assert found and found.key == "env-a"
    assert room.builder.started == []
    plans = room.builder.plans
    assert await room.builds.look(commit("a")) == found
    assert room.builder.plans == plans

    class Refusing(MemoryBuilder):
        async def plan(self, source):
            raise Unsupported("Dockerfile: no.")

    builds = builds_of(room, BuildSettings(), builder=Refusing())
    with pytest.raises(Unsupported):
        await builds.look(commit("b"))
    await builds.close()


@pytest.mark.parametrize(
    ("url", "public"),
    [("https://8.8.8.8/x", True), ("https://10.0.0.1/x", False), ("http://127.0.0.1:80/x", False)],
)
async def test_who_is_reached_by_everybody(url: str, public: bool) -> None:
    assert await is_public(read_url(url)) is public
