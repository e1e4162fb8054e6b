"""A data directory of the version before: everything in it is found and used as before.

Made by `tests/fixtures/make_datadir.py`: homes with projects, a volume, trust, and tickets of
stopped servers in the Hub's database, of repositories whose folders were named by another rule.
"""

from __future__ import annotations

import sqlite3
import tarfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from realhub import PREFIX, Browser, RealHub

from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.storage.projects import list_projects
from binderhub_ext.storage.sync.call import is_current
from binderhub_ext.storage.sync.words import Request

ARCHIVE = Path(__file__).parents[1] / "fixtures/datadir.tar.xz"
EXTRA = """
c.LaunchPolicy.gitlab_hosts = {"lab": "lab.example.org"}
c.GitProvider.allowed_schemes = ["https", "http", "ssh"]
"""
COMMIT = "325d5eb9100b70d6ed2c3a11f0e7fea6f4a6f963"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHub]:
    root = tmp_path_factory.mktemp("before")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(root, filter="data")
    with RealHub(root, EXTRA) as hub:
        yield hub


async def launched(browser: Browser, link: str, **fields: str) -> tuple[str, str]:
    """Launch by a link; how it ended and the server's name."""
    await browser.get(PREFIX)
    id = await browser.launch(link=link, **fields)
    events = await browser.told(id)
    view = await browser.view(id)
    return events[-1]["phase"], view["server"]


def git(url: str) -> str:
    return f"v2/git/{quote(url, safe='')}/{COMMIT}"


def folder(hub: RealHub, user: str, url: str) -> str:
    """Where the newest launch of an address had its project."""
    with sqlite3.connect(hub.root / "data/binder.sqlite") as database:
        asked = "select project from launches where user=? and repo_url=? order by started desc"
        return str(database.execute(asked, (user, url)).fetchone()[0])


FOUND = [
    # link, user, the server and the folder that the version before gave it
    (git("https://bitbucket.org/Team/Proj"), "ann", "proj-6644bf0e", "bitbucket.org/Team/Proj"),
    (f"v2/gh/Owner/Name/{COMMIT}", "ann", "name-b3113a5a", "owner/name"),
    (f"v2/lab/Group%2FName/{COMMIT}", "ann", "name-b4d30b3d", "lab.example.org/Group/Name"),
    (git("http://git.example.org/Team/Proj"), "ann", "proj-f4a66221", "git.example.org/Team/Proj"),
    (git("ssh://git@git.example.org/Team/Other"), "ann", "other-1fa55afd",
     "git.example.org/Team/Other"),
    (git("https://bitbucket.org/Team/Proj"), "bob", "proj-6644bf0e", "bitbucket.org/Team/Proj"),
    (git("https://bitbucket.org/team/proj"), "bob", "proj-c96d2974", "bitbucket.org/team/proj"),
]  # fmt: skip


@pytest.mark.parametrize(("link", "user", "server", "project"), FOUND)
async def test_a_link_finds_its_server_and_its_files(hub, link, user, server, project):
    """Started again without any network: the commits that were fetched are found too."""
    async with hub.browser(user) as browser:
        assert await launched(browser, link, on_change="restart") == ("ready", server)
        servers = (await browser.api("GET", "api/servers")).json()["servers"]
        (running,) = (one for one in servers if one["name"] == server)
        assert running["state"] == "running"
        assert folder(hub, user, running["repo"]["url"]) == f"projects/{project}"
        layout = DataDirectory(hub.root / "data")
        assert (layout.home(user) / "projects" / project / "my-work.txt").is_file()
        assert f"projects/{project}" in list_projects(layout, user)
        assert (layout.state(user, f"projects/{project}") / "settings").is_file()
        url, home = running["repo"]["url"], str(layout.home(user))
        here = Request("", COMMIT, url, home, f"projects/{project}")
        assert is_current(here)
        await browser.api("POST", f"api/servers/{server}/stop")


OTHER_SPELLINGS = [
    (git("https://bitbucket.org/team/PROJ"), "ann", "proj-6644bf0e"),
    (f"v2/gh/OWNER/name/{COMMIT}", "ann", "name-b3113a5a"),
    (git("https://github.com/owner/Name.git"), "ann", "name-b3113a5a"),
    (f"v2/lab/group%2Fname/{COMMIT}", "ann", "name-b4d30b3d"),
    (git("https://lab.example.org/group/NAME"), "ann", "name-b4d30b3d"),
    (git("https://git.example.org/Team/Proj.git"), "ann", "proj-f4a66221"),
    (git("https://git.example.org/Team/Other"), "ann", "other-1fa55afd"),
]


@pytest.mark.parametrize(("link", "user", "server"), OTHER_SPELLINGS)
async def test_another_spelling_finds_them_too(hub, link, user, server):
    async with hub.browser(user) as browser:
        page = await browser.get(PREFIX + link)
        found = {row[2]: row[3] for row in FOUND if row[1] == user}[server]
        assert f"~/projects/{found}" in page.text
        await browser.get(PREFIX)
        id = await browser.launch(link=link)
        assert (await browser.view(id))["server"] == server
        await browser.api("POST", f"api/launches/{id}/cancel")


async def test_who_was_not_there_before_has_one_folder_for_both_spellings(hub):
    async with hub.browser("cat") as browser:
        servers = [
            await launched(browser, git(f"https://bitbucket.org/{name}"), on_change="restart")
            for name in ("Team/Proj", "team/proj")
        ]
        assert servers[0] == servers[1]
        folders = {
            folder(hub, "cat", f"https://bitbucket.org/{name}")
            for name in ("Team/Proj", "team/proj")
        }
        assert folders == {"projects/bitbucket.org/team/proj"}


TRUSTED = [
    ("ann", git("https://bitbucket.org/Team/Proj"), True),
    ("ann", git("https://bitbucket.org/team/PROJ"), True),
    ("ann", f"v2/lab/GROUP%2Fname/{COMMIT}", True),
    ("ann", git("http://git.example.org/Team/Proj"), True),
    ("ann", git("https://git.example.org/Team/Proj"), True),
    ("ann", git("ssh://git@git.example.org/Team/Other"), False),
    ("bob", git("https://bitbucket.org/team/proj"), True),
    ("bob", git("http://git.example.org/Team/Proj"), False),
]


@pytest.mark.parametrize(("user", "link", "trusted"), TRUSTED)
async def test_trust_is_kept_and_goes_no_further(hub, user, link, trusted):
    async with hub.browser(user) as browser:
        page = await browser.get(f"{PREFIX}{link}")
        assert page.status == 200, page.text
        assert ('data-trusted="yes"' in page.text) is trusted


async def test_volumes_are_there(hub):
    async with hub.browser("ann") as browser:
        await browser.get(PREFIX)
        volumes = (await browser.api("GET", "api/volumes")).json()["volumes"]
        assert [volume["name"] for volume in volumes] == ["field-data"]
        page = await browser.get(f"{PREFIX}v2/gh/Owner/Name/{COMMIT}?volume=field-data:data:ro")
        assert "Volume field-data" in page.text


async def test_the_main_page_lists_what_there_was(hub):
    async with hub.browser("bob") as browser:
        page = await browser.get(PREFIX)
        for words in ("proj-6644bf0e", "proj-c96d2974", "bitbucket.org/Team/Proj"):
            assert words in page.text
