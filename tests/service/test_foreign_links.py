"""Links from anywhere: asked about first, trusted within limits, and BinderHub's stream."""

import html
import re
from urllib.parse import quote

import pytest
from realhub import PREFIX

CLIENT = {"Accept": "text/event-stream"}


def spec(repos, name: str = "me/mine", ref: str = "main") -> str:
    return f"git/{quote(f'{repos.url}/{name}', safe='')}/{ref}"


def fields_of(page: str) -> dict[str, str]:
    """The hidden fields of the page that asks."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in found}


async def ask(browser, link: str, **headers: str):
    """The page that asks; escapes of the link are kept as a browser keeps them."""
    from yarl import URL

    await browser.get(PREFIX)
    async with browser.session.get(
        URL(browser.url(f"{PREFIX}v2/{link}"), encoded=True), headers=headers
    ) as response:
        return response.status, await response.text()


async def stream(browser, link: str, token: str, **headers: str):
    from yarl import URL

    from binderhub_ext.core.sse import Parser

    url = URL(browser.url(f"{PREFIX}build/{link}"), encoded=True)
    sent = {**CLIENT, **({"Authorization": f"Bearer {token}"} if token else {}), **headers}
    async with browser.session.get(url, headers=sent) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        return Parser().feed(await response.read())


async def test_a_link_asks_before_it_runs(realhub, repos):
    async with realhub.browser("lin") as browser:
        headers = {"Referer": "https://evil.example/page"}
        status, page = await ask(browser, spec(repos) + "?urlpath=lab/tree/index.ipynb", **headers)
        assert status == 200
        for words in ("evil.example", repos.url, "project's folder", "read and change"):
            assert words in html.unescape(page)
        assert re.search(r"<code[^>]*>[0-9a-f]{7}</code>", page)
        assert 'data-trusted=""' in page
        assert (await browser.api("GET", "api/launches")).json() == {"launches": []}
        events = await launched(browser, fields_of(page))
        assert events[-1]["url"].endswith("/lab/tree/index.ipynb")


async def test_trust_covers_what_was_trusted_and_no_more(realhub, repos):
    repos.create_repo("me/other", {"requirements.txt": ""})
    async with realhub.browser("mia") as browser:
        _, page = await ask(browser, spec(repos))
        fields = {**fields_of(page), "_xsrf": browser.xsrf(), "trust": "yes"}
        await browser.told(await browser.launch(**fields))
        for link, trusted in [
            (spec(repos), True),
            (spec(repos) + "?files=none&server=throwaway", False),
            (spec(repos) + "?files=home&server=other", False),
            (spec(repos) + "?volume=class&server=other", False),
            (spec(repos) + "?urlpath=git-pull%3Frepo%3Dx&server=other", False),
            (spec(repos, ref=repos.repos["me/mine"].git("rev-parse", "main")), False),
            (spec(repos, "me/other"), False),
        ]:
            _, page = await ask(browser, link)
            assert ('data-trusted="yes"' in page) is trusted, link
        settings = await browser.get(f"{PREFIX}settings")
        (revoke,) = re.findall(r"settings/trust/(\w+)/revoke", settings.text)
        await browser.form(f"settings/trust/{revoke}/revoke")
        assert 'data-trusted=""' in (await ask(browser, spec(repos)))[1]


@pytest.mark.parametrize(
    ("link", "status", "words"),
    [
        ("gh/only-one", 400, ""),
        ("nowhere/a/b", 400, "There is no provider"),
        ("gh/a/b/../../etc", 400, ""),
        ("gh/a/b/x%00y", 400, ""),
        ("git/file%3A%2F%2F%2Fetc/HEAD", 400, ""),
        ("gh/a/b/main?urlpath=//evil.example", 400, ""),
        ("gh/a/b/main?urlpath=https://evil.example", 400, ""),
    ],
)
async def test_a_bad_link_is_explained(realhub, link, status, words):
    async with realhub.browser("nat") as browser:
        got, page = await ask(browser, link)
        assert (got, words in html.unescape(page)) == (status, True)


async def test_the_stream_of_a_build_and_of_what_is_cached(realhub, repos):
    repos.create_repo("me/fresh", {"requirements.txt": "fresh", "a.txt": "1"})
    token = await realhub.token("oda")
    async with realhub.browser() as client:
        link = spec(repos, "me/fresh")
        events = await stream(client, link, token)
        phases = list(dict.fromkeys(event["phase"] for event in events))
        assert phases == ["waiting", "fetching", "building", "built", "launching", "ready"]
        assert all(event["message"].endswith("\n") for event in events)
        ready = events[-1]
        assert re.fullmatch(r"http://[\d.:]+/user/oda/fresh-[0-9a-f]{8}/", ready["url"])
        assert ready["repo_url"] == f"{repos.url}/me/fresh"
        assert ready["binder_request"].startswith("v2/git/")
        assert re.search(r"/[0-9a-f]{40}$", ready["binder_persistent_request"])
        assert {"image", "token", "binder_launch_host", "binder_client_ip"} <= set(ready)
        cached = await stream(client, link, token)
        phases = list(dict.fromkeys(event["phase"] for event in cached))
        assert phases[-3:] == ["built", "launching", "ready"]
        assert "building" not in phases


@pytest.mark.parametrize(
    ("link", "headers", "status", "words"),
    [
        ("git/x/main", {"Accept": "*/*"}, 400, "Accept"),
        ("git/x/main", {"Authorization": "Bearer wrong"}, 403, "Sign in"),
        ("nowhere/x/main", {}, 400, "There is no provider"),
        ("gh/x", {}, 400, ""),
        ("gh/a/b/main?build_only=true", {}, 400, "build_only"),
        ("gh/a/b/main?build_token=forged", {}, 403, "build token"),
    ],
)
async def test_the_stream_refuses_in_events(realhub, link, headers, status, words):
    token = await realhub.token("pia")
    async with realhub.browser() as client:
        (event,) = await stream(client, link, token, **headers)
        assert (event["phase"], event["status_code"]) == ("failed", status)
        assert words in event["message"]


async def test_a_list_in_accept_is_fine(realhub, repos):
    token = await realhub.token("pia")
    async with realhub.browser() as client:
        accept = "text/event-stream, */*;q=0.1"
        events = await stream(client, spec(repos), token, Accept=accept)
        assert events[-1]["phase"] == "ready"


async def test_a_cookie_needs_a_build_token(realhub, repos):
    async with realhub.browser("quin") as browser:
        await browser.get(PREFIX)
        page = {"X-XSRFToken": browser.xsrf(), "Sec-Fetch-Mode": "cors"}
        (event,) = await stream(browser, spec(repos), "", **page)
        assert event["status_code"] == 403
        made = await browser.api("POST", "api/build-tokens", json={"link": f"v2/{spec(repos)}"})
        answer = made.json()
        link = answer["path"].removeprefix("build/") + f"?build_token={answer['build_token']}"
        events = await stream(browser, link, "", **page)
        assert events[-1]["phase"] == "ready"
        other = link.replace("/main", "/other")
        assert (await stream(browser, other, "", **page))[-1]["status_code"] == 403


async def test_old_addresses_and_pictures(realhub):
    async with realhub.browser() as stranger:
        old = await stranger.send("GET", f"{PREFIX}repo/me/mine/tree/a.ipynb")
        assert old.headers["Location"] == f"{PREFIX}v2/gh/me/mine/HEAD?urlpath=tree/a.ipynb"
        for picture in ("badge.svg", "badge_logo.svg", "assets/images/badge.svg"):
            reply = await stranger.send("GET", PREFIX + picture)
            assert (reply.status, reply.headers["Content-Type"]) == (200, "image/svg+xml")


async def test_a_dropped_client_resumes_its_own_launch(realhub, repos):
    token = await realhub.token("ren")
    async with realhub.browser() as client:
        from yarl import URL

        url = URL(client.url(f"{PREFIX}build/{spec(repos)}"), encoded=True)
        headers = {**CLIENT, "Authorization": f"token {token}"}
        async with client.session.get(url, headers=headers) as response:
            whole = (await response.read()).decode()
        blocks = whole.strip().split("\n\n")
        name = blocks[2].partition("\n")[0].removeprefix("id: ")
        async with client.session.get(url, headers={**headers, "Last-Event-ID": name}) as response:
            rest = (await response.read()).decode().strip().split("\n\n")
        assert [b.partition("\n")[0] for b in rest] == [b.partition("\n")[0] for b in blocks[3:]]
        auth = {"Authorization": f"token {token}"}
        launches = (await client.api("GET", "api/launches", headers=auth)).json()["launches"]
        assert len(launches) == 1


@pytest.mark.parametrize("server", ["", "/mine", "/My_Own"])
async def test_a_link_of_nbgitpuller_made_for_this_hub_asks(realhub, repos, server):
    repo = quote(f"{repos.url}/me/mine", safe="")
    link = f"/hub/user-redirect{server}/git-pull?repo={repo}&branch=main&app=lab&targetPath=course"
    async with realhub.browser("quill") as browser:
        reply = await browser.get(link + "&subPath=index.ipynb&depth=1")
        assert reply.status == 200, reply.text
        page = html.unescape(reply.text)
        launch = fields_of(reply.text)["link"]
        assert launch.startswith(f"v2/git/{repo}/main?labpath=index.ipynb")
        assert ("&server=mine" in launch) == (server == "/mine")
        assert "not in a folder “course”" in page
        assert ("A server cannot be called “My_Own” here" in page) == (server == "/My_Own")
        assert (await browser.api("GET", "api/launches")).json() == {"launches": []}


async def test_other_redirects_to_ones_server_are_the_hubs(realhub):
    async with realhub.browser("lin") as browser:
        reply = await browser.send("GET", "/hub/user-redirect/lab/tree/a.ipynb")
        assert (
            reply.headers["Location"] == "/hub/spawn/lin?next=%2Fuser%2Flin%2Flab%2Ftree%2Fa.ipynb"
        )


async def test_an_address_that_is_no_repository_is_said_on_the_main_page(realhub):
    async with realhub.browser("lin") as browser:
        reply = await browser.get(f"{PREFIX}open?link=https%3A%2F%2Frenkulab.io%2Fp%2Fa%2Fb")
        assert reply.status == 400
        assert "A page of Renku does not say" in html.unescape(reply.text)
        assert 'value="https://renkulab.io/p/a/b"' in reply.text


async def test_a_default_branch_that_was_renamed_is_said(realhub, repos):
    async with realhub.browser("quill") as browser:
        status, page = await ask(browser, spec(repos, ref="master"))
        assert status == 200
        assert "There is no branch “master” any more: took the default branch “main”." in page
        events = await launched(browser, fields_of(page))
        assert any("no branch “master”" in event["message"] for event in events)
        assert events[-1]["phase"] == "ready"


async def test_what_moved_after_it_was_shown_is_not_launched(realhub, repos):
    repo = repos.create_repo("me/moved-since", {"requirements.txt": ""})
    async with realhub.browser("rhea") as browser:
        _, page = await ask(browser, spec(repos, "me/moved-since"))
        shown = fields_of(page)
        now = repo.commit({"requirements.txt": "evil\n"}, "Something else")
        events = await launched(browser, shown)
        assert (events[-1]["phase"], events[-1]["code"]) == ("failed", "ref-moved")
        assert f"commit {shown['commit'][:7]}, and it is at {now[:7]} now" in events[-1]["message"]
        assert not any(event["phase"] == "fetching" for event in events)
        [failed] = (await browser.api("GET", "api/launches")).json()["launches"]
        again = f'id="failure-moved" href="{PREFIX}{failed["again"]["link"]}" >Open the link again'
        assert again in (await browser.get(failed["page"])).text
        _, page = await ask(browser, failed["again"]["link"].removeprefix("v2/"))
        events = await launched(browser, {**fields_of(page), "trust": "yes"})
        assert events[-1]["phase"] == "ready"
        # who trusts a branch said yes to wherever its owners move it
        _, page = await ask(browser, spec(repos, "me/moved-since"))
        assert 'data-trusted="yes"' in page and "commit" not in fields_of(page)


async def launched(browser, fields: dict[str, str]):
    """Say yes on the page that asks; the events of the launch."""
    return await browser.told(await browser.launch(**{**fields, "_xsrf": browser.xsrf()}))
