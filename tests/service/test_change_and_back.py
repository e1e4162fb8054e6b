"""*Change*, *Back* and *Share* keep all of a launch: through the pages and handlers people use."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import quote

import pytest
from realhub import PREFIX, Browser
from webform import WebForm

PARAMETERS = [
    "filepath=a%20b.ipynb&target=voila&files=home&server=mine&size=large",
    "labpath=index.ipynb&mem=2G&cpu=1.5&idle=30m",
    "urlpath=rstudio/?x%3D1&share=ann&share=ben&files=none",
    "volume=field:in/here:ro&volume=field-two&volume=field-three:rw",
    "colour=red&colour=blue&trust=yes&on_change=restart&link=x&repo=y&mem=1G",
    "labpath=c/b.ipynb&content=c:{repos}%252Fme%252Fone/main&content={repos}%252Fme%252Ftwo/HEAD",
    "target=lab&image=&files=project",
    "",
]
BEYOND = (PARAMETERS[0], PARAMETERS[2], PARAMETERS[3], PARAMETERS[5])
"""Those that want more than the project: a form filled in from them leads to the question."""


@pytest.fixture
async def zoe(realhub, repos):
    for name in {"me/one", "me/two"} - set(repos.repos):
        repos.create_repo(name, {"a.txt": "a"})
    async with realhub.browser("zoe") as browser:
        await browser.get(PREFIX)
        have = {v["name"] for v in (await browser.api("GET", "api/volumes")).json()["volumes"]}
        for name in {"field", "field-two", "field-three"} - have:
            await browser.api("POST", "api/volumes", json={"name": name})
        yield browser


async def form(browser: Browser, path: str) -> list[tuple[str, str]]:
    """What the main page's form would send."""
    page = await browser.get(path, headers={"X-XSRFToken": browser.xsrf()})
    assert page.status == 200, page.text
    pairs = WebForm(page.text, "launch-form").pairs
    return [(name, value) for name, value in pairs if name != "_xsrf"]


async def shared(browser: Browser, pairs: list[tuple[str, str]]) -> str:
    """The link that *Share* makes of a form, relative to the service."""
    answer = await browser.api("GET", "api/share", params=pairs)
    assert answer.status == 200, answer.text
    return str(answer.json()["url"]).partition(PREFIX)[2]


async def sent(browser: Browser, pairs: list[tuple[str, str]]) -> str:
    """Submit a form; where that leads, relative to the service."""
    data = [("_xsrf", browser.xsrf()), *pairs]
    reply = await browser.send("POST", f"{PREFIX}launch", data=data)
    assert reply.status == 303, reply.text
    return str(reply.headers["Location"]).removeprefix(PREFIX)


async def submit(browser: Browser, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Submit a form; the launch once it ended."""
    id = (await ended(browser, await sent(browser, pairs))).removeprefix("launches/")
    return await browser.view(id)


async def ended(browser: Browser, where: str) -> str:
    """Where a form led, once a launch that began there is over."""
    if where.startswith("launches/"):
        await browser.events(f"{PREFIX}api/{where}/events")
    return where


def link_of(repos, query: str, ref: str = "main") -> str:
    spec = f"v2/git/{quote(f'{repos.url}/me/mine', safe='')}/{ref}"
    query = query.replace("{repos}", "git/" + quote(quote(repos.url, safe=""), safe=""))
    return f"{spec}?{query}" if query else spec


def canonical(link: str) -> str:
    """A link as this service writes it."""
    from binderhub_ext.core.links import write_link
    from binderhub_ext.core.providers import PROVIDERS
    from binderhub_ext.service.requests import read_own_link

    return write_link(read_own_link(link, PROVIDERS))


@pytest.mark.parametrize("query", PARAMETERS)
async def test_change_on_the_page_that_asks_keeps_all(zoe, repos, query):
    await changed(zoe, link_of(repos, query))


@pytest.mark.parametrize("query", ["", "?mem=1G&volume=field&colour=red"])
async def test_change_keeps_all_of_an_image(zoe, repos, query):
    await changed(zoe, f"v2/image/quay.io%2Fjupyter%2Fbase-notebook%3Ax{query}")
    await changed(zoe, link_of(repos, "image=quay.io/jupyter/base-notebook"))


async def changed(zoe, link: str) -> None:
    """Go by *Change* to the form, and see whether it asks for the same."""
    page = await zoe.get(PREFIX + link)
    assert page.status == 200, page.text
    (change,) = re.findall(r'href="([^"]*)">Change<', page.text)
    assert await shared(zoe, await form(zoe, html.unescape(change))) == canonical(link)


@pytest.mark.parametrize("query", PARAMETERS)
async def test_back_from_a_failed_launch_keeps_all(zoe, repos, query):
    link = link_of(repos, query, ref="no-such-branch")
    failed = await submit(zoe, [("link", link)])
    assert failed["error"]["code"] == "ref-not-found"
    pairs = await form(zoe, failed["back_url"])
    assert await shared(zoe, pairs) == canonical(link)
    if query in BEYOND:
        assert await sent(zoe, pairs) == canonical(link)
    else:
        again = await submit(zoe, pairs)
        assert again["again"]["link"] == canonical(link) == await shared(zoe, pairs)


async def test_a_refused_form_keeps_all_that_was_typed(zoe, repos):
    pairs = await form(zoe, f"{PREFIX}?link={quote(link_of(repos, PARAMETERS[1]), safe='')}")
    wrong = [(name, "5 parsecs" if name == "idle" else value) for name, value in pairs]
    reply = await zoe.send("POST", f"{PREFIX}launch", data=[("_xsrf", zoe.xsrf()), *wrong])
    assert reply.status == 400
    shown = [pair for pair in WebForm(reply.text, "launch-form").pairs if pair[0] != "_xsrf"]
    assert shown == wrong
    assert 'id="idle-error"' in reply.text


async def test_volumes_that_were_chosen_in_the_form_are_shared(zoe, repos):
    pairs = [("repo", f"{repos.url}/me/mine"), ("ref", "no-such-branch")]
    pairs += [("volume-access:field", "ro"), ("volume-place:field", "~/data")]
    link = await shared(zoe, pairs)
    assert link.endswith("?volume=field:data:ro")
    assert (await submit(zoe, pairs))["again"]["link"] == link


@pytest.mark.parametrize("query", PARAMETERS)
async def test_a_link_is_asked_about_before_it_reaches_beyond_its_project(zoe, repos, query):
    """Pasted without a script, or filled into the form; but what was chosen there is no link's."""
    link = link_of(repos, query, ref="no-such-branch")
    pasted = await ended(zoe, await sent(zoe, [("repo", f"https://mybinder.org/{link}")]))
    pairs = await form(zoe, f"{PREFIX}form?link={quote(link, safe='')}")
    filled = await ended(zoe, await sent(zoe, pairs))
    asked = [where.startswith("v2/") for where in (pasted, filled)]
    assert asked == [query in BEYOND] * 2
    chosen = await form(zoe, f"{PREFIX}?link={quote(link, safe='')}")
    unfilled = [pair for pair in chosen if pair[0] != "pasted"]
    assert (await ended(zoe, await sent(zoe, unfilled))).startswith("launches/")


BROUGHT = [
    "repo={repo}&{beyond}",
    "repo={repo}&ref=a..b&{beyond}",
    "repo={repo}&idle=5+parsecs&{beyond}",
    "repo={repo}&extra=files%3Dhome%26mem%3Dx",
    "repo=nothing+that+is+one&{beyond}",
    "link=&repo={repo}&{beyond}",
    "link=v2%2Fno&repo={repo}&{beyond}",
    "link={link}&repo={repo}&{beyond}",
    "link={link}&pasted=&{beyond}",
    "pasted={link}&repo={repo}&{beyond}",
]


@pytest.mark.parametrize("query", BROUGHT)
async def test_no_address_fills_in_what_is_not_asked_about(zoe, repos, query):
    """Whatever else is wrong in it, and whoever mends that in the form."""
    repo, link = f"{repos.url}/me/mine", link_of(repos, "", ref="no-such-branch")
    beyond = "files=home&share=ann&volume=field"
    values = {"repo": quote(repo, safe=""), "link": quote(link, safe=""), "beyond": beyond}
    pairs = await form(zoe, f"{PREFIX}?{query.format(**values)}")
    mended = {"repo": repo, "ref": "no-such-branch", "idle": "1h", "extra": "files=home"}
    pairs = [(name, mended.get(name, value) if value else "") for name, value in pairs]
    pairs = [(name, value or mended["repo"] if name == "repo" else value) for name, value in pairs]
    where = await sent(zoe, pairs)
    seen = [name for name, value in pairs if value and name in ("share", "volume-access:field")]
    assert where.startswith("v2/") or (not seen and ("files", "project") in pairs)


async def test_the_form_alone_is_for_the_page_it_belongs_to(zoe, repos):
    link = quote(link_of(repos, ""), safe="")
    reply = await zoe.send("GET", f"{PREFIX}form?link={link}&files=home")
    assert (reply.status, reply.headers["Location"]) == (302, PREFIX)


async def test_a_volume_that_a_link_names_by_its_id_is_asked_about(zoe, repos):
    volumes = (await zoe.api("GET", "api/volumes")).json()["volumes"]
    (id,) = [volume["id"] for volume in volumes if volume["name"] == "field"]
    link = quote(link_of(repos, f"volume={id}", ref="no-such-branch"), safe="")
    pairs = await form(zoe, f"{PREFIX}?link={link}")
    assert ("volume-access:field", "allowed") in pairs
    assert (await sent(zoe, pairs)).startswith("v2/")
