"""axe-core on every page, in dark and light; nothing cut off at phone width.

The pictures of the reference page of pages are taken on the way.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import samples
from axe_playwright_python.sync_playwright import Axe
from chromium import new_context
from harness import Pages, Stream
from playwright.sync_api import Browser, Page

STATES: dict[str, tuple[str, dict[str, Any]]] = {
    "home": ("home.html", samples.home()),
    "home-launching": ("home.html", samples.home(launches=[samples.launch()["launch"]])),
    "home-failed": ("home.html", samples.home(failed=[samples.failed()["launch"]])),
    "home-empty": ("home.html", samples.home(work=[])),
    "home-error": (
        "home.html",
        samples.home(
            values={"repo": "x/y", "files": "home"},
            error={"field": "ref", "message": "There is no branch nope.", "detail": "main"},
            warnings=["Sign-in here is not encrypted."],
        ),
    ),
    "home-not-let-in": (
        "home.html",
        samples.home(
            shares=["jonas", "group:nobody"],
            error={"field": "share", "message": "That cannot be a name."},
            share_refused=samples.share_refused(),
        ),
    ),
    "launch": ("launch.html", samples.launch()),
    "failed": ("launch.html", samples.failed()),
    "confirm": ("confirm.html", samples.confirm(changes=["The commit is another one."])),
    "confirm-less": (
        "confirm.html",
        samples.confirm(
            refused=[
                "The link asks for 16 GiB of memory; this hub gives at most 4 GiB.",
                "There is no volume “field-data” for you here, or not any more.",
            ],
            instead="with 4 GiB, 2 processors, without the volumes “field-data” and “sea-of-old”",
        ),
    ),
    "class": ("class.html", samples.a_class()),
    "classes": ("classes.html", samples.classes()),
    "error": ("error.html", samples.error(detail="more")),
    "asks": ("launch.html", samples.asks_about_files()),
    "updated": ("launch.html", samples.launch(phase="ready", update=samples.update())),
    "not-let-in": (
        "launch.html",
        samples.launch(phase="ready", attention=["Not let in: zed. This hub knows nobody so."]),
    ),
    "update": ("update.html", samples.preview()),
    "settings": ("settings.html", samples.settings()),
    "invitation": ("invitation.html", samples.invitation()),
    "usage": ("usage.html", samples.usage()),
    **{f"admin-{one}": ("admin.html", samples.admin(one)) for one in samples.SECTIONS},
    "catalogue": ("catalogue.html", samples.catalogue()),
    "catalogue-entry": ("catalogue_entry.html", samples.published(entry=samples.entry())),
    "catalogue-mine": ("catalogue_entry.html", samples.published()),
    "catalogue-publish": ("catalogue_publish.html", samples.publishing()),
    "volumes": ("volumes.html", samples.volumes()),
    "volumes-error": (
        "volumes.html",
        samples.volumes(
            volumes=[],
            deleted=[],
            error={"message": "That cannot be the name of a volume."},
            values={"action": "create", "name": "Bad Name"},
        ),
    ),
    "files": ("files.html", samples.files(error={"message": "Your server is working in it."})),
    "files-empty": ("files.html", samples.files(projects=[], volumes=[], trash=[], home={})),
    "folder": ("folder.html", samples.folder()),
    "home-near-limit": (
        "home.html",
        samples.home(home=samples.files()["home"], **samples.much_work()),
    ),
    "home-volumes": (
        "home.html",
        samples.home(
            **samples.chosen_volumes(),
            error={"field": "volume", "message": "A volume cannot appear there."},
        ),
    ),
}

_GUIDE = Path(__file__).parents[2] / "docs/reference/pages.md"
SHOWN = re.findall(r"\(\.\./images/pages/(.+)\.png\)", _GUIDE.read_text())
"""The states that the reference page of pages shows."""


def serve(pages: Pages, state: str) -> str:
    stream = pages.streams["8c1f0a"] = Stream()
    stream.say("building", "Installing packages", step="image", progress=35)
    stream.say("building", " + humanize==4.9", log=True)
    if state == "failed":
        stream.say("failed", "No solution.", code="build-failed", detail="Because a<1")
    pages.answers["api/parse"] = {"provider_name": "GitHub", "name": "x/y", "ref": "main"}
    template, context = STATES[state]
    return pages.show(state, template, **context)


def findings(page: Page) -> list[str]:
    """Serious findings in what is ours; the Hub's frame has its own."""
    options = {"resultTypes": ["violations"]}
    result = Axe().run(page, context="main", options=options)
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in result.response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def take_picture(page: Page, path: Path) -> None:
    """The whole page as in a window of its height, where nothing that sticks hides anything."""
    path.parent.mkdir(exist_ok=True)
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": 1100, "height": height})
    page.screenshot(path=path)


@pytest.mark.parametrize("state", STATES)
def test_no_serious_findings(pages: Pages, browser: Browser, artifacts: Path, state: str) -> None:
    # Axe is put into the page as a script, which our policy would refuse.
    context = new_context(
        browser,
        viewport={"width": 1100, "height": 700},
        color_scheme="light",
        reduced_motion="reduce",
        bypass_csp=True,
    )
    page = context.new_page()
    page.goto(serve(pages, state), wait_until="load")
    page.wait_for_timeout(400)
    if state in SHOWN:
        take_picture(page, artifacts / "pages" / f"{state}.png")
    for details in page.locator("main details:visible").all():
        details.evaluate("element => element.open = true")
    assert findings(page) == []
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert findings(page) == []
    context.close()


@pytest.mark.parametrize("state", STATES)
def test_nothing_is_cut_off_at_phone_width(pages: Pages, browser: Browser, state: str) -> None:
    context = new_context(browser, viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(serve(pages, state), wait_until="load")
    page.wait_for_timeout(200)
    for details in page.locator("main details:visible").all():
        details.evaluate("element => element.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    context.close()
