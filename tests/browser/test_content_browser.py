"""One environment and a course's files beside it, in a real browser, sandbox and JupyterLab."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from homehub import HomeHub
from lab import notebook, output, run_cells, save, wait_for_lab
from patience import START_MS
from playwright.sync_api import Page, expect

WORK = (
    "import humanize; print(humanize.intcomma(7654321), open('words.txt').read())",
    "open('mine.txt', 'w').write('kept'); import os\n"
    "print(sorted(name for name in os.listdir('..') if name[0] != '.'))",
)


def test_a_course_with_an_environment_of_another_repository(
    home_hub: HomeHub, page: Page, artifacts: Path
) -> None:
    """By nbgitpuller's Binder form; then the course moves on, and nothing is built or lost."""
    git = home_hub.git
    files = {"requirements.txt": "humanize>=4\n", "README.md": "# Env\n"}
    env = git.create_repo("school/env", files)
    week = git.create_repo(
        "school/Week-1", {"index.ipynb": notebook(*WORK), "words.txt": "first words"}
    )
    inner = f"git-pull?repo={quote(week.url, safe='')}&branch=main"
    inner += f"&urlpath={quote('lab/tree/Week-1/index.ipynb?autodecode', safe='')}"
    link = f"v2/git/{quote(env.url, safe='')}/main?urlpath={quote(inner, safe='')}"

    home_hub.sign_in(page, "nora")
    page.goto(home_hub.main_page + link)
    expect(page.get_by_role("heading", name="Launch env with Week-1?")).to_be_visible()
    facts = page.locator(".binder-facts")
    for words in (env.url, week.url, week.git("rev-parse", "main")[:7], "Nothing of it is built"):
        expect(facts).to_contain_text(words)
    page.screenshot(path=artifacts / "content-asked.png", full_page=True)
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url("**/user/nora/**", timeout=START_MS)
    wait_for_lab(page)
    assert "/lab/tree/Week-1/index.ipynb" in page.url
    run_cells(page, [0, 1])
    expect(output(page, 0)).to_have_text("7,654,321 first words")
    expect(output(page, 1)).to_have_text("['README.md', 'Week-1', 'requirements.txt']")
    save(page)

    projects = home_hub.root / "homes/nora/projects"
    (course,) = projects.glob("*/school/Week-1")
    (own,) = projects.glob("*/school/env")
    assert (course / "mine.txt").read_text() == "kept"
    assert not any((own / "Week-1").iterdir())

    home_hub.stop_server(page, "env")
    new = week.commit({"words.txt": "second words", "next.ipynb": notebook("1")})
    page.goto(home_hub.main_page + link)
    expect(page.locator(".binder-facts")).to_contain_text(new[:7])
    expect(page.locator(".binder-facts")).to_contain_text("Built already: starts at once.")
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url("**/user/nora/**", timeout=START_MS)
    assert (course / "words.txt").read_text() == "second words"
    assert (course / "mine.txt").read_text() == "kept" and (course / "next.ipynb").exists()
    home_hub.stop_server(page, "env")
