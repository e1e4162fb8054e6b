"""A person's work: which rows there are, in which order, and that pages hear of what changes."""

from __future__ import annotations

import asyncio
import html
import re
import sqlite3
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from patience import SOON
from realhub import PREFIX

from binderhub_ext.core.errors import RepoNotFound, RepoUnavailable
from binderhub_ext.core.policy import Policy
from binderhub_ext.core.repo import FOLDER_OF_MACHINE, Commit, Repo
from binderhub_ext.core.shipped import SHIPPED
from binderhub_ext.engines.base import Program
from binderhub_ext.service.launching.builds import Builds
from binderhub_ext.service.launching.news import News
from binderhub_ext.service.launching.upstream import Upstream
from binderhub_ext.service.records.tables import LaunchRow, ShownRow
from binderhub_ext.service.web.handlers.worklists import ROWS
from binderhub_ext.service.web.longlists import has_words
from binderhub_ext.service.web.views import program_view
from binderhub_ext.service.web.workviews import place_of, work_rows


def launched(name: str, day: int) -> LaunchRow:
    return LaunchRow(
        id=f"launch-{name}",
        user="ana",
        server=name,
        started=datetime(2026, 11, day, tzinfo=UTC),
        provider="gh",
        repo=f"ocean/{name}",
        repo_url=f"https://github.com/ocean/{name}",
        ref="main",
        commit="a" * 40,
        project=f"projects/ocean/{name}",
        request=f"v2/gh/ocean/{name}/main",
        url="/user/ana/x/",
    )


def server(name: str, project: str, state: str, day: int) -> dict[str, Any]:
    when = f"2026-11-{day:02}T00:00:00+00:00"
    return {"name": name, "title": name, "project": project, "state": state, "last_activity": when}


def rows(servers: list[dict[str, Any]], projects: list[LaunchRow]) -> list[tuple[str, str, bool]]:
    found = [row.view({}, {}, PREFIX) for row in work_rows(servers, projects)]
    return [(row["title"], row["state"], row["also"]) for row in found]


def test_a_project_stands_once_with_all_its_servers() -> None:
    tides = "projects/ocean/tides"
    servers = [
        server("old", tides, "stopped", 3),
        server("tides", tides, "running", 2),
        server("image", "", "stopped", 9),
    ]
    assert rows(servers, [launched("tides", 1), launched("waves", 8)]) == [
        ("tides", "running", False),
        ("old", "stopped", True),
        ("image", "stopped", False),
        ("waves", "", False),
    ]


def test_what_a_row_says_of_its_project() -> None:
    (found,) = work_rows([], [launched("tides", 1)])
    row = found.view({"projects/ocean/tides": 7}, {}, PREFIX)
    assert (row["place"], row["bytes"]) == ("github.com/ocean", 7)
    assert row["again"] == {"link": "v2/gh/ocean/tides/main"}
    assert row["launch_url"] == f"{PREFIX}launches/launch-tides"


def test_a_project_is_called_and_placed_as_its_person_wants() -> None:
    waves = ShownRow(user="ana", project="projects/ocean/waves", title="Week 1", pinned=True)
    servers = [server("tides", "projects/ocean/tides", "running", 9)]
    projects = [launched("tides", 9), launched("waves", 1)]
    found = work_rows(servers, projects, {waves.project: waves})
    assert [(row.title, row.pinned) for row in found] == [("Week 1", True), ("tides", False)]
    assert [has_words(row.texts, "week OCEAN") for row in found] == [True, False]


@pytest.mark.parametrize(
    ("repo", "place"),
    [
        (Repo("git", "x", "https://git.example.org:8443/a/b/c.git"), "git.example.org:8443/a/b"),
        (Repo("git", "x", "https://git.example.org/meer/%C3%9Cbung"), "git.example.org/meer"),
        (SHIPPED.repo("tides"), ""),
    ],
)
def test_whose_a_repository_is(repo: Repo, place: str) -> None:
    assert place_of(repo) == place


def test_what_runs_beside_a_server_is_opened_where_its_environment_can_show_it() -> None:
    url = "/user/ana/tides/"
    assert program_view(Program("refine", (3333, 8080), proxied=True), url) == {
        "name": "refine",
        "ports": [
            {"port": 3333, "url": f"{url}proxy/3333/"},
            {"port": 8080, "url": f"{url}proxy/8080/"},
        ],
    }
    assert program_view(Program("redis", (6379,)), url)["ports"] == [{"port": 6379, "url": ""}]


async def test_news_is_for_one_person_and_is_not_missed() -> None:
    news = News()
    seen = news.count("ana")
    news.tell("ana")
    news.tell("bob")
    assert await news.wait("ana", seen, 0.01) == seen + 1
    assert await news.wait("ana", seen + 1, 0.01) == seen + 1
    waiting = [asyncio.create_task(news.wait("ana", seen + 1)) for _ in range(2)]
    await asyncio.sleep(0)
    news.tell("ana")
    assert await asyncio.gather(*waiting) == [seen + 2] * 2
    waiting = [asyncio.create_task(news.wait("ana", seen + 2))]
    await asyncio.sleep(0)
    news.close()
    async with asyncio.timeout(SOON):
        await asyncio.gather(*waiting)


async def test_a_project_is_pinned_and_renamed(realhub, repos) -> None:
    repos.create_repo("me/shown", {"requirements.txt": "", "x": "shown"})
    async with realhub.browser("who-renames") as browser:
        await browser.get(PREFIX)
        launch = await browser.form("launch", repo=f"{repos.url}/me/shown")
        events = launch.headers["Location"].replace("/launches/", "/api/launches/") + "/events"
        await browser.events(events)
        page = (await browser.get(PREFIX)).text
        [project] = set(re.findall(r'name="project" value="([^"]+)"', page))
        for fields in ({"action": "pin"}, {"action": "rename", "title": " <b>Week</b>  1 "}):
            changed = await browser.form("work", project=project, **fields)
            assert (changed.status, changed.headers["Location"]) == (303, PREFIX)
        page = (await browser.get(PREFIX)).text
        assert "&lt;b&gt;Week&lt;/b&gt; 1" in page and "Keep no longer at the top" in page
        for fields, status in (
            ({"action": "rename", "title": "x" * 121}, 400),
            ({"action": "rename", "title": "\u202ex"}, 400),
            ({"action": "else"}, 400),
            ({"action": "pin", "project": "projects/of/another"}, 404),
        ):
            assert (await browser.form("work", **{"project": project, **fields})).status == status
        await browser.form("work", project=project, action="rename", title="")
        assert "Week" not in (await browser.get(PREFIX)).text


def add_projects(database: Path, user: str, count: int) -> None:
    """Projects of a person without a server, as launches on record, the first used last."""
    with sqlite3.connect(database) as records:
        records.row_factory = sqlite3.Row
        row = dict(records.execute("select * from launches where user = ?", [user]).fetchone())
        names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
        for number in range(count):
            name = f"many-{number:03}"
            row |= {"id": name, "server": name, "project": f"projects/many/{name}"}
            row |= {"repo": f"many/{name}", "repo_url": f"https://example.org/many/{name}"}
            row |= {"started": f"2020-01-01 00:00:00.{count - number:06}"}
            records.execute(f"insert into launches ({names}) values ({marks})", [*row.values()])


async def test_of_much_work_a_page_is_shown_and_all_of_it_found(realhub, repos) -> None:
    async with realhub.browser("who-has-much") as browser:
        await browser.get(PREFIX)
        await browser.told(await browser.launch(repo=f"{repos.url}/me/mine", server="mine"))
        assert re.search(r'id="work-search" +hidden>', (await browser.get(PREFIX)).text)
        add_projects(realhub.root / "data/binder.sqlite", "who-has-much", 2 * ROWS)

        async def titles(query: str = "") -> list[str]:
            page = (await browser.get(f"{PREFIX}{query}")).text
            assert not re.search(r'id="work-search" +hidden>', page)
            # what keeps the lists as things are asks for the same
            again = re.findall(r'data-url="(/[^"]*lists[^"]*)"', page)[0]
            lists = (await browser.get(html.unescape(again))).text
            rows = (
                re.findall(r'<li class="binder-row" data-title="([^"]+)', t) for t in (page, lists)
            )
            first, second = rows
            assert first == second
            return first

        assert await titles() == ["mine", *(f"many-{n:03}" for n in range(ROWS - 1))]
        assert (await titles("?page=3")) == [f"many-{2 * ROWS - 1:03}"]
        assert await titles("?find=MANY+049") == ["many-049"]
        # what is said in the reader's language is found in that
        with sqlite3.connect(realhub.root / "data/binder.sqlite") as records:
            live = "update launches set provider = ? where id = 'many-003'"
            records.execute(live, [FOLDER_OF_MACHINE])
        assert await titles("?find=folder+of") == ["many-003"]
        assert await titles("?lang=de&find=ordner+dieses") == ["many-003"]
        await browser.get(f"{PREFIX}?lang=en")
        page = (await browser.get(f"{PREFIX}?find=no-such-thing")).text
        assert "Nothing is found by this." in page
        # who was not let in is read, on whatever page the server is
        there = {"Referer": browser.url(f"{PREFIX}?page=2")}
        token = {"_xsrf": browser.xsrf()}
        path = f"{PREFIX}servers/mine/shares"
        refused = await browser.send(
            "POST", path, data={"user": "nobody-here", **token}, headers=there
        )
        assert (refused.status, "shares-error" in refused.text) == (404, True)
        assert 'data-title="mine"' in refused.text
        # what is done there leads back there
        fields = {"project": "projects/many/many-040", "action": "pin", **token}
        done = await browser.send("POST", f"{PREFIX}work", data=fields, headers=there)
        assert done.headers["Location"] == f"{PREFIX}?page=2"
        assert (await titles())[:2] == ["many-040", "mine"]


POLICY = Policy(banned_specs=(".*banned.*",))


class Host:
    """What refs stand for, and what was asked."""

    def __init__(self, **commits: str | Exception) -> None:
        self.commits, self.asked = commits, Counter[str]()

    def provider(self, id: str) -> Host:
        return self

    async def since(self, commit: Commit) -> dict[str, int]:
        self.asked[f"since {commit.id[0]}"] += 1
        return {"a" * 40: 3} if commit.id[0] == "b" else {}

    async def resolve(self, repo: Repo, ref: str) -> Commit:
        self.asked[repo.name] += 1
        said = self.commits[repo.title]
        if isinstance(said, Exception):
            raise said
        return Commit(repo, ref, said)


async def wakes(upstream: Upstream, news: News, rows: list[LaunchRow]) -> bool:
    """Whether a page of ana's is woken by a look."""
    count = news.count("ana")
    upstream.look("ana", rows)
    return await news.wait("ana", count, SOON) > count


async def wakes_nobody(upstream: Upstream, news: News, rows: list[LaunchRow]) -> bool:
    """Whether none is."""
    count = news.count("ana")
    upstream.look("ana", rows)
    return await news.wait("ana", count, 0.05) == count


async def test_a_branch_that_goes_on_is_seen_once_in_a_while() -> None:
    host, news = Host(tides="b" * 40, waves="a" * 40, gone=RepoNotFound("gone")), News()
    upstream = Upstream(cast(Builds, host), POLICY, news, 3600)
    version = launched("version", 1)
    version.ref = version.commit
    short = launched("short", 1)
    short.ref = short.commit[:7]
    banned = launched("banned", 1)
    rows = [launched("gone", 3), launched("tides", 2), launched("waves", 1)]
    rows += [version, short, banned]
    assert await wakes(upstream, news, rows)
    assert upstream.newer(rows) == {"projects/ocean/tides": 3}
    assert await wakes_nobody(upstream, news, rows)
    once = ("ocean/gone", "ocean/tides", "ocean/waves", "since a", "since b")
    assert host.asked == dict.fromkeys(once, 1)
    earlier = launched("tides", 1)
    earlier.commit = "0" * 40
    assert upstream.newer([earlier]) == {"projects/ocean/tides": None}
    rows[1].commit = "b" * 40
    assert upstream.newer(rows) == {}, "it was launched since"


async def test_nobody_looks_where_it_is_switched_off() -> None:
    host, news = Host(tides="b" * 40), News()
    upstream = Upstream(cast(Builds, host), POLICY, news, 0)
    assert await wakes_nobody(upstream, news, [launched("tides", 1)])
    assert not host.asked


async def test_what_does_not_answer_is_asked_again_and_what_was_known_stays() -> None:
    host, news = Host(tides="b" * 40), News()
    upstream = Upstream(cast(Builds, host), POLICY, news, 1e-9)
    rows = [launched("tides", 1)]
    assert await wakes(upstream, news, rows)
    host.commits["tides"] = RepoUnavailable("It does not answer.")
    assert await wakes_nobody(upstream, news, rows)
    assert host.asked["ocean/tides"] == 2
    assert upstream.newer(rows) == {"projects/ocean/tides": 3}
    host.commits["tides"] = "b" * 40
    assert await wakes_nobody(upstream, news, rows)
    assert (host.asked["ocean/tides"], host.asked["since b"]) == (3, 1), "it is counted once"


async def test_pages_say_how_many_commits_are_new(realhub, repos) -> None:
    repo = repos.create_repo("work/goes-on", {"requirements.txt": "", "a": "1"})
    async with realhub.browser("wendy") as tab:
        await tab.get(PREFIX)
        launch = await tab.launch(repo=repo.url)
        assert (await tab.told(launch))[-1]["phase"] == "ready"
        for content in ("2", "3"):
            repo.commit({"a": content})
        headers = {"X-XSRFToken": tab.xsrf(), "Sec-Fetch-Mode": "cors"}
        address = tab.url(f"{PREFIX}api/work/events")
        async with tab.session.get(address, headers=headers) as stream:
            page = await tab.get(f"{PREFIX}lists")
            # a host that answers at once is known of in this page already
            async with asyncio.timeout(SOON):
                while "2 new commits" not in page.text:
                    while b"data:" not in await stream.content.readline():
                        pass
                    page = await tab.get(f"{PREFIX}lists")
        (address,) = set(re.findall(r'href="([^"]+)">2 new commits', page.text))
        assert ": 2 new commits" in (await tab.get(address)).text
        fetched = await tab.form("update", project=f"projects/127.0.0.1+{repos.port}/work/goes-on")
        assert ": 2 new commits" in (await tab.get(fetched.headers["Location"])).text


async def test_every_page_hears_of_a_launch_and_of_a_restart(realhub, repos) -> None:
    """A second tab is woken by what the first does, and sees the row with all it can do."""
    async with realhub.browser("wanda") as tab:
        await tab.get(PREFIX)
        headers = {"X-XSRFToken": tab.xsrf(), "Sec-Fetch-Mode": "cors"}
        address = tab.url(f"{PREFIX}api/work/events")
        async with tab.session.get(address, headers=headers) as stream:
            assert stream.status == 200
            launched = await tab.form("launch", repo=f"{repos.url}/me/mine")
            async with asyncio.timeout(SOON):
                assert b"data: {}" in await stream.content.readuntil(b"\n\n")
        id_ = launched.launch
        ready = (await tab.told(id_))[-1]
        page = (await tab.get(PREFIX)).text
        assert page.index("Your work") < page.index('id="launch-form"')
        assert "fresh" in page and f"launches/{id_}" in page
        again = await tab.form(
            "launch",
            link=(await tab.api("GET", "api/servers")).json()["servers"][0]["again"]["link"],
            on_change="fresh",
        )
        id_ = again.launch
        told = await tab.told(id_)
        assert any("Stopping the server that runs." in event["message"] for event in told)
        assert told[-1]["url"] == ready["url"]
