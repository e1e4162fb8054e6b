"""The Hub's own pages: each leads to ours, and none offers what cannot be."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request

import pytest
from gitserver import RepoHandle
from homehub import HELD, HomeHub
from lab import DROP
from patience import SOON, START_MS
from playwright.sync_api import Page, expect
from test_accessibility import findings

GONE = re.compile("Start My Server|My Server|Add New Server|Relaunch|Launch Server", re.IGNORECASE)


@pytest.fixture(scope="module")
def repo(home_hub: HomeHub) -> RepoHandle:
    return home_hub.git.create_repo("ocean/pages", {"requirements.txt": "", "start": HELD})


def test_home_and_control_panel_lead_to_the_main_page(home_hub: HomeHub, maria: Page) -> None:
    maria.goto(f"{home_hub.url}/hub/home")
    maria.wait_for_url(home_hub.main_page)
    for path in ("token", "accept-share?code=x", "nothing/here"):
        maria.goto(f"{home_hub.url}/hub/{path}")
        bar = maria.locator("#thenavbar")
        expect(bar.get_by_role("link", name="Home")).to_have_count(0)
        expect(bar.get_by_text("maria")).to_be_visible()
        expect(maria.get_by_text(GONE)).to_have_count(0)
        bar.get_by_role("link", name="Launch").click()
        maria.wait_for_url(home_hub.main_page)


def test_the_hubs_own_list_is_there_when_ours_is_not(home_hub: HomeHub, maria: Page) -> None:
    maria.route("**/services/binder/health", lambda route: route.fulfill(status=503))
    maria.goto(f"{home_hub.url}/hub/home")
    expect(maria.locator(".server-table")).to_be_visible()
    expect(maria.get_by_text(GONE).filter(visible=True)).to_have_count(0)


def is_let_in(hub: HomeHub, token: str) -> bool:
    """Whether a program with this token gets something of the Hub."""
    headers = {"Authorization": f"token {token}"}
    try:
        request = urllib.request.Request(f"{hub.url}/hub/api/user", headers=headers)
        with urllib.request.urlopen(request, timeout=SOON) as answer:
            return bool(json.load(answer)["name"] == "maria")
    except urllib.error.HTTPError as error:
        assert error.code == 403
        return False


def test_a_token_is_made_and_revoked_in_german(home_hub: HomeHub, maria: Page) -> None:
    # JupyterHub's script has to be there before the button is pressed
    maria.goto(f"{home_hub.url}/hub/token?lang=de", wait_until="networkidle")
    expect(maria.get_by_role("heading", level=1)).to_have_text("API-Tokens")
    maria.get_by_label("Notiz").fill("Messboje")
    ends = maria.get_by_label("Läuft ab nach")
    assert ends.locator("option").all_inner_texts() == [
        *("1 Stunde", "1 Tag", "1 Woche", "30 Tagen", "1 Jahr", "Läuft nicht ab")
    ]
    ends.select_option("1 Tag")
    maria.get_by_role("button", name="Token erzeugen").click()
    expect(maria.get_by_text("Kopieren Sie es jetzt")).to_be_visible()
    token = maria.locator("#token-result").inner_text()
    assert is_let_in(home_hub, token)

    maria.reload(wait_until="networkidle")
    row = maria.get_by_role("row").filter(has_text="Messboje")
    made = row.locator("time").nth(-2)
    maria.clock.set_fixed_time(made.get_attribute("datetime") or "")
    maria.reload(wait_until="networkidle")
    expect(made).to_have_text("gerade eben")
    expect(maria.locator("#oauth-tokens-table")).to_contain_text("Dienst binder")
    assert findings(maria) == []
    maria.set_viewport_size({"width": 360, "height": 740})
    assert maria.evaluate("document.documentElement.scrollWidth") == 360
    row.get_by_role("button", name="Widerrufen").click()
    expect(row).to_have_count(0)
    assert not is_let_in(home_hub, token)


PEOPLE = """() => {
  const hook = document.createElement("div");
  const cells = '<td>a-long-name-of-somebody</td>'.repeat(5);
  hook.innerHTML = `<div class="container"><table class="table"><tr>${cells}</tr></table></div>`;
  document.querySelector(".binder-tokens").after(hook);
}"""
"""A table as the Hub's page of people has it."""


def test_tables_of_the_hub_fit_a_phone(home_hub: HomeHub, maria: Page) -> None:
    maria.set_viewport_size({"width": 360, "height": 800})
    maria.goto(f"{home_hub.url}/hub/token")
    name = maria.locator("#oauth-tokens-table .note-col").first.bounding_box()
    assert name is not None and name["width"] > 120
    above = maria.get_by_role("button", name="Make a token").bounding_box()
    below = maria.locator("section h2").first.bounding_box()
    assert above is not None and below is not None
    assert below["y"] - above["y"] - above["height"] > 16
    maria.evaluate(PEOPLE)
    assert maria.evaluate("document.documentElement.scrollWidth") == 360


def test_a_token_that_cannot_be_is_refused_in_german(home_hub: HomeHub, maria: Page) -> None:
    maria.goto(f"{home_hub.url}/hub/token?lang=de", wait_until="networkidle")
    maria.get_by_label("Was es darf").fill("no-such-scope")
    maria.get_by_role("button", name="Token erzeugen").click()
    told = maria.get_by_role("dialog")
    expect(told.get_by_role("heading")).to_have_text("Fehler")
    expect(told).to_contain_text("no-such-scope")
    told.get_by_role("button", name="OK").click()
    expect(told).to_be_hidden()


@pytest.mark.parametrize("path", ["hub/nothing", "services/binder/nothing", "user/jonas/x/lab"])
def test_what_is_not_there_knows_who_asks(home_hub: HomeHub, maria: Page, path: str) -> None:
    answer = maria.goto(f"{home_hub.url}/{path}")
    assert answer is not None and answer.status in (403, 404)
    expect(maria.get_by_role("heading", level=1)).to_have_text("There is nothing here")
    expect(maria.locator("#login_widget")).to_contain_text("maria")
    expect(maria.locator("body")).not_to_contain_text("moons")
    maria.get_by_role("link", name="To the main page").click()
    maria.wait_for_url(home_hub.main_page)


STARTING = """async () => {
  const headers = { "X-XSRFToken": document.querySelector("[data-xsrf]").dataset.xsrf };
  for (;;) {
    const answer = await fetch("/services/binder/api/servers", { headers });
    const {servers} = await answer.json();
    const mine = servers.find((server) => server.name.startsWith("pages-"));
    if (mine && mine.state === "starting") return mine.name;
    await new Promise((done) => setTimeout(done, 100));
  }
}"""
"""The server's name, once it starts."""


def test_a_server_that_starts_or_does_not_run(
    home_hub: HomeHub, repo: RepoHandle, maria: Page
) -> None:
    maria.get_by_label("Repository").fill(repo.url)
    maria.get_by_role("button", name="Launch", exact=True).click()
    maria.wait_for_url("**/launches/*")
    other = maria.context.new_page()
    other.set_extra_http_headers({"Accept-Language": "de"})
    other.goto(f"{home_hub.url}/hub/spawn-pending/maria/{maria.evaluate(STARTING)}")
    expect(other.get_by_role("heading", level=1)).to_have_text("Ihr Server startet")
    home_hub.let_start("maria", repo)
    other.wait_for_url("**/user/maria/pages-*/**")
    other.close()
    maria.wait_for_url("**/user/maria/pages-*/**", timeout=START_MS)
    there = maria.url
    row = home_hub.stop_server(maria, "pages")
    maria.goto(there)
    expect(maria.get_by_role("heading", level=1)).to_have_text("Your server does not run")
    expect(maria.get_by_text(GONE)).to_have_count(0)
    maria.get_by_role("link", name="To your work").click()
    maria.wait_for_url(f"{home_hub.main_page}#work")
    expect(row.get_by_role("button", name="Open")).to_be_visible()


def test_a_hub_that_starts_says_so_and_comes_back(home_hub: HomeHub, maria: Page) -> None:
    """Its proxy outlives a Hub that is killed, and is another one once the Hub starts.

    A notebook that was being brought meanwhile is there when it is launched again.
    """
    maria.evaluate(DROP, json.dumps({"cells": [], "metadata": {}, "nbformat": 4}))
    maria.wait_for_url("**/launches/*")
    brought = maria.url
    home_hub.crash()
    try:
        maria.goto(f"{home_hub.url}/hub/token")
        expect(maria.get_by_role("heading", level=1)).to_have_text("Starting")
    finally:
        home_hub.start()
    expect(maria.get_by_role("button", name="Make a token")).to_be_visible()
    maria.goto(brought)
    maria.get_by_role("button", name="Launch again").click()
    maria.wait_for_url("**/user/maria/scratch-*/lab/tree/mine.ipynb", timeout=START_MS)
