"""Issue 5, "Shown by" 1: a person's first day with containers, in a real browser.

Nothing is pretended: `binder-at-home up --engine docker`, repo2docker, a daemon, packages from
the package index and from Debian, a Git server over HTTP, Chromium.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from dockerhome import running_docker_home, servers
from dockerhub import docker
from gitserver import Executable, RepoHandle
from homehub import HomeHub
from lab import notebook, output, run_cells, save, wait_for_lab
from patience import START_MS
from playwright.sync_api import Browser, Page, expect

_GROUPS = """
c.JupyterHub.load_groups = {"class-a": {"users": ["maria", "jonas"]}}
c.JupyterHub.load_groups["teachers"] = {"users": ["maria"]}
c.Volumes.groups = {"data": {"rw": ["teachers"], "ro": ["class-a"]}}
"""

TOOLS = """
import subprocess, humanize
drawn = subprocess.run(["figlet", "-f", "term", "tides"], capture_output=True, text=True).stdout
print(humanize.intcomma(1234567), drawn.strip(), open("/srv/repo/made").read().strip())
"""
NUMBER = "import humanize; print(humanize.intcomma(1234567))"
KEEP = """
open("kept.txt", "w").write("kept by maria")
open("/home/jovyan/shared/data/table.csv", "w").write("1,2,3")
told = 0
"""
COUNT = "told += 1; print('still the same kernel', told)"
# What can be found from inside another person's server, and what a reader can do.
LOOK = """
import os
from pathlib import Path
found = []
for folder, folders, names in os.walk("/"):
    folders[:] = [one for one in folders if folder != "/" or one not in ("proc", "sys")]
    found += [folder] if "kept.txt" in names else []
table = Path("/home/jovyan/shared/data/table.csv")
# where a file browser finds it
shown = Path("shared-volumes/data (read only)/table.csv")
print(found, table.read_text(), shown.read_text())
try:
    table.write_text("x")
except OSError as error:
    print(error.strerror)
"""


@pytest.fixture(scope="module")
def hub(plain_image: str) -> Iterator[HomeHub]:
    # The image is made before there is a browser, whose event loop would be in the way.
    with running_docker_home("browser", _GROUPS) as hub:
        yield hub


@pytest.fixture(scope="module")
def tides(hub: HomeHub) -> RepoHandle:
    """A repository with Python packages, one of Debian's, and a script that needs both."""
    files = {
        "binder/requirements.txt": "humanize\n",
        "binder/apt.txt": "figlet\n",
        "binder/postBuild": Executable(
            "#!/bin/sh\nset -e\nfiglet -f term by-postBuild >made\npython -c 'import humanize'\n"
        ),
        "index.ipynb": notebook(TOOLS, KEEP, COUNT),
        "look.ipynb": notebook(LOOK),
    }
    return hub.git.create_repo("ocean/tides", files)


@pytest.fixture
def maria(hub: HomeHub, page: Page) -> Page:
    hub.sign_in(page, "maria")
    return page


@pytest.fixture
def jonas(hub: HomeHub, browser: Browser) -> Iterator[Page]:
    with hub.visitor(browser, "jonas") as page:
        yield page


def launch(page: Page, repo: RepoHandle, file: str, volume: str = "") -> None:
    """Fill in the form and send it."""
    page.get_by_label("Repository").fill(repo.url)
    page.get_by_text("More options").click()
    page.get_by_label("File to open").fill(file)
    page.get_by_label("Open with").select_option("JupyterLab")
    if volume:
        page.get_by_label("data", exact=True).select_option(volume)
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url("**/launches/*")


def test_the_first_day(
    hub: HomeHub, tides: RepoHandle, maria: Page, jonas: Page, artifacts: Path
) -> None:
    """Paste, watch, work, stop, come back; the Hub crashes; nobody else sees any of it."""
    launch(maria, tides, "index.ipynb", "Read and change")
    maria.get_by_text("Build log", exact=True).click()
    expect(maria.locator("#log-lines")).to_contain_text("figlet", timeout=START_MS)
    maria.wait_for_url("**/user/maria/tides-*/lab/**", timeout=START_MS)
    wait_for_lab(maria)
    run_cells(maria, [0, 1])
    expect(output(maria, 0)).to_have_text("1,234,567 tides by-postBuild")
    save(maria)
    maria.screenshot(path=artifacts / "docker-lab.png")

    hub.stop_server(maria, "tides")
    assert servers(hub) == []
    launch(maria, tides, "index.ipynb", "Read and change")
    maria.wait_for_url("**/user/maria/tides-*/lab/**", timeout=START_MS)
    wait_for_lab(maria)
    expect(output(maria, 0)).to_have_text("1,234,567 tides by-postBuild", timeout=START_MS)
    expect(maria.locator(".jp-DirListing-item", has_text="kept.txt")).to_be_visible()
    run_cells(maria, [1, 2])
    expect(output(maria, 2)).to_have_text("still the same kernel 1")
    save(maria)

    (running,) = servers(hub)
    hub.crash()
    hub.start()
    assert servers(hub) == [running]
    maria.reload()
    wait_for_lab(maria)
    run_cells(maria, [2])
    expect(output(maria, 2)).to_have_text("still the same kernel 2")

    launch(jonas, tides, "look.ipynb", "Read only")
    jonas.wait_for_url("**/user/jonas/tides-*/lab/**", timeout=START_MS)
    wait_for_lab(jonas)
    run_cells(jonas, [0])
    expect(output(jonas, 0)).to_have_text("[] 1,2,3 1,2,3\nRead-only file system")
    server = re.sub(r"/lab.*", "/api/contents/kept.txt", maria.url)
    refused = jonas.goto(server)
    assert refused is not None and not refused.ok
    assert len(list((hub.root / "builds").glob("*.log"))) == 1, "one build for both"


def test_a_repository_with_a_dockerfile(hub: HomeHub, plain_image: str, maria: Page) -> None:
    dockerfile = f"FROM {plain_image}\nRUN uv pip install --no-cache --quiet humanize\n"
    files = {"Dockerfile": dockerfile, "index.ipynb": notebook(NUMBER)}
    launch(maria, hub.git.create_repo("ocean/depths", files), "index.ipynb")
    maria.wait_for_url("**/user/maria/depths-*/lab/**", timeout=START_MS)
    wait_for_lab(maria)
    run_cells(maria, [0])
    expect(output(maria, 0)).to_have_text("1,234,567")
    labels = docker("inspect", "--format={{.Config.Image}}", servers(hub)[0].split()[0])
    assert labels.startswith("bah-browser-")


def test_a_web_application_of_an_image(
    hub: HomeHub, plain_image: str, maria: Page, artifacts: Path
) -> None:
    """A program that knows nothing of Jupyter is what its link opens, with the person's files."""
    lines = [
        f"FROM {plain_image}",
        "RUN uv pip uninstall --quiet jupyterhub",
        *("USER root", "WORKDIR /srv/app", "EXPOSE 8765", "ENTRYPOINT []"),
        "RUN echo '<h1>Tides of today</h1><a href=table.html>Table</a>' >index.html",
        "RUN echo 'High water at noon' >table.html",
        'CMD ["python3", "-m", "http.server", "8765"]',
    ]
    repo = hub.git.create_repo(
        "ocean/board", {"Dockerfile": "\n".join(lines), "index.ipynb": notebook("print(6 * 7)")}
    )
    maria.get_by_label("Repository").fill(repo.url)
    maria.get_by_role("button", name="Launch", exact=True).click()
    maria.wait_for_url("**/user/maria/board-*/app/", timeout=START_MS)
    expect(maria.get_by_role("heading", name="Tides of today")).to_be_visible(timeout=START_MS)
    maria.screenshot(path=artifacts / "docker-application.png")
    maria.get_by_role("link", name="Table").click()
    expect(maria.locator("body")).to_have_text("High water at noon")

    maria.goto(re.sub("/app/.*", "/lab/tree/index.ipynb", maria.url))
    wait_for_lab(maria)
    run_cells(maria, [0])
    expect(output(maria, 0)).to_have_text("42")
