"""What is pasted is seen, shared, asked about where it reaches further, and launched."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import quote

import pytest
from gitserver import RepoHandle
from homehub import PASSWORD, HomeHub
from patience import START_MS
from playwright.sync_api import Error, Page, expect

CANCEL = """async id => {
    const api = '/services/binder/api/launches';
    const headers = {'X-XSRFToken': document.querySelector('[name=_xsrf]').value};
    await fetch(`${api}/${id}/cancel`, {method: 'POST', headers});
    const {launches} = await (await fetch(api, {headers})).json();
    return launches.find(launch => launch.id === id).again.link;
}"""


@pytest.fixture(scope="module")
def repo(home_hub: HomeHub) -> RepoHandle:
    return home_hub.git.create_repo("ocean/pasted", {"requirements.txt": "", "a b.ipynb": "{}"})


@pytest.fixture
def maria(home_hub: HomeHub, page: Page) -> Page:
    home_hub.sign_in(page, "maria")
    if page.locator("[name='volume-access:sea']").count() == 0:
        page.get_by_role("link", name="Volumes").click()
        page.get_by_label("Name of a new volume").fill("sea")
        page.get_by_role("button", name="Create").click()
        page.goto(home_hub.main_page)
    return page


def link_of(repo: RepoHandle, query: str = "") -> str:
    spec = f"v2/git/{quote(repo.url, safe='')}/main"
    return f"{spec}?{query}" if query else spec


def paste(page: Page, text: str) -> None:
    """With the clipboard, as people do."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.get_by_label("Repository").focus()
    page.keyboard.press("Control+V")


def shared(page: Page) -> str:
    """The link that *Share* has for the form, relative to the service."""
    page.get_by_text("Share this launch").click()
    field = page.locator("#share-url")
    expect(field).to_have_value(re.compile("/v2/"))
    return field.input_value().partition("/services/binder/")[2]


def cancelled(page: Page) -> str:
    """The link of the launch whose page this is, which is ended."""
    page.wait_for_url("**/launches/*")
    main_page, _, id = page.url.partition("launches/")
    # The launch's own page may go on to the server, or to a question, at any moment.
    with suppress(Error):
        page.goto(main_page)
    page.goto(main_page)
    return str(page.evaluate(CANCEL, id))


EVERYTHING = (
    "labpath=a%20b.ipynb&files=home&volume=sea:data/sea:ro&server=mine&mem=1G&idle=30m"
    "&share=jonas&share=group:crew"
)


def test_all_of_a_link(home_hub: HomeHub, repo: RepoHandle, maria: Page) -> None:
    link = link_of(repo, EVERYTHING)
    paste(maria, f"https://mybinder.org/{link}")
    expect(maria.get_by_label("Repository")).to_have_value(repo.url)
    expect(maria.get_by_label("Branch, tag or commit")).to_have_value("main")
    expect(maria.get_by_label("File to open")).to_have_value("a b.ipynb")
    expect(maria.get_by_label("Open with")).to_have_value("lab")
    expect(maria.get_by_label("My whole home")).to_be_checked()
    expect(maria.get_by_label("sea", exact=True)).to_have_value("ro")
    expect(maria.get_by_label("Folder in the home for sea")).to_have_value("data/sea")
    expect(maria.get_by_label("Name of the server")).to_have_value("mine")
    expect(maria.get_by_label("Memory")).to_have_value("1G")
    expect(maria.get_by_label("Stops after")).to_have_value("30m")
    entering = maria.get_by_label("Person or group who may enter")
    assert [field.input_value() for field in entering.all()] == ["jonas", "group:crew"]
    for warning in ("home", "share"):
        expect(maria.locator(f"[data-warns={warning}]")).to_be_visible()
    assert shared(maria) == link

    maria.get_by_role("button", name="Launch", exact=True).click()
    expect(maria.get_by_role("heading", name="Launch pasted?")).to_be_visible()
    assert maria.url.partition("/services/binder/")[2] == link
    for words in ("Your whole home", "~/data/sea", "read only", "jonas", "crew", "1 GiB"):
        expect(maria.locator("main")).to_contain_text(words)
    maria.get_by_role("button", name="Launch", exact=True).click()
    assert cancelled(maria) == link


def test_what_stays_in_the_project_starts_at_once(
    home_hub: HomeHub, repo: RepoHandle, maria: Page
) -> None:
    link = link_of(repo, "filepath=a%20b.ipynb&files=none&idle=1h")
    paste(maria, f"{home_hub.main_page}{link}")
    maria.keyboard.press("Enter")
    assert cancelled(maria) == link


def test_what_is_lowered_in_the_form_is_not_asked_about(
    home_hub: HomeHub, repo: RepoHandle, maria: Page
) -> None:
    paste(maria, f"{home_hub.main_page}{link_of(repo, 'files=home')}")
    expect(maria.get_by_label("My whole home")).to_be_checked()
    maria.get_by_label("This project's folder").check()
    maria.get_by_role("button", name="Launch", exact=True).click()
    assert cancelled(maria) == link_of(repo)


def test_going_back_keeps_nothing_of_a_link_that_was_not_confirmed(
    home_hub: HomeHub, repo: RepoHandle, maria: Page
) -> None:
    """The browser fills in again what stood in a form, and knows nothing of where it came from."""
    paste(maria, f"{home_hub.main_page}{link_of(repo, 'files=home&share=jonas')}")
    expect(maria.locator("#files-home")).to_be_checked()
    maria.get_by_role("button", name="Launch", exact=True).click()
    maria.wait_for_url("**/v2/**")
    # above the buttons, however low the window is
    warnings = maria.locator("#confirm-form .alert-warning")
    facts = maria.get_by_role("heading", name="What will run").bounding_box()
    expect(warnings).to_have_count(2)
    assert facts and all(box["y"] < facts["y"] for w in warnings.all() if (box := w.bounding_box()))
    maria.go_back()
    expect(maria.get_by_label("Repository")).to_be_visible()
    # a browser does that once the page is there
    maria.wait_for_timeout(500)
    expect(maria.locator("#files-project")).to_be_checked()


def test_a_session_that_ended_keeps_what_was_typed(
    home_hub: HomeHub, repo: RepoHandle, maria: Page
) -> None:
    """From the form to the sign-in and back to the form; nothing is launched meanwhile."""
    maria.get_by_label("Repository").fill(repo.url)
    maria.get_by_text("More options").click()
    maria.get_by_label("Name of the server").fill("kept")
    maria.context.clear_cookies()
    maria.get_by_role("button", name="Launch", exact=True).click()
    maria.get_by_label("Username").fill("maria")
    maria.get_by_label("Password").fill(PASSWORD)
    maria.get_by_role("button", name="Sign in").click()
    expect(maria.get_by_label("Name of the server")).to_have_value("kept")
    expect(maria.get_by_label("Repository")).to_have_value(repo.url)
    expect(maria.get_by_role("alert")).to_contain_text("You were signed out")


@pytest.mark.parametrize(
    ("query", "refused", "instead", "left"),
    [
        (
            "mem=16G",
            ["asks for 16 GiB of memory; this hub gives at most 2 GiB"],
            "with 2 GiB",
            "mem=2G",
        ),
        (
            "size=huge&mem=16G&volume=sea&volume=nobodys",
            [
                "There is no size “huge” here",
                "asks for 16 GiB of memory; this hub gives at most 2 GiB",
                "There is no volume “nobodys” for you here",
            ],
            "in the usual size, with 2 GiB, without the volume “nobodys”",
            "volume=sea&mem=2G",
        ),
    ],
)
def test_what_cannot_be_had_is_offered_without_it(
    home_hub: HomeHub,
    repo: RepoHandle,
    maria: Page,
    query: str,
    refused: list[str],
    instead: str,
    left: str,
) -> None:
    maria.goto(home_hub.main_page + link_of(repo, query))
    for words in refused:
        expect(maria.get_by_role("alert")).to_contain_text(words)
    maria.get_by_role("button", name=f"Launch {instead}", exact=True).click()
    assert cancelled(maria) == link_of(repo, left)


def test_what_no_environment_here_has_is_said_before(
    home_hub: HomeHub, repo: RepoHandle, maria: Page
) -> None:
    names = maria.get_by_label("Open with").locator("option").all_text_contents()
    assert "JupyterLab" in names and "RStudio" not in names
    maria.goto(home_hub.main_page + link_of(repo, "urlpath=rstudio/"))
    expect(maria.locator("main")).to_contain_text("RStudio is not in this environment (it needs")
    maria.get_by_role("link", name="Change").click()
    expect(maria.get_by_label("Page of the server to open")).to_have_value("rstudio/")


def test_a_link_that_leads_nowhere_can_be_mended(
    home_hub: HomeHub, repo: RepoHandle, maria: Page
) -> None:
    link = link_of(repo, "files=none").replace("/main?", "/gone?")
    maria.goto(home_hub.main_page + link)
    expect(maria.locator("#ref-error")).to_contain_text("gone")
    expect(maria.get_by_label("Branch, tag or commit")).to_be_focused()
    maria.get_by_label("Branch, tag or commit").fill("main")
    maria.get_by_role("button", name="Launch", exact=True).click()
    assert cancelled(maria) == link_of(repo, "files=none")


def test_options_that_are_open_stay_open(repo: RepoHandle, maria: Page) -> None:
    maria.get_by_text("More options").click()
    paste(maria, link_of(repo))
    expect(maria.get_by_label("Branch, tag or commit")).to_have_value("main")
    expect(maria.get_by_label("File to open")).to_be_visible()


def test_a_press_ends_where_it_began(repo: RepoHandle, maria: Page) -> None:
    """What a paste means is known between a press and its release, and moves nothing."""
    maria.get_by_text("More options").hover()
    paste(maria, f"{repo.url} ")
    with maria.expect_response(re.compile("/api/parse")):
        maria.mouse.down()
    maria.evaluate("() => new Promise(shown => requestAnimationFrame(() => setTimeout(shown)))")
    expect(maria.locator("#understood")).to_be_hidden()
    maria.mouse.up()
    expect(maria.get_by_label("File to open")).to_be_visible()
    expect(maria.locator("#understood")).to_be_visible()


def test_names_are_shown_as_people_write_them(home_hub: HomeHub, maria: Page) -> None:
    """By the address as a browser copies it, with escapes; the folder too is called so."""
    name = "Übung-数据"
    repo = home_hub.git.create_repo(f"meer/{name}", {"requirements.txt": "", "a.ipynb": "{}"})
    paste(maria, quote(repo.url, safe="/:"))
    expect(maria.locator("#understood")).to_contain_text(f"/meer/{name}")
    maria.get_by_role("button", name="Launch", exact=True).click()
    expect(maria.get_by_role("heading", level=1)).to_have_text(name)
    maria.wait_for_url("**/user/maria/**", timeout=START_MS)
    maria.goto(home_hub.main_page)
    expect(maria.locator("#work .binder-row-title").get_by_text(name, exact=True)).to_be_visible()
    maria.get_by_role("link", name="Files").click()
    expect(maria.locator("#projects code", has_text=f"/meer/{name}")).to_be_visible()
    assert len(list(home_hub.root.glob(f"homes/*/projects/*/meer/{name}/a.ipynb"))) == 1
