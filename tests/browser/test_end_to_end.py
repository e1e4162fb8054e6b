"""Issue 2, "Shown by" 1: a person's first day with Binder@home, in a real browser.

Nothing is pretended: `binder-at-home up`, the sandbox, packages from the package index, a Git
server over HTTP, Chromium.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from chromium import new_context
from gitserver import RepoHandle
from homehub import HELD, HELD_BUILD, HomeHub
from lab import notebook, output, run_cells, save, wait_for_lab
from patience import START_MS
from playwright.sync_api import Browser, BrowserContext, Page, expect

MARK = "987654321"

# What can be found from inside a server: the file below any home, and the process.
LOOK = """
from pathlib import Path
def readable(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""
files = [str(p) for p in Path.home().rglob("kept.txt")]
files += [str(p) for p in Path("/home").glob("*/**/kept.txt")]
mark = b"".join([b"987654", b"321"])
processes = [p for p in Path("/proc").glob("[0-9]*/cmdline") if mark in readable(p)]
print("files", len(files), "processes", len(processes))
"""

WORK = (
    "import humanize\nprint(humanize.intcomma(1234567))",
    f"open('kept.txt', 'w').write('kept by maria {MARK}')\nprint(open('kept.txt').read())",
    f"import subprocess\nprint(subprocess.Popen(['sleep', '{MARK}']).pid > 0)",
    LOOK,
)


@pytest.fixture(scope="module")
def repo(home_hub: HomeHub) -> RepoHandle:
    files = {"README.md": "# Tides\n", "look.ipynb": notebook(LOOK)}
    return home_hub.git.create_repo("ocean/tides", files)


@pytest.fixture
def jonas(home_hub: HomeHub, browser: Browser) -> Iterator[Page]:
    with home_hub.visitor(browser, "jonas") as page:
        yield page


def launch(page: Page, url: str, *, file: str = "", ref: str = "") -> None:
    """Fill in the form and send it; a file is opened in JupyterLab."""
    page.get_by_label("Repository").fill(url)
    page.get_by_label("Branch, tag or commit").fill(ref)
    page.get_by_text("More options").click()
    page.get_by_label("File to open").fill(file)
    page.get_by_label("Open with").select_option("JupyterLab" if file else "Automatic")
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url("**/launches/*")


def test_the_first_day(home_hub: HomeHub, maria: Page, jonas: Page, artifacts: Path) -> None:
    """Paste, watch, work, stop, come back; and nobody else sees any of it."""
    files = {
        "README.md": "# Waves\n",
        "requirements.txt": "humanize\n",
        "postBuild": HELD_BUILD,
        "index.ipynb": notebook(*WORK),
        "look.ipynb": notebook(LOOK),
    }
    repo = home_hub.git.create_repo("ocean/waves", files)
    maria.screenshot(path=artifacts / "main-page.png")
    launch(maria, repo.url, file="index.ipynb")
    expect(maria.locator("#steps [data-state=active]")).to_contain_text("environment")
    maria.get_by_text("Build log", exact=True).click()
    expect(maria.locator("#log-lines")).to_contain_text("humanize", timeout=START_MS)
    maria.screenshot(path=artifacts / "progress.png")
    home_hub.let_build()
    maria.wait_for_url("**/user/maria/waves-*/lab/**", timeout=START_MS)

    wait_for_lab(maria)
    run_cells(maria, [0, 1])
    expect(output(maria, 0)).to_have_text("1,234,567")
    expect(output(maria, 1)).to_have_text(f"kept by maria {MARK}")
    save(maria)
    maria.screenshot(path=artifacts / "lab.png")

    home_hub.stop_server(maria, "waves")
    maria.screenshot(path=artifacts / "main-page-with-server.png")
    launch(maria, repo.url, file="index.ipynb")
    maria.wait_for_url("**/user/maria/waves-*/lab/**", timeout=START_MS)
    wait_for_lab(maria)
    expect(output(maria, 1)).to_have_text(f"kept by maria {MARK}")
    expect(maria.locator(".jp-DirListing-item", has_text="kept.txt")).to_be_visible()
    run_cells(maria, [2, 3])
    expect(output(maria, 2)).to_have_text("True")
    expect(output(maria, 3)).to_have_text("files 2 processes 1")

    launch(jonas, repo.url, file="look.ipynb")
    jonas.wait_for_url("**/user/jonas/waves-*/lab/**", timeout=START_MS)
    wait_for_lab(jonas)
    run_cells(jonas, [0])
    expect(output(jonas, 0)).to_have_text("files 0 processes 0")
    expect(jonas.locator(".jp-DirListing-item", has_text="look.ipynb")).to_be_visible()
    expect(jonas.locator(".jp-DirListing-item", has_text="kept.txt")).to_have_count(0)
    server = re.sub(r"/lab.*", "/api/contents/kept.txt", maria.url)
    refused = jonas.goto(server)
    assert refused is not None and not refused.ok
    jonas.goto(home_hub.main_page)
    expect(jonas.locator("#work > li[id^=server-]").filter(has_text="waves")).to_have_count(1)


def test_every_tab_and_every_return_finds_the_same_launch(
    home_hub: HomeHub, context: BrowserContext, maria: Page
) -> None:
    files = {"requirements.txt": "humanize\n", "postBuild": HELD_BUILD, "start": HELD}
    repo = home_hub.git.create_repo("ocean/slow", files)
    launch(maria, repo.url)
    address = maria.url
    expect(maria.locator("#steps [data-state=active]")).to_contain_text("environment")
    maria.reload()
    expect(maria.locator("#steps [data-state=active]")).to_contain_text("environment")
    home_hub.let_build()
    other = context.new_page()
    other.goto(home_hub.main_page)
    other.get_by_role("link", name="Watch slow").click()
    assert other.url == address
    other.goto(home_hub.main_page)
    launch(other, repo.url)
    assert other.url == address
    maria.route("**/events*", lambda route: route.abort())
    maria.reload()
    expect(maria.locator("#connection")).to_contain_text("the launch goes on")
    maria.unroute("**/events*")
    home_hub.let_start("maria", repo)
    for tab in (maria, other):
        tab.wait_for_url("**/user/maria/slow-*/lab**", timeout=START_MS)
        # The second JupyterLab of a browser goes on to a workspace of its own once it has begun.
        wait_for_lab(tab)
    assert len(list((home_hub.root / "builds").glob("*.log"))) >= 1
    home_hub.stop_server(maria, "slow")


def test_a_link_from_outside_asks_until_it_is_trusted(
    home_hub: HomeHub, repo: RepoHandle, maria: Page, artifacts: Path
) -> None:
    link = f"{home_hub.main_page}v2/git/{quote(repo.url, safe='')}/main?labpath=look.ipynb"
    maria.goto(link)
    expect(maria.get_by_role("heading", name="Launch tides?")).to_be_visible()
    expect(maria.locator(".binder-sees")).to_contain_text("This project's folder")
    maria.screenshot(path=artifacts / "confirmation.png", full_page=True)
    maria.wait_for_timeout(500)
    assert maria.url == link
    maria.get_by_label("Trust this repository from now on").check()
    maria.get_by_role("button", name="Launch").click()
    maria.wait_for_url("**/user/maria/tides-*/**", timeout=START_MS)
    maria.goto(link)
    maria.wait_for_url("**/user/maria/tides-*/**", timeout=START_MS)
    maria.goto(f"{home_hub.main_page}settings")
    maria.get_by_role("button", name="Revoke").click()
    expect(maria.get_by_text("None. Trust is given")).to_be_visible()
    maria.goto(link)
    maria.wait_for_timeout(500)
    assert maria.url == link
    home_hub.stop_server(maria, "tides")


def test_a_launch_without_scripts(home_hub: HomeHub, repo: RepoHandle, browser: Browser) -> None:
    context = new_context(browser, java_script_enabled=False)
    page = context.new_page()
    home_hub.sign_in(page, "maria")
    page.get_by_label("Repository").fill(repo.url)
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url("**/user/maria/tides-*/**", timeout=START_MS)
    page.goto(home_hub.main_page)
    row = page.locator("#work li").filter(has_text="tides")
    row.locator(".binder-menu > summary").click()
    row.get_by_role("button", name="Stop").click()
    page.wait_for_url(home_hub.main_page)
    context.close()


FAILURES = {
    "unsolvable": (
        {"requirements.txt": "humanize==4.9.0\nhumanize==4.8.0\n"},
        "",
        "humanize",
    ),
    "dockerfile": ({"Dockerfile": "FROM debian\n"}, "", "Dockerfile"),
    "no-such-ref": ({"README.md": "x"}, "nope", "nope"),
    "post-build": ({"postBuild": "#!/bin/sh\necho it broke here\nexit 3\n"}, "", "postBuild"),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_failure_says_what_happened_and_what_to_do(
    home_hub: HomeHub, maria: Page, artifacts: Path, kind: str
) -> None:
    files, ref, words = FAILURES[kind]
    repo = home_hub.git.create_repo(f"failures/{kind}", files)
    launch(maria, repo.url, ref=ref)
    expect(maria.locator("#failure")).to_be_visible(timeout=START_MS)
    expect(maria.locator("#failure")).to_contain_text(words)
    expect(maria.locator("#failure-reference")).not_to_be_empty()
    maria.screenshot(path=artifacts / f"failure-{kind}.png", full_page=True)
    maria.reload()
    expect(maria.locator("#failure")).to_contain_text(words)
    maria.get_by_role("link", name="Back to the form").click()
    expect(maria.get_by_label("Repository")).to_have_value(repo.url)
    expect(maria.get_by_label("Branch, tag or commit")).to_have_value(ref)


BAD = {
    "file:///etc/passwd": "repo",
    "ext::sh -c touch% /tmp/x": "repo",
    "https://user:secret@example.org/x/y": "repo",
    "": "repo",
    "http://169.254.169.254/x/y": None,
}


@pytest.mark.parametrize("text", [text for text in BAD if text])
def test_bad_input_is_refused_at_its_field_or_by_the_launch(
    home_hub: HomeHub, maria: Page, text: str
) -> None:
    maria.get_by_label("Repository").fill(text)
    maria.get_by_role("button", name="Launch", exact=True).click()
    problem = maria.locator("#repo-error, .alert-danger, #failure-words").first
    expect(problem).not_to_be_empty()
    assert "secret" not in problem.inner_text()


def test_cancelling_ends_the_build(home_hub: HomeHub, maria: Page) -> None:
    files = {"requirements.txt": "humanize\n", "postBuild": "#!/bin/sh\nsleep 300\n"}
    repo = home_hub.git.create_repo("ocean/endless", files)
    launch(maria, repo.url)
    expect(maria.locator("#steps [data-state=active]")).to_contain_text("environment")
    maria.get_by_role("button", name="Cancel").click()
    expect(maria.get_by_role("heading", name="Cancelled")).to_be_visible()


def test_pictures(home_hub: HomeHub, browser: Browser, maria: Page, artifacts: Path) -> None:
    """The same pages in the dark and on a phone."""
    state = maria.context.storage_state()
    shots = {"dark": (1100, 800, "dark"), "phone": (360, 740, "light")}
    for name, (width, height, scheme) in shots.items():
        context = new_context(
            browser,
            storage_state=state,
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        page = context.new_page()
        page.goto(home_hub.main_page)
        page.get_by_role("heading", name="Open a repository").wait_for()
        page.screenshot(path=artifacts / f"main-page-{name}.png")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        context.close()
