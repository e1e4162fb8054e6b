"""The pictures of the documentation: our pages with a believable person's projects.

They are taken into the artifacts folder, as that of every page is by `test_accessibility.py`.
`scripts/pictures` keeps them in `docs/images/`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import samples
from chromium import new_context
from harness import Pages, Stream
from playwright.sync_api import Browser, expect
from test_accessibility import SHOWN, STATES

ROOT = Path(__file__).parents[2]

LOG = """\
Using Python 3.12.8
Resolved 112 packages in 340ms
Prepared 9 packages in 1.21s
Installed 112 packages in 96ms
 + jupyterlab==4.6.6
 + matplotlib==3.10.8
 + numpy==2.3.5
 + pandas==2.3.3
 + utide==0.3.1
 + xarray==2026.10.0"""


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat(timespec="seconds")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_of_the_documentation(
    pages: Pages, browser: Browser, artifacts: Path, scheme: str
) -> None:
    context = new_context(
        browser,
        viewport={"width": 960, "height": 700},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(main_page(pages))
    page.get_by_label("Repository").fill("https://github.com/maria/tidal-analysis")
    expect(page.locator("#understood")).to_contain_text("main")
    page.locator("h1").hover()
    page.screenshot(path=artifacts / f"docs-main-page-{scheme}.png")
    page.goto(progress_page(pages))
    expect(page.locator("#log-count")).to_have_text("10 lines")
    page.get_by_text("Build log", exact=True).click()
    page.set_viewport_size({"width": 960, "height": 840})
    page.screenshot(path=artifacts / f"docs-progress-{scheme}.png")
    context.close()


def main_page(pages: Pages) -> str:
    pages.answers["api/parse"] = {
        "provider": "gh",
        "provider_name": "GitHub",
        "name": "maria/tidal-analysis",
        "ref": "main",
    }
    context = samples.home()
    used = [ago(hours=2), ago(days=3), ago(days=40)]
    for entry, moment in zip(context["work"], used, strict=True):
        entry["last_activity"] = moment
    return pages.show("", "home.html", **context)


def progress_page(pages: Pages) -> str:
    stream = pages.streams["8c1f0a"] = Stream()
    commit = samples.COMMIT
    stream.say("waiting", "Looking for main.", step="resolve", progress=1, time=0)
    stream.say(
        "waiting", "Found it.", step="admit", progress=5, time=1.2, commit=commit, short=commit[:7]
    )
    stream.say("building", "Installing packages", step="image", progress=61, time=1.4)
    stream.say("building", LOG, log=True)
    context = samples.launch(started=ago(seconds=9), ref="main")
    return pages.show("launches/8c1f0a", "launch.html", **context)


def test_no_page_is_without_a_picture() -> None:
    templates = {path.name for path in (ROOT / "templates").glob("*.html")}
    templates = {name for name in templates if not name.startswith("_")}
    assert {STATES[state][0] for state in SHOWN} == templates - {"binder_page.html", "qr.html"}
    kept = {path.stem for path in (ROOT / "docs/images/pages").glob("*.png")}
    assert kept == set(SHOWN)
