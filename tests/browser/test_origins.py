"""Servers have origins of their own: what a page of one can do to the Hub and to our service.

Nothing. The pages are JupyterLab's own, in which a notebook's output runs its script, as a
stranger's notebook does.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from gitserver import RepoHandle
from homehub import ODD_NAMES, HomeHub
from lab import notebook, run_cells, wait_for_lab
from patience import START_MS
from playwright.sync_api import Browser, Page, expect

# What was done to a hub with one origin, each way in; `found` says which led anywhere.
ATTACK = """
(async () => {
  const found = {};
  const attempt = async (name, way) => {
    try { found[name] = await way(); } catch (error) { found[name] = `refused: ${error.name}`; }
  };
  const html = async (answer) => (await answer).text();
  const frame = (url) => new Promise((resolve) => {
    const made = document.createElement("iframe");
    made.src = url;
    made.onload = () => resolve(made);
    document.body.append(made);
  });
  const cookieBelow = (path) => {
    const here = location.href;
    history.replaceState(null, "", path);
    const cookie = document.cookie;
    history.replaceState(null, "", here);
    return (cookie.match(/_xsrf=([^;]+)/) || [])[1] || "";
  };
  const form = (repo, _xsrf) => new URLSearchParams({ repo, files: "home", _xsrf });
  for (const [where, hub] of [["hub", HUB], ["here", location.origin]]) {
    const service = `${hub}/services/binder/`;
    const mine = { credentials: "include" };
    await attempt(`${where}: reads our page`, async () => html(fetch(service, mine)));
    await attempt(`${where}: reads the token page`, async () =>
      html(fetch(`${hub}/hub/token`, mine)));
    await attempt(`${where}: frames a file`, async () =>
      (await frame(`${service}static/js/api.js`)).contentDocument.cookie);
    await attempt(`${where}: launches`, async () => html(fetch(`${service}launch`, {
      ...mine, method: "POST", body: form(REPO, cookieBelow("/services/binder/")),
    })));
    await attempt(`${where}: launches blindly`, async () => html(fetch(`${service}launch`, {
      ...mine, mode: "no-cors", method: "POST", body: form(REPO, cookieBelow("/services/binder/")),
    })));
    const calls = { "launches by the API": [`${service}api/launches`, "/services/binder/"],
      "makes a token": [`${hub}/hub/api/users/maria/tokens`, "/hub/"] };
    for (const [what, [url, path]] of Object.entries(calls)) {
      await attempt(`${where}: ${what}`, async () => html(fetch(url, {
        ...mine, method: "POST", body: JSON.stringify({ repo: REPO }),
        headers: { "X-XSRFToken": cookieBelow(path) },
      })));
    }
  }
  const window_ = open(`${HUB}/services/binder/`);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await attempt("a window", async () => window_.document.body.innerText);
  window.found = found;
})();
"""


@pytest.fixture(scope="module")
def repo(home_hub: HomeHub) -> RepoHandle:
    return home_hub.git.create_repo("ocean/names", {"requirements.txt": ""})


def hostile(hub: HomeHub) -> RepoHandle:
    """A repository whose notebook attacks; the one it would launch is itself."""
    repo = hub.git.create_repo("mallory/notes", {"requirements.txt": ""})
    values = f"const HUB = {json.dumps(hub.url)}, REPO = {json.dumps(repo.url)};"
    source = f"from IPython.display import Javascript\nJavascript({values + ATTACK!r})"
    repo.commit({"index.ipynb": notebook(source)}, "Add the notebook")
    return repo


def launch(page: Page, hub: HomeHub, repo: str, file: str = "") -> None:
    page.goto(hub.main_page)
    page.get_by_label("Repository").fill(repo)
    if file:
        page.get_by_text("More options").click()
        page.get_by_label("File to open").fill(file)
        page.get_by_label("Open with").select_option("JupyterLab")
    page.get_by_role("button", name="Launch", exact=True).click()


def asked(page: Page, url: str) -> Any:
    """What a page of the Hub or of ours gets from an API there."""
    return page.evaluate(
        """async (url) => {
          const cookies = [...document.cookie.matchAll(/_xsrf=([^;]+)/g)].map((one) => one[1]);
          const headers = { "X-XSRFToken": cookies[0] };
          return (await fetch(url, { headers })).json();
        }""",
        url,
    )


def state(page: Page, hub: HomeHub) -> tuple[int, int]:
    """How many launches and how many tokens that somebody made maria has."""
    page.goto(hub.main_page)
    launches = len(asked(page, "api/launches")["launches"])
    page.goto(f"{hub.url}/hub/token")
    tokens = asked(page, "/hub/api/users/maria/tokens")["api_tokens"]
    return launches, len([one for one in tokens if one["oauth_client"] == "JupyterHub"])


def test_a_page_of_a_server_cannot_act(home_hub: HomeHub, maria: Page) -> None:
    repo = hostile(home_hub)
    launch(maria, home_hub, repo.url, "index.ipynb")
    maria.wait_for_url("**/user/maria/notes-*/lab/**", timeout=START_MS)
    wait_for_lab(maria)
    with maria.context.new_page() as other:
        before = state(other, home_hub)
    run_cells(maria, [0])
    maria.wait_for_function("window.found")
    found: dict[str, str] = maria.evaluate("window.found")
    with maria.context.new_page() as other:
        assert state(other, home_hub) == before
    assert len(found) == 15
    for way, got in found.items():
        assert "launch-form" not in got and "Token" not in got, (way, got)
        assert "_xsrf" not in got and '"id"' not in got and '"token"' not in got, (way, got)
    assert maria.url.startswith(home_hub.servers_of("maria"))


def test_a_browser_that_finds_no_such_name_says_so(
    home_hub: HomeHub, repo: RepoHandle, maria: Page, artifacts: Path
) -> None:
    maria.route(re.compile("//maria[.]localhost"), lambda route: route.abort("namenotresolved"))
    launch(maria, home_hub, repo.url)
    told = maria.get_by_role("alert").filter(has_text="does not reach the address")
    expect(told).to_be_visible(timeout=START_MS)
    expect(told).to_contain_text("--no-subdomains")
    expect(maria.get_by_role("link", name="Open it")).to_be_visible()
    maria.screenshot(path=artifacts / "unreachable.png", full_page=True)
    maria.set_viewport_size({"width": 390, "height": 844})
    maria.screenshot(path=artifacts / "unreachable-phone.png", full_page=True)
    maria.unroute_all()
    maria.reload()
    maria.wait_for_url(f"{home_hub.servers_of('maria')}/names-*/**", timeout=START_MS)


def test_who_was_let_in_enters_at_the_owners_host_until_it_is_taken_back(
    home_hub: HomeHub, repo: RepoHandle, maria: Page, browser: Browser
) -> None:
    others = [home_hub.visitor(browser, name) for name in ("jonas", ODD_NAMES[0].lower())]
    with others[0] as jonas, others[1] as zoe:
        maria.goto(home_hub.main_page)
        maria.get_by_label("Repository").fill(repo.url)
        maria.get_by_text("More options").click()
        told = maria.get_by_text("Somebody else may enter this server. They act as you in it")
        expect(told).to_be_hidden()
        maria.get_by_label("One more person or group").fill("jonas")
        expect(told).to_be_visible()
        maria.get_by_role("button", name="Launch", exact=True).click()
        maria.wait_for_url(f"{home_hub.servers_of('maria')}/names-*/**", timeout=START_MS)

        jonas.goto(home_hub.main_page)
        jonas.get_by_role("link", name=re.compile("Open names-.* of maria")).click()
        jonas.get_by_role("button", name="Authorize").click()
        jonas.wait_for_url(f"{home_hub.servers_of('maria')}/names-*/lab**", timeout=START_MS)
        wait_for_lab(jonas)
        server = re.sub(r"(/user/maria/[^/]*/).*", r"\1", jonas.url)
        assert _status(zoe, server) == 403

        maria.goto(home_hub.main_page)
        maria.get_by_text("Who may enter names: you, jonas").click()
        maria.get_by_role("button", name="Take back from jonas").click()
        expect(maria.get_by_text("Who may enter names: only you")).to_be_visible()
    with home_hub.visitor(browser, "jonas") as jonas:
        expect(jonas.get_by_text("Shared with you")).to_be_hidden()
        assert _status(jonas, server) == 403


def _status(page: Page, url: str) -> int:
    answer = page.goto(url)
    assert answer is not None
    return answer.status


@pytest.mark.parametrize("user", ODD_NAMES)
def test_every_name_has_a_host(
    home_hub: HomeHub, repo: RepoHandle, browser: Browser, user: str
) -> None:
    with home_hub.visitor(browser, user) as page:
        launch(page, home_hub, repo.url)
        own = re.compile(r"^http://[a-z0-9-]+[.]localhost:\d+/user/.*/lab")
        page.wait_for_url(own, timeout=START_MS)
        wait_for_lab(page)
        host = page.evaluate("location.host")
        assert re.fullmatch(r"[a-z0-9-]+[.]localhost:\d+", host)


def test_links_to_addresses_of_before_arrive(
    home_hub: HomeHub, repo: RepoHandle, maria: Page
) -> None:
    link = f"v2/git/{repo.url.replace('/', '%2F').replace(':', '%3A')}/main"
    for host in ("localhost", "127.0.0.1", "maria.localhost"):
        address = home_hub.main_page.replace("localhost", host)
        maria.goto(address + link)
        assert maria.url == home_hub.main_page + link
        expect(maria.get_by_role("button", name="Launch", exact=True)).to_be_visible()
