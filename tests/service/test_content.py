"""Content beside an environment, through a real Hub: asked about, trusted, moved, told."""

from __future__ import annotations

import html
from typing import Any
from urllib.parse import quote

from realhub import PREFIX, Browser
from webform import WebForm


def link_of(repos, name: str, *content: str, ref: str = "main") -> str:
    query = "&".join(f"content={quote(one, safe=':/')}" for one in content)
    return f"v2/{spec(repos, name, ref)}" + (f"?{query}" if query else "")


def spec(repos, name: str, ref: str = "main") -> str:
    return f"git/{quote(f'{repos.url}/{name}', safe='')}/{ref}"


async def asked(browser: Browser, link: str) -> tuple[str, list[tuple[str, str]]]:
    """The page that asks, and what its form would send."""
    await browser.get(PREFIX)
    page = await browser.get(PREFIX + link)
    assert page.status == 200, page.text
    pairs = WebForm(page.text, "confirm-form").pairs
    return html.unescape(page.text), [(n, v) for n, v in pairs if n not in ("_xsrf", "trust")]


async def launched(
    browser: Browser, fields: list[tuple[str, str]]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Send a form; what was told, and the launch that ended."""
    data = [("_xsrf", browser.xsrf()), *fields]
    reply = await browser.send("POST", f"{PREFIX}launch", data=data)
    return await browser.told(reply.launch), await browser.view(reply.launch)


async def is_trusted(browser: Browser, link: str) -> bool:
    return 'data-trusted="yes"' in (await asked(browser, link))[0]


async def test_one_environment_serves_many_courses(realhub, repos):
    """Every repository is named and shown with its commit; none of the content is built."""
    repos.create_repo("school/env", {"requirements.txt": "one-for-all"})
    week = repos.create_repo("school/week", {"requirements.txt": "never", "index.ipynb": "{}"})
    repos.create_repo("school/other", {"a.txt": "a"})
    async with realhub.browser("con") as browser:
        link = (
            link_of(repos, "school/env", spec(repos, "school/week")) + "&labpath=week/index.ipynb"
        )
        page, fields = await asked(browser, link)
        for words in ("Launch env with week?", "/school/env", "/school/week", "folder <code>week<"):
            assert words in page
        env, first = (
            repos.repos[f"school/{name}"].git("rev-parse", "main") for name in ("env", "week")
        )
        assert [value for name, value in fields if name == "commit"] == [env, first]
        events, launch = await launched(browser, fields)
        assert events[-1]["phase"] == "ready", events[-1]
        assert events[-1]["url"].endswith("/lab/tree/week/index.ipynb")
        assert any(event["phase"] == "building" for event in events)
        (content,) = launch["content"]
        assert (content["commit"], content["place"], launch["commit"]) == (first, "week", env)

        new = week.commit({"requirements.txt": "never ever"})
        again, launch = await launched(browser, [("link", link), ("on_change", "restart")])
        assert (again[-1]["phase"], launch["content"][0]["commit"]) == ("ready", new)
        assert any(f"commit {new[:7]} of" in event["message"] for event in again)
        other = link_of(repos, "school/env", "read/me:" + spec(repos, "school/other"))
        further, launch = await launched(browser, [("link", other)])
        assert not [event for event in (*again, *further) if event["phase"] == "building"]
        servers = (await browser.api("GET", "api/servers")).json()["servers"]
        assert sorted(s["name"].rpartition("-")[0] for s in servers) == ["other", "week"]


async def test_content_is_work_of_its_own(realhub, repos):
    """It has a row, is found again in its folder, and is looked at for updates by itself."""
    repos.create_repo("own/env", {"requirements.txt": ""})
    week = repos.create_repo("own/week", {"a.txt": "1"})
    link = link_of(repos, "own/env", spec(repos, "own/week"))
    async with realhub.browser("cora") as browser:
        _, fields = await asked(browser, link)
        assert (await launched(browser, fields))[0][-1]["phase"] == "ready"
        folder = f"projects/127.0.0.1+{repos.port}/own/week"
        lists = (await browser.get(f"{PREFIX}lists")).text
        assert f"update?project={quote(folder, safe='')}" in lists and html.escape(link) in lists
        new = week.commit({"a.txt": "2"})
        look = (await browser.api("GET", "api/update", params={"project": folder})).json()
        assert (look["commit"], look["title"], look["again"]["link"]) == (new, "week", link)
        # alone it is the same project, whose link is then its own
        alone = link_of(repos, "own/week")
        assert (await launched(browser, [("link", alone)]))[0][-1]["phase"] == "ready"
        look = (await browser.api("GET", "api/update", params={"project": folder})).json()
        assert look["again"]["link"] == alone


async def test_trust_covers_the_combination(realhub, repos):
    for name in ("env", "one", "two"):
        repos.create_repo(f"trust/{name}", {"requirements.txt": ""})
    one, two = (spec(repos, f"trust/{name}") for name in ("one", "two"))
    by_id = spec(repos, "trust/one", repos.repos["trust/one"].git("rev-parse", "main"))
    together = link_of(repos, "trust/env", one)
    async with realhub.browser("cid") as browser:
        _, fields = await asked(browser, together)
        await launched(browser, [*fields, ("trust", "yes")])
        for link, trusted in [
            (together, True),
            (link_of(repos, "trust/env", two), False),
            (link_of(repos, "trust/env", one, two), False),
            (link_of(repos, "trust/env", by_id), False),
            (link_of(repos, "trust/one"), False),
            (link_of(repos, "trust/one", spec(repos, "trust/env")), False),
        ]:
            assert await is_trusted(browser, link) is trusted, link
        # a second combination with the same environment does not take the first one's place
        _, fields = await asked(browser, link_of(repos, "trust/env", two))
        await launched(browser, [*fields, ("trust", "yes")])
        assert await is_trusted(browser, together)
        assert not await is_trusted(browser, link_of(repos, "trust/env", one, two))
        settings = await browser.get(f"{PREFIX}settings")
        assert settings.text.count("/revoke") == 2


async def test_content_that_moved_after_it_was_shown_is_not_launched(realhub, repos):
    repos.create_repo("moved/env", {"requirements.txt": ""})
    week = repos.create_repo("moved/week", {"a.txt": "1"})
    link = link_of(repos, "moved/env", spec(repos, "moved/week"))
    async with realhub.browser("cleo") as browser:
        _, fields = await asked(browser, link)
        week.commit({"a.txt": "2"})
        events, _ = await launched(browser, fields)
        assert (events[-1]["phase"], events[-1]["code"]) == ("failed", "ref-moved")
        fewer = [pair for pair in fields if pair != ("commit", fields[-1][1])]
        events, _ = await launched(browser, fewer)
        assert (events[-1]["code"], events[-1]["phase"]) == ("bad-link", "failed")


async def test_anything_that_can_be_pasted_is_content_in_the_form(realhub, repos):
    repos.create_repo("typed/env", {"requirements.txt": ""})
    repos.create_repo("typed/week", {"a.txt": "1"})
    async with realhub.browser("cyd") as browser:
        await browser.get(PREFIX)
        typed = [("repo", f"{repos.url}/typed/env"), ("content", f"{repos.url}/typed/week.git")]
        _, launch = await launched(browser, [*typed, ("content", "")])
        assert launch["phase"] == "ready" and launch["content"][0]["place"] == "week"
        for wrong, words in [
            ("no such thing", "does not name content"),
            ("docker://quay.io/a/b", "An image has no content"),
            (f"{repos.url}/typed/env", "names the repository"),
            (f".hidden:{spec(repos, 'typed/week')}", "cannot be in the folder"),
        ]:
            data = [("_xsrf", browser.xsrf()), typed[0], ("content", wrong)]
            reply = await browser.send("POST", f"{PREFIX}launch", data=data)
            assert reply.status == 400 and words in html.unescape(reply.text), wrong
            assert 'id="content-error"' in reply.text
