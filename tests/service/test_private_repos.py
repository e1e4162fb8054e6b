"""A token stored on the settings page: what it opens, for whom, and that it is nowhere."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from gitserver import Behaviour, GitServer, RepoHandle
from realhub import PREFIX, Browser, RealHub

TOKEN = "hush-8c1d90aa57"
OPENS = ("git", TOKEN)


@pytest.fixture
def forge(repos: GitServer) -> GitServer:
    return repos


@pytest.fixture
def hub(realhub: RealHub) -> RealHub:
    return realhub


@pytest.fixture
def private(forge: GitServer, request: pytest.FixtureRequest) -> RepoHandle:
    repo = forge.create_repo(f"lab/{request.node.name.lower()}", {"thesis.txt": "mine"})
    repo.behaviour = Behaviour(password=OPENS)
    return repo


@pytest.fixture
async def ana(hub: RealHub, forge: GitServer) -> AsyncIterator[Browser]:
    async with hub.browser("ana-of-private") as browser:
        await browser.get(f"{PREFIX}settings")
        reply = await store(browser, f"127.0.0.1:{forge.port}")
        assert reply.status == 303, reply.text
        yield browser


async def store(browser: Browser, host: str, user: str = "", token: str = TOKEN):
    return await browser.form("settings/credentials", host=host, user=user, token=token)


async def launch(
    browser: Browser, repo: RepoHandle, ref: str = "main", *, beside: str = ""
) -> dict:
    """Launch by the API, perhaps as content of another; the last event, with all under `all`."""
    await browser.get(PREFIX)
    named = {"repo": beside, "content": [repo.url]} if beside else {"repo": repo.url}
    body = {**named, "ref": ref, "files": "none"}
    started = (await browser.api("POST", "api/launches", json=body)).json()
    events = await browser.events(started["events"])
    return {**events[-1], "all": events}


async def test_the_owner_launches_and_nobody_else(
    hub: RealHub, ana: Browser, private: RepoHandle
) -> None:
    mine = await launch(ana, private)
    assert mine["phase"] == "ready", mine
    async with hub.browser("bob-of-private") as bob:
        for ref in ("main", private.git("rev-parse", "main")):
            theirs = await launch(bob, private, ref)
            assert (theirs["code"], theirs["status_code"]) == ("repo-not-found", 404)
            assert "settings page" in theirs["message"]
            asked = await bob.get(f"{PREFIX}v2/git/{private.url.replace('/', '%2F')}/{ref}")
            assert asked.status == (404 if ref == "main" else 200)
            assert "First commit" not in asked.text


async def test_private_content_is_its_readers(
    hub: RealHub, ana: Browser, forge: GitServer, private: RepoHandle
) -> None:
    """Beside an environment that everybody can read."""
    forge.create_repo("lab/environment", {"requirements.txt": ""})
    beside = f"{forge.url}/lab/environment"
    assert (await launch(ana, private, beside=beside))["phase"] == "ready"
    async with hub.browser("bea-of-private") as bea:
        refused = await launch(bea, private, beside=beside)
        assert (refused["code"], refused["status_code"]) == ("repo-not-found", 404)


async def test_revoked_at_the_forge(ana: Browser, private: RepoHandle) -> None:
    assert (await launch(ana, private))["phase"] == "ready"
    commit = private.git("rev-parse", "main")
    private.behaviour = Behaviour(password=("git", "another"))
    for ref in ("main", commit):
        refused = await launch(ana, private, ref)
        assert refused["code"] == "repo-not-found"
        assert "token you stored" in refused["message"]


async def test_removed_here(ana: Browser, hub: RealHub, private: RepoHandle) -> None:
    assert (await launch(ana, private))["phase"] == "ready"
    page = (await ana.get(f"{PREFIX}settings")).text
    path = page.partition("settings/credentials/")[2].partition('"')[0]
    async with hub.browser("bob-of-private") as bob:
        await bob.get(f"{PREFIX}settings")
        await bob.form(f"settings/credentials/{path}")
    assert (await launch(ana, private))["phase"] == "ready"
    await ana.form(f"settings/credentials/{path}")
    assert (await launch(ana, private))["code"] == "repo-not-found"


async def test_the_token_is_nowhere(hub: RealHub, ana: Browser, private: RepoHandle) -> None:
    events = (await launch(ana, private))["all"]
    page = (await ana.get(f"{PREFIX}settings")).text
    assert "127.0.0.1" in page
    assert TOKEN not in page + repr(events)
    # also of the file whose password it is part of
    for path in hub.root.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes(), path
    assert (hub.root / "data/secrets/credentials").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("host", "user", "token"),
    [
        ("", "", TOKEN),
        ("no host at all", "", TOKEN),
        (f"https://{TOKEN}@github.com", "", TOKEN),
        ("github.com", "a:b", TOKEN),
        ("github.com", "", ""),
        ("github.com", "", f"{TOKEN} {TOKEN}"),
        ("github.com", "", f"{TOKEN}\nHost: evil"),
        ("github.com", "", "x" * 5000),
    ],
)
async def test_what_is_no_token_for_a_host_is_refused(
    ana: Browser, host: str, user: str, token: str
) -> None:
    reply = await store(ana, host, user, token)
    assert reply.status in (400, 403)
    assert TOKEN not in reply.text


async def test_not_without_the_form(hub: RealHub) -> None:
    async with hub.browser("eve-of-private") as eve:
        await eve.get(f"{PREFIX}settings")
        reply = await eve.send(
            "POST", f"{PREFIX}settings/credentials", data={"host": "github.com", "token": TOKEN}
        )
        assert (reply.status, reply.headers["Location"]) == (303, PREFIX)
        assert "github.com</span>" not in (await eve.get(f"{PREFIX}settings")).text
