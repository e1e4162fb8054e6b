"""A person's first day on a cluster, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mainpage
import pytest
from chromium import new_context
from gitserver import GitServer, RepoHandle
from kubehub import BASE
from lab import notebook, output, run_cells, save, wait_for_lab
from patience import START_MS
from playwright.sync_api import Browser, Page, expect
from release import PASSWORD, Release

pytestmark = pytest.mark.story

DOCKERFILE = f"FROM {BASE}\nRUN echo from-the-dockerfile >/made\n"
WORK = """
open("kept.txt", "w").write("kept by maria")
open("/home/jovyan/shared/data/table.csv", "w").write("1,2,3")
print(open("/made").read().strip(), open("tides.txt").read())
"""
# What can be found from inside another person's server, and what a reader can do.
LOOK = """
import os
found = []
for folder, folders, names in os.walk("/"):
    folders[:] = [one for one in folders if folder != "/" or one not in ("proc", "sys")]
    found += [folder] if "kept.txt" in names else []
table = "/home/jovyan/shared/data/table.csv"
print(found, open(table).read())
try:
    open(table, "w")
except OSError as error:
    print(error.strerror)
"""


@pytest.fixture
def tides(repositories: GitServer) -> RepoHandle:
    files = {"Dockerfile": DOCKERFILE, "tides.txt": "low", "index.ipynb": notebook(WORK)}
    return repositories.create_repo("ocean/tides", {**files, "look.ipynb": notebook(LOOK)})


@pytest.fixture
def shared(release: Release) -> None:
    """A volume of maria's, which jonas may read."""
    maria, _ = release.people(["maria", "jonas"])
    made = maria.ask("POST", "services/binder/api/volumes", {"name": "data"})
    members = f"services/binder/api/volumes/{made['id']}/members"
    maria.ask("POST", members, {"user": "jonas", "access": "ro"})


@contextmanager
def signed_in(browser: Browser, release: Release, user: str) -> Iterator[Page]:
    context = new_context(browser, viewport={"width": 1100, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    mainpage.sign_in(page, release.address, user, PASSWORD)
    yield page
    context.close()


def launch(page: Page, repo: RepoHandle, file: str, access: str) -> None:
    """Fill in the form and send it."""
    page.get_by_label("Repository").fill(repo.url)
    page.get_by_text("More options").click()
    page.get_by_label("File to open").fill(file)
    page.get_by_label("Open with").select_option("JupyterLab")
    page.get_by_label("data", exact=True).select_option(access)
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url("**/launches/*")


def test_the_first_day(
    release: Release, shared: None, tides: RepoHandle, browser: Browser, artifacts: Path
) -> None:
    """Paste, watch, work, stop, come back; and nobody else sees any of it but what was shared with
    them, to read.
    """
    with signed_in(browser, release, "maria") as maria:
        before = len(release.pushed())
        with release.made_jobs() as jobs:
            launch(maria, tides, "index.ipynb", "Read and change")
            maria.get_by_text("Build log", exact=True).click()
            log = maria.locator("#log-lines")
            expect(log).to_contain_text("from-the-dockerfile", timeout=START_MS)
            maria.wait_for_url("**/user/maria/tides-*/lab/**", timeout=START_MS)
        assert len(jobs) == 1 and len(release.pushed()) == before + 1
        wait_for_lab(maria)
        run_cells(maria, [0])
        expect(output(maria, 0)).to_have_text("from-the-dockerfile low")
        save(maria)
        maria.screenshot(path=artifacts / "cluster-lab.png")
        mainpage.stop_server(maria, release.address, "tides")
        assert release.servers() == []

        launch(maria, tides, "index.ipynb", "Read and change")
        maria.wait_for_url("**/user/maria/tides-*/lab/**", timeout=START_MS)
        wait_for_lab(maria)
        expect(output(maria, 0)).to_have_text("from-the-dockerfile low", timeout=START_MS)
        expect(maria.locator(".jp-DirListing-item", has_text="kept.txt")).to_be_visible()
        nobody_else_sees_it(release, tides, browser, maria.url)
        mainpage.stop_server(maria, release.address, "tides")


def nobody_else_sees_it(release: Release, repo: RepoHandle, browser: Browser, url: str) -> None:
    with signed_in(browser, release, "jonas") as jonas:
        launch(jonas, repo, "look.ipynb", "Read only")
        jonas.wait_for_url("**/user/jonas/tides-*/lab/**", timeout=START_MS)
        wait_for_lab(jonas)
        run_cells(jonas, [0])
        expect(output(jonas, 0)).to_have_text("[] 1,2,3\nRead-only file system")
        refused = jonas.goto(re.sub(r"/lab.*", "/api/contents/kept.txt", url))
        assert refused is not None and not refused.ok
        mainpage.stop_server(jonas, release.address, "tides")


def test_a_commit_of_content_alone_is_not_built(release: Release, repositories: GitServer) -> None:
    """It is there at the next start, beside what the person made."""
    repo = repositories.create_repo("ada/content", {"notes.txt": "first"})
    ann = release.person("ann")
    ann.launch_until_ready(repo.url)
    ann.write("mine.txt", "mine")
    ann.stop()
    repo.commit({"notes.txt": "second"}, "Content")
    with release.made_jobs() as jobs:
        ann.launch_until_ready(repo.url)
    assert jobs == [] and (ann.read("notes.txt"), ann.read("mine.txt")) == ("second", "mine")
    ann.stop()
