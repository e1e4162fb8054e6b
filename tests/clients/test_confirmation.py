"""The page that asks before a stranger's link runs: in Chromium, with a real hub and a real
other site (`127.0.0.1` against `localhost`), by mouse and by keyboard, wide and narrow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from chromium import new_context
from foreignsite import ForeignSite
from gitserver import RepoHandle
from homehub import HomeHub
from patience import START_MS
from playwright.sync_api import Browser, Page, StorageState, expect


@pytest.fixture(scope="module")
def repo(hub: HomeHub) -> RepoHandle:
    handle = hub.git.create_repo("links/tides", {"requirements.txt": "", "index.ipynb": "{}"})
    handle.commit({"README.md": "# Tides"}, "Add a word for those who come later")
    return handle


@pytest.fixture(scope="module")
def signed_in(hub: HomeHub, browser: Browser) -> StorageState:
    """The cookies of somebody who signed in and trusts nothing yet."""
    with hub.visitor(browser, "jonas") as page:
        return page.context.storage_state()


@pytest.fixture
def jonas(hub: HomeHub, browser: Browser, signed_in: StorageState) -> Iterator[Page]:
    """A signed-in browser; trust does not outlast the test."""
    context = new_context(
        browser, reduced_motion="reduce", bypass_csp=True, storage_state=signed_in
    )
    page = context.new_page()
    page.goto(hub.main_page)
    yield page
    # a page that follows its launch would go on to the server, whatever is asked of it
    page.close()
    settings = context.new_page()
    settings.goto(f"{hub.main_page}settings")
    while settings.get_by_role("button", name="Revoke").count():
        with settings.expect_navigation():
            settings.get_by_role("button", name="Revoke").first.click()
    expect(settings.locator("main")).to_be_visible()
    context.close()


def link(hub: HomeHub, repo: RepoHandle, options: str = "", ref: str = "main") -> str:
    return f"{hub.main_page}v2/git/{quote(repo.url, safe='')}/{ref}{options}"


def launches(page: Page, hub: HomeHub) -> int:
    for _ in range(3):
        page.goto(hub.main_page)
        found = page.evaluate(
            "async () => (await (await fetch('api/launches', "
            "{headers: {'X-XSRFToken': document.querySelector('[name=_xsrf]').value}})).json())"
        )
        if "launches" in found:
            return len(found["launches"])
        # A late answer to what another port sent brought a new cookie for the page's token.
    raise AssertionError(found)


def asks(page: Page) -> None:
    """The page asks, and goes on asking."""
    expect(page.get_by_role("heading", name=re.compile("^Launch "))).to_be_visible()
    page.wait_for_timeout(300)
    expect(page.get_by_role("button", name="Launch", exact=True)).to_be_visible()
    assert "/v2/" in page.url


def test_a_link_on_another_site(
    hub: HomeHub, repo: RepoHandle, site: ForeignSite, jonas: Page, artifacts: Path
) -> None:
    before = launches(jonas, hub)
    there = link(hub, repo, "?urlpath=lab/tree/index.ipynb")
    jonas.goto(site.show("/book", f'<a href="{there}">Launch</a>'))
    jonas.get_by_text("Launch").click()
    asks(jonas)
    main = jonas.locator("main")
    for words in ("127.0.0.1", repo.url, "This project's folder", "read and change", "internet"):
        expect(main).to_contain_text(words)
    expect(main).to_contain_text("lab/tree/index.ipynb")
    expect(main).to_contain_text("Add a word for those who come later")
    jonas.screenshot(path=artifacts / "confirm.png", full_page=True)
    assert launches(jonas, hub) == before


def test_launching_trusting_and_taking_it_back(
    hub: HomeHub, repo: RepoHandle, jonas: Page, artifacts: Path
) -> None:
    other = hub.git.create_repo("links/other", {"requirements.txt": ""})
    jonas.goto(link(hub, repo))
    jonas.get_by_label("Trust this repository from now on").check()
    jonas.get_by_role("button", name="Launch", exact=True).click()
    jonas.wait_for_url("**/user/jonas/tides-*/**", timeout=START_MS)

    # trusted, as far as that goes
    jonas.goto(link(hub, repo))
    jonas.wait_for_url("**/user/jonas/tides-*/**", timeout=START_MS)
    # …and no further: another repository, more rights, a proposed commit, a page that acts
    for more in (
        link(hub, other),
        link(hub, repo, "?files=home&server=more"),
        link(hub, repo, "?server=more"),
        link(hub, repo, ref=repo.git("rev-parse", "main")),
        link(hub, repo, "?urlpath=lab%3Freset&server=more"),
        link(hub, repo, f"?content=git/{quote(quote(other.url, safe=''), safe='')}/main"),
    ):
        jonas.goto(more)
        asks(jonas)
    jonas.goto(link(hub, repo, "?server=again&files=home"))
    expect(jonas.locator("main")).to_contain_text("Ada Example")
    expect(jonas.locator("main")).to_contain_text("Add a word for those who come later")
    expect(jonas.locator("main")).to_contain_text("Your whole home")
    expect(jonas.locator("main")).to_contain_text("Built already")
    jonas.screenshot(path=artifacts / "confirm-more-rights.png", full_page=True)

    jonas.goto(f"{hub.main_page}settings")
    expect(jonas.locator("main")).to_contain_text("links/tides")
    jonas.screenshot(path=artifacts / "settings.png", full_page=True)
    jonas.get_by_role("button", name="Revoke").click()
    expect(jonas.locator("main")).not_to_contain_text("links/tides")
    jonas.goto(link(hub, repo))
    asks(jonas)


@pytest.mark.parametrize("page_path", ["v2", "", "settings"])
def test_it_cannot_be_framed(
    hub: HomeHub, repo: RepoHandle, site: ForeignSite, jonas: Page, page_path: str
) -> None:
    there = link(hub, repo) if page_path == "v2" else hub.main_page + page_path
    jonas.goto(site.show("/frame", f'<iframe src="{there}" name="inside"></iframe>'))
    jonas.wait_for_timeout(1000)
    inside = jonas.frame(name="inside")
    assert inside is None or "Launch" not in inside.content()


FORGERIES = {
    "plain": '<form method="post" action="{action}"><input name="link" value="{link}"></form>',
    "guessed": '<form method="post" action="{action}?_xsrf=x"><input name="link" value="{link}">'
    '<input name="_xsrf" value="2|aaaaaaaa|bbbb|1"><input name="trust" value="yes"></form>',
    "text": '<form method="post" enctype="text/plain" action="{action}">'
    '<input name="_xsrf=x&link" value="{link}"></form>',
    "new window": '<form method="post" target="_blank" action="{action}">'
    '<input name="link" value="{link}"></form>',
    "get": '<form method="get" action="{action}"><input name="link" value="{link}"></form>',
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_form_of_another_site_starts_nothing(
    hub: HomeHub, repo: RepoHandle, site: ForeignSite, jonas: Page, kind: str
) -> None:
    before = launches(jonas, hub)
    form = FORGERIES[kind].format(action=f"{hub.main_page}launch", link=link(hub, repo))
    jonas.goto(site.show("/forged", form))
    jonas.evaluate("document.forms[0].submit()")
    jonas.wait_for_timeout(1500)
    assert launches(jonas, hub) == before
    jonas.goto(f"{hub.main_page}settings")
    expect(jonas.locator("main")).not_to_contain_text("links/tides")


SCRIPTS = {
    "fetch": "fetch('{there}', {{mode: 'no-cors', credentials: 'include'}})",
    "fetch post": "fetch('{action}', {{method: 'POST', mode: 'no-cors', credentials: 'include', "
    "body: new URLSearchParams({{link: '{there}'}})}})",
    "api": "fetch('{api}', {{method: 'POST', credentials: 'include', "
    "headers: {{'Content-Type': 'application/json'}}, body: '{{}}'}})",
    "stream": "new EventSource('{build}', {{withCredentials: true}})",
    "image": "Object.assign(new Image(), {{src: '{build}'}})",
}


@pytest.mark.parametrize("origin", ["another site", "another port"])
@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_script_of_another_site_starts_nothing(
    hub: HomeHub, repo: RepoHandle, site: ForeignSite, jonas: Page, kind: str, origin: str
) -> None:
    before = launches(jonas, hub)
    there = link(hub, repo)
    script = SCRIPTS[kind].format(
        there=there,
        action=f"{hub.main_page}launch",
        api=f"{hub.main_page}api/launches",
        build=there.replace("/v2/", "/build/"),
    )
    page = site.show("/script", "")
    # cookies know no ports: such a page counts as the same site
    jonas.goto(page if origin == "another site" else page.replace("127.0.0.1", "localhost"))
    jonas.evaluate(f"() => {{ {script} }}")
    jonas.wait_for_timeout(1000)
    assert launches(jonas, hub) == before


@pytest.mark.parametrize(
    ("policy", "words"),
    [("no-referrer", "does not say where it came from"), ("unsafe-url", "127.0.0.1")],
)
def test_tricks_with_the_referrer_change_words_only(
    hub: HomeHub, repo: RepoHandle, site: ForeignSite, jonas: Page, policy: str, words: str
) -> None:
    there = link(hub, repo)
    body = f'<a referrerpolicy="{policy}" href="{there}">Go</a>'
    jonas.goto(site.show(f"/services/binder/{policy}", body))
    jonas.get_by_text("Go").click()
    asks(jonas)
    expect(jonas.locator(".lead")).to_contain_text(words)
    jonas.goto(there)
    expect(jonas.locator(".lead")).to_contain_text("typed or opened from a bookmark")


def test_by_keyboard_alone(hub: HomeHub, repo: RepoHandle, jonas: Page) -> None:
    jonas.goto(link(hub, repo))
    seen = []
    for _ in range(30):
        jonas.keyboard.press("Tab")
        focused = jonas.evaluate(
            "document.activeElement.closest('main') && "
            "(document.activeElement.id || document.activeElement.innerText)"
        )
        seen.append(focused)
        if focused == "trust":
            jonas.keyboard.press("Space")
        if focused == "Launch":
            break
    assert seen.index("trust") < seen.index("Launch")
    expect(jonas.get_by_label("Trust this repository from now on")).to_be_checked()
    jonas.keyboard.press("Enter")
    jonas.wait_for_url(re.compile("/launches/|/user/"))


@pytest.mark.parametrize("width", [360, 1100])
def test_reads_well(
    hub: HomeHub, repo: RepoHandle, jonas: Page, artifacts: Path, width: int
) -> None:
    jonas.set_viewport_size({"width": width, "height": 800})
    for name, address in (("confirm", link(hub, repo)), ("settings", f"{hub.main_page}settings")):
        jonas.goto(address)
        jonas.wait_for_timeout(200)
        assert jonas.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(jonas, context="main", options={"resultTypes": ["violations"]})
        serious = [
            v["id"] for v in found.response["violations"] if v["impact"] in ("serious", "critical")
        ]
        assert serious == []
        jonas.screenshot(path=artifacts / f"{name}-{width}.png", full_page=True)
