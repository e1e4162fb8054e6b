"""What the pages do in a browser, against a stream and answers that the test writes."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
import samples
from harness import Pages, Stream
from playwright.sync_api import BrowserContext, Page, expect


@pytest.fixture
def stream(pages: Pages) -> Stream:
    stream = pages.streams["8c1f0a"] = Stream()
    stream.say("waiting", "Looking for main", step="resolve", progress=2, time=100)
    stream.say("waiting", "Allowed", step="admit", progress=10, time=101)
    stream.say("building", "Installing packages", step="image", progress=35, time=102)
    stream.say("building", " + humanize==4.9", step="image", log=True)
    return stream


@pytest.fixture
def progress(pages: Pages, stream: Stream, page: Page) -> Page:
    page.goto(pages.show("launches/8c1f0a", "launch.html", **samples.launch(started="")))
    expect(page.locator("#message")).to_have_text("Installing packages")
    return page


def steps(page: Page) -> list[str | None]:
    items = page.locator("#steps li")
    return [items.nth(index).get_attribute("data-state") for index in range(items.count())]


# ---- progress ------------------------------------------------------------------------------


def test_progress_is_told_in_steps_a_bar_words_and_the_title(progress: Page) -> None:
    assert steps(progress) == ["done", "done", "active", "waiting", "waiting"]
    expect(progress.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "35")
    expect(progress).to_have_title("35% · tidal-analysis")
    expect(progress.locator("#steps [aria-current=step]")).to_contain_text("Build the environment")
    expect(progress.locator("#steps li").first).to_contain_text("0:01")


def test_the_readme_is_there_to_read_while_it_builds(
    pages: Pages, stream: Stream, page: Page
) -> None:
    pages.answers["api/launches/8c1f0a/readme"] = samples.README
    page.goto(pages.show("launches/8c1f0a", "launch.html", **samples.launch(started="")))
    readme = page.get_by_role("region", name="What its authors say: README.md")
    expect(readme.get_by_role("heading", name="Tides")).to_be_visible()
    expect(readme).to_contain_text("This is its beginning.")
    expect(page.locator("#notebook")).to_be_hidden()


def test_so_is_the_notebook_that_opens(pages: Pages, stream: Stream, page: Page) -> None:
    pages.answers["api/launches/8c1f0a/notebook"] = samples.NOTEBOOK
    page.goto(pages.show("launches/8c1f0a", "launch.html", **samples.launch(started="")))
    notebook = page.get_by_role("region", name="The notebook that opens: tides.ipynb")
    expect(notebook.get_by_text("import utide")).to_be_visible()
    expect(page.locator("#readme")).to_be_hidden()


def test_the_log_is_folded_away_until_wanted(progress: Page) -> None:
    log = progress.locator("#log-lines")
    expect(log).to_be_hidden()
    expect(progress.locator("#log-count")).to_have_text("1 line")
    progress.get_by_text("Build log", exact=True).click()
    expect(log).to_have_text("+ humanize==4.9")


def test_ready_leads_to_the_server_and_back_does_not_return_here(
    pages: Pages, stream: Stream, progress: Page
) -> None:
    pages.show("", "home.html", **samples.home())
    stream.say("ready", "Ready", step="redirect", progress=100, url="/user/maria/x/lab?y=1")
    progress.wait_for_url("**/user/maria/x/lab?y=1")
    progress.go_back()
    assert progress.url == "about:blank"


def test_who_was_not_let_in_is_read_before_the_server_opens(stream: Stream, progress: Page) -> None:
    words = "Not let in: zed. This hub knows no person called “zed”."
    expect(progress.get_by_role("alert").filter(has_text="Not let in")).to_be_hidden()
    stream.say("launching", words, step="server", progress=90, attention=words)
    stream.say("ready", "Ready", step="redirect", progress=100, url="/user/maria/x/lab")
    expect(progress.locator("#message")).to_have_text("Read this, then open it.")
    expect(progress.get_by_role("alert").filter(has_text="Not let in")).to_have_text(words)
    progress.get_by_role("link", name="Open it").click()
    progress.wait_for_url("**/user/maria/x/lab")


@pytest.mark.parametrize(
    "url", ["//evil.example/x", "https://evil.example/", "javascript:alert(1)"]
)
def test_no_stream_leads_off_the_hub(stream: Stream, progress: Page, url: str) -> None:
    stream.say("ready", "Ready", url=url)
    expect(progress.locator("#failure-words")).to_contain_text("outside this hub")
    assert progress.url.endswith("/launches/8c1f0a")


def test_what_cannot_be_read_leads_to_the_keys(stream: Stream, progress: Page) -> None:
    way = progress.get_by_role("link", name="Keys for private repositories")
    expect(way).to_be_hidden()
    stream.say("failed", "There is no repository that can be read.", code="repo-not-found")
    expect(way).to_be_visible()
    assert str(way.get_attribute("href")).endswith("settings#credentials-title")


def test_failure_says_what_happened_and_keeps_the_log_open(stream: Stream, progress: Page) -> None:
    stream.say("failed", "No solution. Change it.", code="build-failed", detail="Because a<1")
    expect(progress.locator("#failure-words")).to_have_text("No solution. Change it.")
    expect(progress.locator("#failure-reference")).to_have_text("build-failed 8c1f0a")
    expect(progress.locator("#log-lines")).to_be_visible()
    expect(progress.locator("#failure")).to_be_focused()
    expect(progress.locator("#cancel")).to_be_hidden()
    assert steps(progress) == ["done", "done", "failed", "waiting", "waiting"]
    expect(progress).to_have_title("Failed · tidal-analysis")
    progress.get_by_text("Details", exact=True).click()
    expect(progress.locator("#failure-detail pre")).to_have_text("Because a<1")


def test_try_again_and_back_carry_the_values(pages: Pages, stream: Stream, progress: Page) -> None:
    stream.say("failed", "No.", code="build-failed")
    expect(progress.get_by_role("link", name="Back to the form")).to_have_attribute(
        "href", re.compile("repo=")
    )
    progress.get_by_role("button", name="Launch again").click()
    progress.wait_for_url("**/launch")
    method, path, body, _ = pages.posts[-1]
    assert (method, path) == ("POST", "launch")
    assert "tidal-analysis" in body and "_xsrf=token-of-the-page" in body


def test_the_page_says_why_it_waits(pages: Pages, stream: Stream, page: Page) -> None:
    """As where an account follows as much as it may."""
    stream.refuse = 429
    page.goto(pages.show("launches/8c1f0a", "launch.html", **samples.launch(started="")))
    expect(page.locator("#connection")).to_have_text("This launch is not known any more.")
    stream.refuse = 0
    expect(page.locator("#message")).to_have_text("Installing packages")
    expect(page.locator("#connection")).to_be_hidden()


def test_a_dropped_connection_is_resumed_where_it_broke(
    pages: Pages, stream: Stream, page: Page
) -> None:
    stream.cut_after = 3
    page.goto(pages.show("launches/8c1f0a", "launch.html", **samples.launch()))
    expect(page.locator("#log-count")).to_have_text("1 line")
    assert stream.connections == ["", "3"]
    expect(page.locator("#connection")).to_be_hidden()


def test_an_interruption_is_told_and_the_launch_found_again(stream: Stream, progress: Page) -> None:
    stream.down = True
    expect(progress.locator("#connection")).to_contain_text("the launch goes on")
    stream.say("building", "More", step="image", progress=50)
    stream.down = False
    expect(progress.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "50")
    expect(progress.locator("#connection")).to_be_hidden()
    assert stream.connections[-1] == "4"


def test_reload_and_a_second_tab_show_the_same(
    context: BrowserContext, pages: Pages, progress: Page
) -> None:
    progress.reload()
    other = context.new_page()
    other.goto(progress.url)
    for tab in (progress, other):
        expect(tab.locator("#message")).to_have_text("Installing packages")
        assert steps(tab) == ["done", "done", "active", "waiting", "waiting"]
    assert not pages.posts


def test_a_launch_nobody_knows_is_said_in_words_and_not_asked_for_ever(
    stream: Stream, pages: Pages, page: Page
) -> None:
    stream.refuse = 404
    page.goto(pages.show("launches/8c1f0a", "launch.html", **samples.launch()))
    expect(page.locator("#failure-words")).to_have_text("This launch is not known any more.")
    page.wait_for_timeout(1500)
    assert len(stream.connections) == 1


def test_an_ended_launch_keeps_its_words_when_the_stream_is_gone(
    stream: Stream, pages: Pages, page: Page
) -> None:
    stream.refuse = 404
    page.goto(pages.show("launches/8c1f0a", "launch.html", **samples.failed()))
    page.wait_for_timeout(500)
    expect(page.locator("#failure-words")).to_contain_text("cannot be installed together")
    expect(page.locator("#elapsed")).to_have_text("1:12")


def test_cancel_asks_once_with_the_token(pages: Pages, stream: Stream, progress: Page) -> None:
    progress.get_by_role("button", name="Cancel").click()
    expect(progress.get_by_role("button", name="Cancelling…")).to_be_disabled()
    stream.say("failed", "You cancelled this launch.", code="cancelled")
    expect(progress.get_by_role("heading", name="Cancelled")).to_be_visible()
    method, path, _, headers = pages.posts[-1]
    assert (method, path) == ("POST", "api/launches/8c1f0a/cancel")
    assert headers["X-Xsrftoken"] == "token-of-the-page"


def test_what_a_build_prints_is_text(stream: Stream, progress: Page) -> None:
    stream.say("building", samples.HOSTILE, log=True)
    stream.say("building", "\x1b[32mgreen\x1b[0m 10%\r20%", log=True)
    stream.say("building", samples.HOSTILE, step="image")
    expect(progress.locator("#message")).to_have_text(samples.HOSTILE)
    progress.locator("#log summary").click()
    expect(progress.locator("#log-lines")).to_contain_text(samples.HOSTILE)
    expect(progress.locator("#log-lines")).to_contain_text("20%")
    assert "green" not in progress.locator("#log-lines").inner_text()
    assert progress.evaluate("window.stolen") is None


def test_a_long_log_is_capped(stream: Stream, progress: Page) -> None:
    text = "\n".join(f"line {number}" for number in range(10_000))
    for _ in range(12):
        stream.say("building", text, log=True)
    expect(progress.locator("#log-count")).to_have_text("120,001 lines")
    assert (
        progress.locator("#log-lines").evaluate("e => e.textContent.split('\\n').length") < 102_000
    )
    dropped = progress.locator("#log-lines").get_attribute("data-dropped")
    assert dropped is not None and dropped.endswith("earlier lines left out")


# ---- main page -----------------------------------------------------------------------------

UNDERSTOOD = {
    "provider": "gh",
    "provider_name": "GitHub",
    "name": "maria/tidal-analysis",
    "repo": "https://github.com/maria/tidal-analysis",
    "ref": "devel",
    "filepath": "fit.ipynb",
    "target": "",
    "guessed": ["Took devel for a branch."],
}


@pytest.fixture
def main(pages: Pages, page: Page) -> Page:
    pages.answers["api/parse"] = UNDERSTOOD
    page.goto(pages.show("", "home.html", **samples.home()))
    return page


def test_a_paste_is_understood_while_it_is_typed(main: Page) -> None:
    main.get_by_label("Repository").focus()
    main.keyboard.type("https://github.com/maria/tidal-analysis/blob/devel/fit.ipynb")
    understood = main.locator("#understood")
    expect(understood).to_contain_text("GitHub maria/tidal-analysis")
    expect(understood).to_contain_text("Took devel for a branch.")
    expect(main.get_by_label("Branch, tag or commit")).to_have_attribute("placeholder", "devel")
    main.get_by_label("Branch, tag or commit").fill("v1")
    expect(understood).to_contain_text("at v1")


def test_branches_tags_and_files_are_offered_to_who_is_in_the_field(
    pages: Pages, main: Page
) -> None:
    asked: list[dict[str, str]] = []

    def refs(query: dict[str, str]) -> dict[str, Any]:
        asked.append(query)
        return {"branches": ["main", samples.HOSTILE], "tags": ["v1"]}

    pages.answers["api/parse"] = {"provider_name": "GitHub", "name": "maria/tides", "ref": ""}
    pages.answers["api/refs"] = refs
    pages.answers["api/paths"] = lambda query: {"paths": [f"{query['ref']}.ipynb"]}
    repository, ref = main.get_by_label("Repository"), main.get_by_label("Branch, tag or commit")
    repository.fill("https://github.com/maria/tides")
    assert asked == []
    main.keyboard.press("Tab")
    expect(ref).to_have_attribute("list", "ref-choices")
    offered = main.locator("#ref-choices option")
    assert offered.evaluate_all("all => all.map((one) => [one.value, one.label])") == [
        ["main", ""],
        [samples.HOSTILE, ""],
        ["v1", "tag"],
    ]
    main.keyboard.type("v1")
    main.get_by_text("More options").click()
    main.get_by_label("File to open").focus()
    expect(main.locator("#filepath-choices option")).to_have_attribute("value", "v1.ipynb")
    ref.focus()
    assert [query["repo"] for query in asked] == ["https://github.com/maria/tides"]
    # where the service has nothing to say, the field is as it was
    del pages.answers["api/refs"]
    repository.fill("https://github.com/maria/waves")
    ref.focus()
    expect(ref).not_to_have_attribute("list", "ref-choices")


def test_a_paste_fills_the_form_and_keeps_what_was_chosen(pages: Pages, main: Page) -> None:
    link = "v2/gh/maria/tidal-analysis/devel?filepath=fit.ipynb&files=home&server=mine"
    pages.answers["api/parse"] = {**UNDERSTOOD, "link": link}
    values = {"repo": UNDERSTOOD["repo"], "ref": "devel", "files": "home", "server": "mine"}
    filled = samples.home(values={**values, "filepath": "fit.ipynb", "pasted": link})
    pages.show("form", "_form.html", **filled)
    main.get_by_label("Repository").fill("https://elsewhere.example/" + link)
    main.keyboard.press("Tab")
    expect(main.get_by_label("Repository")).to_have_value(UNDERSTOOD["repo"])
    expect(main.get_by_label("Branch, tag or commit")).to_have_value("devel")
    expect(main.get_by_label("Branch, tag or commit")).to_be_focused()
    expect(main.get_by_label("File to open")).to_have_value("fit.ipynb")
    expect(main.get_by_label("My whole home")).to_be_checked()
    expect(main.locator("[data-warns=home]")).to_be_visible()
    expect(main.locator("#understood")).to_contain_text("Took devel for a branch.")
    main.get_by_role("button", name="Launch", exact=True).click()
    main.wait_for_url("**/launch")
    assert f"pasted={quote(link, safe='')}" in pages.posts[-1][2].replace("%7E", "~")


def test_enter_right_after_a_paste_sends_what_was_filled_in(pages: Pages, main: Page) -> None:
    pages.answers["api/parse"] = {**UNDERSTOOD, "link": "v2/gh/maria/tidal-analysis/devel"}
    pages.show("form", "_form.html", **samples.home(values={"repo": "x/y", "ref": "devel"}))
    main.get_by_label("Repository").fill("https://github.com/maria/tidal-analysis/tree/devel")
    main.keyboard.press("Enter")
    main.wait_for_url("**/launch")
    assert "repo=x%2Fy" in pages.posts[-1][2] and "ref=devel" in pages.posts[-1][2]


def test_a_paste_that_makes_no_sense_gets_words(pages: Pages, main: Page) -> None:
    pages.answers["api/parse"] = {"status": 400, "code": "bad-link", "message": "No address."}
    main.get_by_label("Repository").fill("ext::sh")
    expect(main.locator("#understood")).to_have_text("No address.")


def test_nothing_is_sent_without_a_repository(pages: Pages, main: Page) -> None:
    main.get_by_role("button", name="Launch", exact=True).click()
    expect(main.locator("#understood")).to_contain_text("Paste the address")
    assert not pages.posts


@pytest.mark.parametrize("files", ["home", "none"])
def test_warnings_are_those_of_the_present_choice(main: Page, files: str) -> None:
    assert not [w for w in main.locator("[data-warns]").all() if w.is_visible()]
    main.get_by_text("More options").click()
    main.locator(f"#files-{files}").check()
    shown = [
        w.get_attribute("data-warns") for w in main.locator("[data-warns]").all() if w.is_visible()
    ]
    assert shown == [files]


def test_who_has_no_work_yet_types_at_once(pages: Pages, page: Page) -> None:
    """And the work, where there is some, is not scrolled away for a form below it."""
    nothing = samples.home(work=[], shared=[])
    page.goto(pages.show("", "home.html", **nothing))
    expect(page.get_by_label("Repository")).to_be_focused()
    expect(page.get_by_role("heading", level=1)).to_have_text("Open a repository")
    page.goto(pages.show("", "home.html", **samples.home()))
    expect(page.get_by_role("heading", level=1)).to_have_text("Your work")
    assert page.evaluate("scrollY") == 0
    refused = {"error": {"field": "ref", "message": "There is no branch nope."}}
    page.goto(pages.show("", "home.html", **samples.home(**refused)))
    expect(page.get_by_role("heading", level=1)).to_have_text("Open a repository")
    expect(page.get_by_label("Branch, tag or commit")).to_be_focused()


def test_the_form_is_sent_by_keyboard_alone(pages: Pages, main: Page) -> None:
    main.get_by_label("Repository").focus()
    main.keyboard.type("maria/tidal-analysis")
    main.keyboard.press("Enter")
    main.wait_for_url("**/launch")
    assert "repo=maria%2Ftidal-analysis" in pages.posts[-1][2]
    assert "files=project" in pages.posts[-1][2]


def lists(pages: Pages, **changes: Any) -> None:
    """What the lists of the main page are from now on."""
    pages.show("lists", "_lists.html", **samples.home(**changes))


def test_a_server_is_stopped_and_then_can_be_started(pages: Pages, main: Page) -> None:
    lists(pages, work=[samples.server(state="stopping")])
    row = main.locator("#server-tidal-analysis-1f0c2d3e")
    menu = row.locator(".binder-menu > summary")
    menu.focus()
    main.keyboard.press("Enter")
    row.get_by_role("button", name="Stop").focus()
    main.keyboard.press("Enter")
    expect(row.locator("[data-state-text]")).to_have_text("stopping")
    expect(menu).to_be_focused()
    expect(row.get_by_role("button", name="Stop")).to_be_hidden()
    lists(pages, work=[samples.server(state="stopped")])
    expect(row.get_by_role("button", name="Open")).to_be_visible()
    expect(menu).to_be_focused()
    expect(row.locator("[data-state-text]")).to_have_text("stopped")
    method, path, _, headers = pages.posts[-1]
    assert (method, path) == ("POST", "api/servers/tidal-analysis-1f0c2d3e/stop")
    assert headers["X-Xsrftoken"] == "token-of-the-page"


@pytest.mark.parametrize(
    ("button", "path", "said"),
    [
        ("Restart tidal-analysis", "launch", "on_change=fresh"),
        ("For a class… tidal-analysis", "classes", "action=show"),
        ("Keep no longer at the top tidal-analysis", "work", "action=unpin"),
    ],
)
def test_each_button_of_a_row_sends_what_it_says(
    pages: Pages, main: Page, button: str, path: str, said: str
) -> None:
    row = main.locator("#server-tidal-analysis-1f0c2d3e")
    row.locator(".binder-menu > summary").click()
    row.get_by_role("button", name=button, exact=True).click()
    main.wait_for_url(f"**/{path}")
    method, to, body, _ = pages.posts[-1]
    assert (method, to) == ("POST", path)
    sent = body.split("&")
    assert {said, "ref=main", "_xsrf=token-of-the-page"} <= set(sent)
    assert sum(one.startswith(("on_change=", "action=")) for one in sent) == 1


def test_enter_in_a_name_renames_and_starts_nothing(pages: Pages, main: Page) -> None:
    row = main.locator("#server-ocean-course-9a8b7c6d")
    row.locator(".binder-menu > summary").click()
    row.get_by_label("What ocean-course is called in this list").fill("Week 1")
    main.keyboard.press("Enter")
    main.wait_for_url("**/work")
    method, path, body, _ = pages.posts[-1]
    assert (method, path) == ("POST", "work")
    project = "project=projects%2Focean-institute%2Focean-course"
    assert {"action=rename", "title=Week+1", project} <= set(body.split("&"))


def test_a_refused_stop_says_why(pages: Pages, main: Page) -> None:
    pages.statuses["api/servers/tidal-analysis-1f0c2d3e/stop"] = 409
    row = main.locator("#server-tidal-analysis-1f0c2d3e")
    row.locator(".binder-menu > summary").click()
    row.get_by_role("button", name="Stop").click()
    expect(row.get_by_role("alert")).to_have_text("Refused, in words.")
    expect(row.get_by_role("link", name="Open")).to_be_visible()


def test_a_server_is_deleted_only_after_being_asked(pages: Pages, main: Page) -> None:
    row = main.locator("#server-ocean-course-9a8b7c6d")
    menu = row.locator(".binder-menu > summary")
    menu.click()
    row.get_by_role("button", name="Delete").click()
    main.keyboard.press("Escape")
    expect(menu).to_be_focused()
    assert not pages.posts
    menu.click()
    row.get_by_role("button", name="Delete").click()
    main.get_by_role("button", name="Delete the server").click()
    expect(row).to_have_count(0)
    assert pages.posts[-1][:2] == ("DELETE", "api/servers/ocean-course-9a8b7c6d")


def test_a_failed_launch_stays_until_it_is_dismissed(pages: Pages, page: Page) -> None:
    context = samples.home(failed=[samples.failed()["launch"]])
    page.goto(pages.show("", "home.html", **context))
    row = page.locator("#failed li")
    expect(row).to_contain_text("cannot be installed together")
    row.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_role("heading", name="Did not start")).to_be_hidden()
    assert pages.posts[-1][:2] == ("POST", "api/launches/8c1f0a/dismiss")


def test_the_lists_are_kept_as_things_are(pages: Pages, page: Page) -> None:
    """While anything moves; who is in the middle of something is not disturbed."""
    under_way = samples.launch()["launch"]
    page.goto(pages.show("", "home.html", **samples.home(launches=[under_way])))
    card = page.locator("#server-tidal-analysis-1f0c2d3e")
    card.get_by_text("Who may enter").click()
    card.get_by_label("Person").fill("jonas")
    lists(pages, launches=[{**under_way, "progress": 80}])
    expect(page.locator("#launches")).to_contain_text("80%")
    lists(pages, failed=[samples.failed()["launch"]], work=[samples.server(state="stopped")])
    expect(page.locator("#failed")).to_contain_text("cannot be installed together")
    expect(page.get_by_role("heading", name="Under way")).to_be_hidden()
    expect(card.locator("[data-state-text]")).to_have_text("stopped")
    expect(card.get_by_label("Person")).to_have_value("jonas")
    expect(page.locator("#server-ocean-course-9a8b7c6d")).to_have_count(0)


SOONER_THAN_A_LOOK = 20_000


def test_news_is_looked_at_at_once(pages: Pages, main: Page) -> None:
    """Nothing moves here, so that without news the next look were half a minute away."""
    lists(pages, work=[samples.server(state="stopped", title="tides")])
    pages.streams["work"].say("", "")
    expect(main.locator("#work > li")).to_have_count(1, timeout=SOONER_THAN_A_LOOK)
    expect(main.locator("#work > li")).to_contain_text("tides")


def test_a_menu_closes_when_somebody_goes_on_elsewhere(pages: Pages, main: Page) -> None:
    one, other, *_ = main.locator(".binder-menu > summary").all()
    stop = main.get_by_role("button", name="Stop tidal-analysis")
    one.click()
    expect(stop).to_be_visible()
    other.dispatch_event("click")
    expect(stop).to_be_hidden()
    one.click()
    main.keyboard.press("Escape")
    expect(stop).to_be_hidden()
    expect(one).to_be_focused()
    one.click()
    main.get_by_role("heading", level=1).click()
    expect(stop).to_be_hidden()


# ---- asking --------------------------------------------------------------------------------


def test_an_outside_link_waits_for_the_person(pages: Pages, page: Page) -> None:
    page.goto(pages.show("v2/x", "confirm.html", **samples.confirm()))
    page.wait_for_timeout(500)
    assert not pages.posts
    page.get_by_label("Trust this repository from now on").check()
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url("**/launch")
    assert "trust=yes" in pages.posts[-1][2]


def test_a_trusted_repository_goes_on_at_once_but_not_on_the_way_back(
    pages: Pages, page: Page
) -> None:
    pages.show("", "home.html", **samples.home())
    page.goto(pages.url)
    page.goto(pages.show("v2/x", "confirm.html", **samples.confirm(trusted=True)))
    page.wait_for_url("**/launch")
    assert len(pages.posts) == 1 and "trust=" not in pages.posts[0][2]
    page.go_back()
    page.wait_for_timeout(500)
    assert len(pages.posts) == 1


def test_an_error_is_read_before_anything_goes_on(pages: Pages, page: Page) -> None:
    error = {"message": "That is not allowed here."}
    page.goto(pages.show("v2/x", "confirm.html", **samples.confirm(trusted=True, error=error)))
    page.wait_for_timeout(500)
    expect(page.get_by_role("alert")).to_have_text("That is not allowed here.")
    assert not pages.posts
