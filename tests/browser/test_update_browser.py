"""A project whose repository moved on: seen, chosen, updated, told; in a real browser."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from gitserver import RepoHandle
from homehub import HomeHub
from patience import START, START_MS
from playwright.sync_api import Browser, Page, expect

from binderhub_ext.core.projects import project_folder
from binderhub_ext.core.repo import Repo

FIRST = {"README.md": "# Currents\n", "a.py": "a = 1\n", "b.py": "b = 1\n", "gone.py": "g = 1\n"}
SECOND = {"a.py": "a = 2\n", "b.py": "b = 2\n", "new/c.py": "c = 2\n", "gone.py": None}


class Project:
    """A repository and its folder in a person's home."""

    def __init__(self, hub: HomeHub, repo: RepoHandle, user: str) -> None:
        self.folder = project_folder(Repo("git", repo.url, repo.url))
        self.path = hub.root / "homes" / user / self.folder

    def edit(self, name: str, content: str) -> None:
        """As the person does it; the file stays theirs."""
        path = self.path / name
        path.write_text(content)
        owner = self.path.stat()
        os.chown(path, owner.st_uid, owner.st_gid)

    def read(self) -> dict[str, str]:
        names = [p for p in self.path.rglob("*") if p.is_file() and ".git" not in p.parts]
        return {str(p.relative_to(self.path)): p.read_text() for p in names}


@pytest.fixture
def repo(home_hub: HomeHub, request: pytest.FixtureRequest) -> RepoHandle:
    name = f"ocean/{request.node.name.replace('_', '-')}"
    return home_hub.git.create_repo(name, {**FIRST, "requirements.txt": ""})


def launch(page: Page, hub: HomeHub, repo: RepoHandle) -> None:
    page.goto(hub.main_page)
    page.get_by_label("Repository").fill(repo.url)
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url("**/launches/*")


def launched(page: Page, user: str) -> None:
    page.wait_for_url(f"**/user/{user}/**", timeout=START_MS)


def stop(page: Page, hub: HomeHub, title: str) -> None:
    hub.stop_server(page, title)


def test_looked_at_before(
    home_hub: HomeHub, repo: RepoHandle, page: Page, browser: Browser, artifacts: Path
) -> None:
    """The page of a project's update: nothing new, then what would come, then it comes."""
    home_hub.sign_in(page, "maria")
    launch(page, home_hub, repo)
    launched(page, "maria")
    stop(page, home_hub, repo.name.rpartition("/")[2])
    project = Project(home_hub, repo, "maria")
    address = f"{home_hub.main_page}update?project={quote(project.folder, safe='')}"
    page.goto(address)
    expect(page.locator("main")).to_contain_text("There is nothing new")

    project.edit("a.py", "a = 'mine'\n")
    project.edit("mine.py", "untracked = True\n")
    new = repo.commit(SECOND)
    page.goto(address)
    expect(page.locator("main")).to_contain_text("not been fetched yet")
    page.get_by_role("button", name="See what would change").click()
    both = page.get_by_role("region", name="Changed on both sides")
    expect(both).to_contain_text("a.py")
    expect(both).not_to_contain_text("b.py")
    page.get_by_text("What you changed (1)").click()
    page.get_by_text("What will arrive (3)").click()
    for name in ("b.py", "new/c.py", "gone.py"):
        expect(page.locator("main")).to_contain_text(name)
    expect(page.get_by_role("radio", name="Side by side")).to_be_checked()
    page.screenshot(path=artifacts / "update.png", full_page=True)
    page.set_viewport_size({"width": 390, "height": 800})
    page.screenshot(path=artifacts / "update-phone.png", full_page=True)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    assert project.read()["a.py"] == "a = 'mine'\n" and "new/c.py" not in project.read()

    page.get_by_role("button", name="Update and launch").click()
    told = page.locator("#update")
    expect(told).to_contain_text(f"a.incoming-{new[:7]}.py")
    expect(page.get_by_role("link", name="Open it")).to_be_visible()
    page.screenshot(path=artifacts / "updated-phone.png", full_page=True)
    # found again in the records as well
    page.reload()
    expect(told).to_contain_text(f"a.incoming-{new[:7]}.py")
    page.get_by_role("link", name="Open it").click()
    launched(page, "maria")
    now = project.read()
    assert now["a.py"] == "a = 'mine'\n" and now[f"a.incoming-{new[:7]}.py"] == "a = 2\n"
    assert now["b.py"] == "b = 2\n" and "gone.py" not in now and now["mine.py"]
    assert "a.py" in now[f"incoming-{new[:7]}.md"]


def test_asked_between_form_and_launch(
    home_hub: HomeHub, repo: RepoHandle, page: Page, artifacts: Path
) -> None:
    """Whoever launches by the form is asked only where there is something to choose."""
    home_hub.sign_in(page, "jonas")
    title = repo.name.rpartition("/")[2]
    launch(page, home_hub, repo)
    launched(page, "jonas")
    stop(page, home_hub, title)
    project = Project(home_hub, repo, "jonas")
    repo.commit({"b.py": "b = 3\n"})
    launch(page, home_hub, repo)
    launched(page, "jonas")
    assert project.read()["b.py"] == "b = 3\n"

    # A server that runs is asked about first, then the files.
    project.edit("a.py", "a = 'mine'\n")
    new = repo.commit(SECOND)
    launch(page, home_hub, repo)
    page.get_by_role("button", name="Update and restart").click()
    expect(page.get_by_role("heading", name="Your choice")).to_be_visible()
    expect(page.locator("#failure")).to_contain_text("a.py")
    page.screenshot(path=artifacts / "update-asked.png", full_page=True)
    assert project.read()["b.py"] == "b = 3\n"
    page.get_by_role("radio", name="Take theirs").check()
    page.get_by_role("button", name="Update and launch").click()
    expect(page.locator("#update")).to_contain_text(f"a.mine-{new[:7]}.py")
    page.get_by_role("link", name="Open it").click()
    launched(page, "jonas")
    now = project.read()
    assert now["a.py"] == "a = 2\n" and now[f"a.mine-{new[:7]}.py"] == "a = 'mine'\n"


CALL = """async ([method, path, body]) => {
  const token = document.querySelector('[name=_xsrf]').value;
  const headers = {'X-XSRFToken': token, 'Content-Type': 'application/json'};
  const answer = await fetch(path, {method, headers, body: body && JSON.stringify(body)});
  return [answer.status, await answer.json()];
}"""


def call(page: Page, hub: HomeHub, method: str, path: str, body: object = None) -> Any:
    """Ask the API as a script of our own pages does."""
    if not page.url.startswith(hub.main_page):
        page.goto(hub.main_page)
    status, answer = page.evaluate(CALL, [method, f"{hub.main_page}api/{path}", body])
    assert status < 300, answer
    return answer


def ended(page: Page, hub: HomeHub, **fields: str) -> dict[str, Any]:
    """Launch by the API, and what became of it."""
    launch = call(page, hub, "POST", "launches", fields)["id"]
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        state: dict[str, Any] = call(page, hub, "GET", f"launches/{launch}")
        if state["finished"]:
            return state
        time.sleep(0.3)
    raise AssertionError("it did not end")


def test_programs_are_asked_only_if_they_want(
    home_hub: HomeHub, repo: RepoHandle, page: Page
) -> None:
    home_hub.sign_in(page, "jonas")
    assert ended(page, home_hub, repo=repo.url)["phase"] == "ready"
    project = Project(home_hub, repo, "jonas")
    project.edit("a.py", "a = 'mine'\n")
    new = repo.commit(SECOND)
    path = f"update?project={quote(project.folder, safe='')}"
    assert call(page, home_hub, "GET", path)["fetched"] is False
    look = call(page, home_hub, "POST", "update", {"project": project.folder})
    assert look["fetched"] and look["update"]["edited"] == ["a.py"]
    assert look["update"]["counts"] == {"added": 1, "updated": 1, "removed": 1, "beside": 1}

    stop(page, home_hub, repo.name.rpartition("/")[2])
    asked = ended(page, home_hub, repo=repo.url, keep="ask")
    assert asked["error"]["code"] == "files-differ"
    assert asked["update"]["previous"] != new and "new/c.py" not in project.read()
    done = ended(page, home_hub, repo=repo.url, keep="nonsense")
    assert done["phase"] == "ready" and done["update"]["commit"] == new
    now = project.read()
    assert now["a.py"] == "a = 'mine'\n" and now[f"a.incoming-{new[:7]}.py"] == "a = 2\n"


def test_nobody_elses(home_hub: HomeHub, page: Page) -> None:
    home_hub.sign_in(page, "jonas")
    for project in ("projects/maria/secret", "../maria", "", "projects/%00"):
        page.goto(f"{home_hub.main_page}update?project={quote(project, safe='')}")
        expect(page.locator("main")).to_contain_text("You have launched no such project")
