"""A provider of somebody else's package is all there, by its entry point alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpserver import serving_files
from realhub import PREFIX, RealHub

PROVIDER = """
from binderhub_ext.core.launch import LaunchRequest
from binderhub_ext.core.plain import decoded
from binderhub_ext.core.provider import Provider
from binderhub_ext.core.repo import Repo
from binderhub_ext.core.understanding import Understanding


class Shelf(Provider):
    noun = "book"

    def repo(self, name):
        return Repo(self.id, name, f"https://shelf.example/books/{name}")

    def page(self, link, again):
        match link.host, link.parts:
            case "shelf.example", ["books", name, *_]:
                return Understanding(LaunchRequest(self.repo(name)))
        return None

    def doi(self, doi):
        prefix, _, name = doi.partition("/")
        return Understanding(LaunchRequest(self.repo(name))) if prefix == "10.55555" else None


SHELF = Shelf(
    "shelf",
    "Book of the Shelf",
    name="Shelf",
    has_ref=False,
    fetcher="shelf_of_books.fetching:ShelfProvider",
)
LOST = Shelf("lost", "Lost books", fetcher="shelf_of_books.nowhere:Nothing")
"""

FETCHING = '''
from traitlets import Unicode

from binderhub_ext.core.url import read_url
from binderhub_ext.repos.archives import Archive, Contents, RemoteFile, join


class ShelfProvider(Archive):
    """Books."""

    site = Unicode(help="Where the shelf is.").tag(config=True)

    async def version(self, http, repo):
        return (await http.json(join(read_url(self.site), repo.name, "about.json")))["edition"]

    async def contents(self, http, commit):
        page = join(read_url(self.site), commit.repo.name, "page.md")
        return Contents((RemoteFile(page, "page.md"),), "A book")
'''

ENTRIES = """
[binderhub_ext.repo_providers]
shelf = shelf_of_books:SHELF
other = shelf_of_books:SHELF
broken = shelf_of_books:MISSING
lost = shelf_of_books:LOST
"""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site with one book."""
    books = tmp_path_factory.mktemp("shelf")
    (books / "walden").mkdir()
    (books / "walden" / "about.json").write_text(json.dumps({"edition": "v2"}))
    (books / "walden" / "page.md").write_text("I went to the woods")
    with serving_files(books) as url:
        yield url


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, shelf: str) -> Iterator[RealHub]:
    root = tmp_path_factory.mktemp("hub")
    settings = f"c.ShelfProvider.site = {shelf!r}\nc.LaunchPolicy.providers = ['git', 'shelf']"
    hub = RealHub(root, settings)
    install(root / "plugins")
    with hub:
        yield hub


def install(folder: Path) -> None:
    """What an installer leaves of the package."""
    package, info = folder / "shelf_of_books", folder / "shelf_of_books-1.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").write_text(PROVIDER)
    (package / "fetching.py").write_text(FETCHING)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shelf-of-books\nVersion: 1\n")
    (info / "entry_points.txt").write_text(ENTRIES)


@pytest.mark.parametrize("pasted", ["https://shelf.example/books/walden", "10.55555/walden"])
async def test_it_is_launched_by_what_is_pasted(hub: RealHub, pasted: str) -> None:
    async with hub.browser("ana") as browser:
        await browser.get(PREFIX)
        parsed = (await browser.api("GET", "api/parse", params={"text": pasted})).json()
        assert (parsed["provider"], parsed["provider_name"]) == ("shelf", "Shelf")
        assert (parsed["link"], parsed["guessed"]) == ("v2/shelf/walden", [])
        launch = await browser.launch(repo=pasted)
        events = await browser.told(launch)
        assert events[-1]["phase"] == "ready", events
        view = await browser.view(launch)
        assert (view["commit"], view["repo"]["name"]) == ("v2", "walden")


async def test_it_is_shown_as_the_built_in_ones_are(hub: RealHub) -> None:
    async with hub.browser("ana") as browser:
        shown = (await browser.api("GET", "api/repoproviders")).json()
        assert {entry["id"]: entry["displayName"] for entry in shown} == {
            "git": "Git repository",
            "shelf": "Book of the Shelf",
        }


def test_the_log_says_what_is_installed_and_not_offered(hub: RealHub) -> None:
    log = hub.log.read_text()
    assert "The provider broken cannot be loaded" in log
    assert "other is not announced as a provider of that id" in log
    assert "What fetches from the provider lost cannot be made" in log
    words = "The provider {} is installed and not offered: LaunchPolicy.providers does not name it"
    assert all(words.format(id) in log for id in ("gh", "zenodo", "image", "lost"))
