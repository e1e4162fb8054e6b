"""Launching through a real Hub: once, watched, joined, cancelled, found again, nobody else's."""

import asyncio
import html
import os
import signal
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from realhub import PREFIX

from binderhub_ext.core.sentences import Sentence

HOME = PREFIX


async def start(browser, repo: str, **fields: str) -> str:
    """Start by the form; the launch's id."""
    await browser.get(HOME)
    return await browser.launch(repo=repo, **fields)


async def test_signing_in_leads_on_to_the_same_link(realhub):
    async with realhub.browser("ana") as browser:
        link = f"{PREFIX}?repo=https://github.com/a/b&ref=x"
        reply = await browser.get(link)
        assert (reply.status, reply.path) == (200, link)
        assert 'value="https://github.com/a/b"' in reply.text
        policy = reply.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        nonce = policy.partition("'nonce-")[2].partition("'")[0]
        assert reply.text.count("<script") == reply.text.count(f'<script nonce="{nonce}"')


async def test_paste_watch_and_land(realhub, repos):
    async with realhub.browser("ana") as browser:
        launch = await start(browser, f"{repos.url}/me/mine", filepath="index.ipynb")
        events = await browser.told(launch)
        last = events[-1]
        assert last["phase"] == "ready", events
        assert last["url"].startswith("/user/ana/mine-")
        assert last["url"].endswith("/tree/index.ipynb")
        steps = list(dict.fromkeys(e["step"] for e in events))
        assert steps == ["resolve", "admit", "image", "server", "redirect"]
        bar = [e["progress"] for e in events]
        assert bar == sorted(bar)
        assert bar[-1] == 100
        made = [e for e in events if "text" in e]
        assert [Sentence(e["text"], **e["fields"]) + "\n" for e in made] == [
            e["message"] for e in made
        ]
        texts = {e["text"] for e in made}
        assert {"Looking for {ref} of {repo}.", "{ref} is commit {commit}."} <= texts
        view = await browser.view(launch)
        assert (view["phase"], view["url"], view["error"]) == ("ready", last["url"], None)
        assert len(view["commit"]) == 40
        servers = (await browser.api("GET", "api/servers")).json()["servers"]
        assert [(s["state"], s["title"]) for s in servers] == [("running", "mine")]
        page = await browser.get(HOME)
        assert "update?project=projects%2F" in page.text


async def test_the_same_again_connects_and_builds_nothing(realhub, repos):
    async with realhub.browser("bea") as browser:
        for _ in range(2):
            launch = await start(browser, f"{repos.url}/me/mine", files="none")
            events = await browser.told(launch)
            assert events[-1]["phase"] == "ready"
        assert not any("Starting your server" in e["message"] for e in events)
        assert not any(e["phase"] == "building" for e in events)


def processes(user: str) -> list[int]:
    """Of a person's servers, as far as they live."""
    mark = f"JUPYTERHUB_USER={user}\0".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (process / "environ").read_bytes():
                found.append(int(process.name))
    return found


async def test_a_server_that_ended_unnoticed_is_started_again(realhub, repos):
    """Also here, where nobody knows how to reach servers: the Hub is asked for a start."""
    async with realhub.browser("yves") as browser:
        await browser.told(await start(browser, f"{repos.url}/me/mine"))
        for _ in range(2):
            (server,) = processes("yves")
            os.kill(server, signal.SIGKILL)
            events = await browser.told(await start(browser, f"{repos.url}/me/mine"))
            assert events[-1]["phase"] == "ready"
            assert "Your server has ended meanwhile.\n" in [e["message"] for e in events]
            assert processes("yves") not in ([], [server])
        # kept as it is, though the link means more now
        (server,) = processes("yves")
        os.kill(server, signal.SIGKILL)
        kept = await start(browser, f"{repos.url}/me/mine", files="home", on_change="keep")
        assert (await browser.told(kept))[-1]["phase"] == "ready"
        assert processes("yves") not in ([], [server])
        (row,) = (await browser.api("GET", "api/servers")).json()["servers"]
        assert (row["state"], row["files"]) == ("running", "project")


async def test_a_running_server_with_other_rights_is_a_question(realhub, repos):
    async with realhub.browser("cleo") as browser:
        await browser.told(await start(browser, f"{repos.url}/me/mine"))
        launch = await start(browser, f"{repos.url}/me/mine", files="home")
        last = (await browser.told(launch))[-1]
        assert (last["code"], last["status_code"]) == ("server-differs", 409)
        assert "your whole home instead of the project's own folder" in last["detail"]
        view = await browser.view(launch)
        restart, keep = (choice["values"] for choice in view["choices"])
        kept = await browser.launch(**keep)
        assert not any("Starting" in e["message"] for e in await browser.told(kept))
        again = await browser.launch(**restart)
        events = await browser.told(again)
        assert events[-1]["phase"] == "ready"
        assert any("Stopping the server" in e["message"] for e in events)
        servers = (await browser.api("GET", "api/servers")).json()["servers"]
        assert [s["files"] for s in servers] == ["home"]


async def test_a_second_click_joins_and_a_dropped_watcher_resumes(realhub, repos):
    async with realhub.browser("dan") as browser:
        await browser.get(HOME)
        fields = {"repo": f"{repos.url}/me/mine"}
        with realhub.holds("dan"):
            clicks = (browser.form("launch", **fields) for _ in range(4))
            replies = await asyncio.gather(*clicks)
        (launch,) = {reply.launch for reply in replies}
        seen = await browser.told(launch, until="is commit")
        rest = await browser.told(launch, headers={"Last-Event-ID": str(len(seen))})
        everything = await browser.told(launch)
        assert seen + rest == everything
        assert (await browser.get(f"{PREFIX}launches/{launch}")).status == 200


async def test_two_links_that_open_different_files_are_one_start(realhub, repos):
    async with realhub.browser("lou") as browser:
        names = ("a.ipynb", "b.ipynb")
        ids = [await start(browser, f"{repos.url}/me/mine", filepath=name) for name in names]
        assert len(set(ids)) == 2
        told = await asyncio.gather(*(browser.told(id) for id in ids))
        urls = [events[-1]["url"] for events in told]
        assert [url.rpartition("/")[2] for url in urls] == list(names)
        assert len({url.partition("/tree/")[0] for url in urls}) == 1
        starts = [e for events in told for e in events if "Starting your server" in e["message"]]
        assert len(starts) == 1
        # once it runs, it is simply opened
        last = await browser.told(await start(browser, f"{repos.url}/me/mine", target="lab"))
        assert last[-1]["url"].endswith("/lab")


async def test_a_failed_launch_stays_on_the_main_page_until_it_is_dismissed(realhub, repos):
    async with realhub.browser("mia") as mia, realhub.browser("ned") as ned:
        failed = await start(mia, f"{repos.url}/me/mine", ref="nowhere")
        words = (await mia.told(failed))[-1]["message"].strip()
        for _ in range(2):
            for page in (await mia.get(HOME), await mia.get(f"{PREFIX}lists")):
                assert f'id="launch-{failed}"' in page.text and words in html.unescape(page.text)
            # somebody else's word is none
            await ned.get(HOME)
            await ned.api("POST", f"api/launches/{failed}/dismiss")
        assert (await mia.api("POST", f"api/launches/{failed}/dismiss")).status == 204
        assert failed not in (await mia.get(HOME)).text
        # nor does it stay once its server is launched again
        again = await start(mia, f"{repos.url}/me/mine", ref="nowhere")
        await mia.told(again)
        await mia.told(await start(mia, f"{repos.url}/me/mine"))
        assert again not in (await mia.get(HOME)).text


async def test_not_now_opens_what_one_has_and_builds_nothing(realhub, repos):
    repo = repos.create_repo("me/moving", {"requirements.txt": "one"})
    async with realhub.browser("olga") as browser:
        first = await browser.told(await start(browser, repo.url))
        repo.commit({"requirements.txt": "two"}, "Ask for more")
        for state in ("running", "stopped"):
            if state == "stopped":
                (server,) = (await browser.api("GET", "api/servers")).json()["servers"]
                await browser.api("POST", f"api/servers/{server['name']}/stop")
            kept = await browser.told(await start(browser, repo.url, on_change="keep"))
            assert kept[-1]["phase"] == "ready", kept
            assert kept[-1]["imageName"] == first[-1]["imageName"]
            assert not any(event["phase"] == "building" for event in kept)
        updated = await browser.told(await start(browser, repo.url, on_change="restart"))
        assert updated[-1]["imageName"] != first[-1]["imageName"]


async def test_cancelling_ends_it_for_good(realhub, repos):
    repos.create_repo("me/slow", {"requirements.txt": "slow"})
    async with realhub.browser("eve") as browser:
        with realhub.holds("eve"):
            launch = await start(browser, f"{repos.url}/me/slow", server="slow")
            reply = await browser.api("POST", f"api/launches/{launch}/cancel")
        assert reply.json()["error"]["code"] == "cancelled"
        assert (await browser.told(launch))[-1]["code"] == "cancelled"
        again = await browser.api("POST", f"api/launches/{launch}/cancel")
        assert again.json()["error"]["code"] == "cancelled"


async def test_a_server_that_starts_for_nobody_is_stopped(realhub, repos):
    """Whoever else waits for the same start has it."""

    async def state(browser) -> str:
        (server,) = (await browser.api("GET", "api/servers")).json()["servers"]
        return server["state"]

    async with realhub.browser("quitter") as browser:
        fields = {"repo": f"{repos.url}/me/mine", "server": "dawdles"}
        with realhub.holds("quitter"):
            ids = [await start(browser, **fields, filepath=name) for name in ("a", "b")]
            await browser.told(ids[0], until="Starting your server")
            for id in ids:
                await browser.api("POST", f"api/launches/{id}/cancel")
                assert (await browser.told(id))[-1]["code"] == "cancelled"
                assert await state(browser) == ("starting" if id == ids[0] else "stopped")
            assert not processes("quitter")
            # one that has to wait for that is a start of its own
            again = await start(browser, **fields)
            await browser.told(again, until="Starting your server")
            _, id = await asyncio.gather(
                browser.api("POST", f"api/launches/{again}/cancel"),
                start(browser, **fields, filepath="c"),
            )
        assert (await browser.told(id))[-1]["phase"] == "ready"
        assert await state(browser) == "running" and processes("quitter")


async def test_somebody_elses_launch_is_not_there(realhub, repos):
    async with realhub.browser("fay") as fay, realhub.browser("gus") as gus:
        launch = await start(fay, f"{repos.url}/me/mine")
        await gus.get(HOME)
        for path in ("", "/events", "/log"):
            reply = await gus.api("GET", f"api/launches/{launch}{path}")
            assert (reply.status, reply.json()["code"]) == (404, "not-found")
        assert (await gus.api("POST", f"api/launches/{launch}/cancel")).status == 404
        assert (await gus.get(f"{PREFIX}launches/{launch}")).status == 404
        assert launch not in (await gus.api("GET", "api/launches")).text
        await fay.told(launch)


async def test_a_token_does_what_a_page_does(realhub, repos):
    token = await realhub.token("hal")
    async with realhub.browser() as program:
        headers = {"Authorization": f"Bearer {token}"}
        body = {"repo": f"{repos.url}/me/mine", "filepath": "index.ipynb"}
        made = await program.api("POST", "api/launches", json=body, headers=headers)
        assert made.status == 201, made.text
        events = await program.events(made.json()["events"], headers=headers)
        assert events[-1]["phase"] == "ready", events
        (server,) = (await program.api("GET", "api/servers", headers=headers)).json()["servers"]
        stop = await program.api("POST", f"api/servers/{server['name']}/stop", headers=headers)
        assert stop.status == 202
        gone = await program.api("DELETE", f"api/servers/{server['name']}", headers=headers)
        assert gone.status == 202


@pytest.mark.parametrize("path", ["api/launches", "api/servers", "api/parse?text=a/b"])
async def test_the_api_refuses_strangers_with_words_and_no_redirect(realhub, path):
    async with realhub.browser() as stranger:
        reply = await stranger.api("GET", path)
        assert (reply.status, reply.json()["code"]) == (403, "not-allowed")


async def test_a_cookie_alone_starts_nothing(realhub, repos):
    async with realhub.browser("ida") as browser:
        await browser.get(HOME)
        for token in ("", "forged"):
            data = {"repo": f"{repos.url}/me/mine", "_xsrf": token}
            back = await browser.send("POST", f"{PREFIX}launch", data=data)
            assert (back.status, back.headers["Location"].split("=")[0]) == (303, f"{PREFIX}?repo")
            reply = await browser.send(
                "POST",
                f"{PREFIX}api/launches",
                json={"repo": f"{repos.url}/me/mine"},
                headers={"X-XSRFToken": token},
            )
            assert reply.status == 403
        assert (await browser.get(f"{PREFIX}launch?repo=x")).status == 405
        assert (await browser.api("GET", "api/launches")).json() == {"launches": []}


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"repo": "not a repository at all"}, "repo", "can be launched"),
        ({"repo": "https://user:secret@github.com/a/b"}, "repo", ""),
        ({"repo": "file:///etc/passwd"}, "repo", "cannot be fetched"),
        ({"repo": "a/b", "ref": "-x"}, "ref", ""),
        ({"repo": "a/b", "server": "Not A Name"}, "server", "lower-case"),
        ({"repo": "a/b", "files": "everything"}, "files", "project"),
        ({"repo": "a/b", "filepath": "../../etc"}, "filepath", ""),
        ({"repo": "a/b", "image": "evil/image:1"}, "image", "not on this hub's list"),
    ],
)
async def test_bad_input_is_explained_beside_what_was_typed(realhub, fields, field, words):
    async with realhub.browser("jon") as browser:
        await browser.get(HOME)
        reply = await browser.form("launch", **fields)
        assert reply.status in (400, 403)
        assert words in html.unescape(reply.text)
        assert "secret" not in reply.text
        if field != "image":
            assert f'id="{field}-error"' in reply.text or field == "filepath"
        assert (await browser.api("GET", "api/launches")).json() == {"launches": []}


TWO_HUNDRED = "&".join(f"p{number}=x" for number in range(200))
PAGE = '<p>A <a href="/about">word</a> in a page.</p>'


def inside(link: str, times: int) -> str:
    """A link inside a link inside a link."""
    for _ in range(times):
        link = f"https://hub.example.org/hub/user-redirect/git-pull?repo={quote(link, safe='')}"
    return link


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"https://mybinder.org/v2/gh/a/b/HEAD?{TWO_HUNDRED}", "more than 100"),
        ("https://mybinder.org/v2/gh/a/b/HEAD?server=one&server=two", "server twice"),
        ("https://mybinder.org/v2/gh/a/b/HEAD?files=home&files=none", "files twice"),
        (PAGE * 200, "cannot be understood"),
        (PAGE * 2000, "at most 16384 are read"),
        (inside("https://github.com/c/d", 6), "a link that holds a link"),
    ],
)
async def test_bad_links_are_refused_in_words_wherever_they_are_given(realhub, text, words):
    async with realhub.browser("jon") as browser:
        await browser.get(HOME)
        replies = [await browser.form("launch", repo=text)]
        if len(text) < 8000:
            replies.append(await browser.get(f"{PREFIX}open", params={"link": text}))
            replies.append(await browser.api("GET", "api/parse", params={"text": text}))
        if text.startswith("https://mybinder.org/"):
            replies.append(await browser.get(PREFIX + text.removeprefix("https://mybinder.org/")))
        for reply in replies:
            assert reply.status == 400, reply.text
            assert words in html.unescape(reply.text)
        assert (await browser.api("GET", "api/launches")).json() == {"launches": []}


@pytest.mark.parametrize(
    ("name", "ref", "code"),
    [("me/nothing", "", "repo-not-found"), ("me/mine", "no-such-branch", "ref-not-found")],
)
async def test_what_does_not_exist_is_said_in_the_stream(realhub, repos, name, ref, code):
    async with realhub.browser("kim") as browser:
        launch = await start(browser, f"{repos.url}/{name}", ref=ref)
        last = (await browser.told(launch))[-1]
        assert (last["phase"], last["code"]) == ("failed", code)
        page = await browser.get(f"{PREFIX}launches/{launch}")
        assert last["message"].strip()[:20] in page.text


async def test_open_to_everybody(realhub):
    async with realhub.browser() as stranger:
        assert (await stranger.send("GET", f"{PREFIX}health")).json()["ok"] is True
        versions = await stranger.send("GET", f"{PREFIX}versions")
        assert versions.headers["Access-Control-Allow-Origin"] == "*"
        assert {"binderhub", "builder_info"} <= set(versions.json())
        metrics = (await stranger.send("GET", f"{PREFIX}metrics")).text
        assert 'binderhub_launch_time_seconds_bucket{le="2.0"' in metrics
        assert "repo=" not in metrics
        providers = (await stranger.send("GET", f"{PREFIX}api/repoproviders")).json()
        offered = {entry["id"] for entry in providers}
        assert {"gh", "git", "gl"} <= offered and "folder" not in offered


async def test_unknown_addresses_are_404(realhub):
    async with realhub.browser() as stranger:
        page = await stranger.send("GET", f"{PREFIX}nothing/here")
        assert page.status == 404
        assert "mistyped" in page.text
        assert (await stranger.send("GET", f"{PREFIX}api/nothing")).json()["status"] == 404


async def test_no_answer_may_be_framed(realhub):
    """Of every address, by every method, with and without a sign-in; files and errors too."""
    addresses = [
        *("", "settings", "v2/gh/x", "v2/git/nowhere/HEAD", "repo/a/b", "launch", "launches/none"),
        *("static/js/launch.js", "static/none.js", "static/css/binder.css", "badge_logo.svg"),
        *(
            "favicon_fail.ico",
            "assets/images/badge.svg",
            "health",
            "versions",
            "metrics",
            "nothing",
        ),
        *("api/launches", "api/servers", "api/none", "api/repoproviders", "build/gh/a/b/c"),
        *("oauth_callback", "oauth_callback?code=x&state=y", "files", "volumes", "update"),
    ]
    for user in ("", "ana"):
        async with realhub.browser(user) as browser:
            for address in addresses:
                for method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS"):
                    reply = await browser.send(method, PREFIX + address)
                    case = (user, method, address, reply.status)
                    policy = reply.headers.get("Content-Security-Policy", "")
                    assert "frame-ancestors 'none'" in policy, case
                    assert reply.headers["X-Frame-Options"] == "DENY", case
                    assert reply.headers["X-Content-Type-Options"] == "nosniff", case
                    assert reply.headers["Cross-Origin-Opener-Policy"] == "same-origin", case


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
async def test_other_origins_change_nothing_even_with_the_pages_token(realhub, repos, site):
    async with realhub.browser("iris") as browser:
        await browser.get(PREFIX)
        there = {"Sec-Fetch-Site": site}
        fields = {"repo": f"{repos.url}/me/mine", "_xsrf": browser.xsrf()}
        form = await browser.send("POST", f"{PREFIX}launch", data=fields, headers=there)
        body = {"repo": fields["repo"]}
        api = await browser.api("POST", "api/launches", json=body, headers=there)
        assert (form.status, api.status) == (403, 403)
        assert (await browser.api("GET", "api/launches")).json() == {"launches": []}
