"""The ledger against known runs: true for servers nobody told the service of, and after kills."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch
from urllib.parse import quote

import pytest
from gitserver import GitServer
from patience import SOON, wait_until
from realhub import BUILDS, PREFIX, Browser, RealHub
from test_service_life import _pids

from binderhub_ext.core.errors import HubUnavailable
from binderhub_ext.core.intervals import Key, Measured, Reading
from binderhub_ext.core.launch import Launch, Tickets, read_ticket
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.core.policy import Size
from binderhub_ext.core.sentences import Sentence
from binderhub_ext.core.spending import Prices
from binderhub_ext.core.usagequotas import Standing, read_policies
from binderhub_ext.core.using import UNKNOWN, Use, Used
from binderhub_ext.languages.language import find
from binderhub_ext.service.accounting import bookkeeper as bookkeeping
from binderhub_ext.service.accounting.bookkeeper import Bookkeeper
from binderhub_ext.service.accounting.buildmeter import BuildMeter
from binderhub_ext.service.accounting.costs import Costs
from binderhub_ext.service.accounting.limits import UsageLimits
from binderhub_ext.service.accounting.reports import Component, Figures, Line, Reports
from binderhub_ext.service.accounting.settings import Given
from binderhub_ext.service.accounting.stored import StoredFiles
from binderhub_ext.service.hub import Person
from binderhub_ext.service.members import Member
from binderhub_ext.service.person.space import DiskUsage
from binderhub_ext.service.records import ledger as ledgers_of_records
from binderhub_ext.service.records.database import sqlite_url
from binderhub_ext.service.records.ledger import STOPPED, BuildPart, Ledger, Run, StorageDay
from binderhub_ext.service.records.records import Records
from binderhub_ext.service.web.usageviews import as_csv, usage_view
from binderhub_ext.storage.homes import ensure_home
from binderhub_ext.storage.space import Limits
from binderhub_ext.storage.usage import forget_usage, home_places
from binderhub_ext.storage.volumes import VolumeStore

_KEPT = """
c.Ledger.every = 0.2
c.Ledger.prices = {"memory": 1.0, "build": 60.0}
c.Ledger.currency = "EUR"
c.LaunchPolicy.sizes = {"large": {"memory": "4G", "cpu": 2}}
c.JupyterHub.load_groups = {"ocean": {"users": ["via", "pam"]}}
c.Authenticator.admin_users = {"ada"}
c.Spawner.poll_interval = 1
c.MemoryBuilder.seconds = 1.2
c.UsageQuotas.policy = [
    {"resource": "memory", "limit": 1, "window": 1, "scope": {"user": ["spent"]}},
    {"resource": "memory", "limit": "100G", "window": 7, "scope": {"group": ["ocean"]}},
    {"resource": "memory", "limit": "9G", "window": 1, "scope": {"user": ["heir"]}},
    {"resource": "storage", "limit": "2M", "window": 1, "scope": {"user": ["hoards", "nears"]}},
]
"""
_RUN = 10.0


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHub]:
    with RealHub(tmp_path_factory.mktemp("ledger"), _KEPT) as hub:
        yield hub


def ledger_rows(path: Path, kind: str) -> list[dict[str, Any]]:
    with sqlite3.connect(path) as database:
        database.row_factory = sqlite3.Row
        every = database.execute("select * from ledger_intervals where kind=?", (kind,))
        return [dict(row) for row in every]


def rows(hub: RealHub, user: str = "", kind: str = "server") -> list[dict[str, Any]]:
    every = ledger_rows(hub.root / "data/binder.sqlite", kind)
    return [row for row in every if user in ("", row["user"])]


async def closed(hub: RealHub, user: str, count: int = 1) -> list[dict[str, Any]]:
    """A person's runs, once so many of them are over."""
    async with asyncio.timeout(SOON):
        while sum(row["ended"] for row in rows(hub, user)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return rows(hub, user)


async def launched(browser: Browser, url: str, **fields: str) -> str:
    """Launch to the end; the server's name."""
    await browser.get(PREFIX)
    id_ = await browser.launch(repo=url, **fields)
    last = (await browser.told(id_))[-1]
    assert last["phase"] == "ready", last
    return str((await browser.view(id_))["server"])


async def past_the_service(browser: Browser, user: str, method: str) -> None:
    """Start or stop a person's default server as the Hub's own pages do."""
    await browser.get("/hub/token")
    headers = {"X-XSRFToken": browser.xsrf("/hub/")}
    path = f"/hub/api/users/{user}/server"
    reply = await browser.send(method, path, headers=headers, json={})
    assert reply.status in (201, 202, 204), reply.text
    if method == "DELETE":
        await over(browser, user)


async def over(browser: Browser, user: str) -> None:
    """Wait until nothing of a person's runs."""
    async with asyncio.timeout(SOON):
        path = f"/hub/api/users/{user}"
        while (await browser.send("GET", path)).json()["servers"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def looked_at(hub: RealHub, *users: str) -> None:
    """Wait until servers of these people start, and the Hub was looked at meanwhile."""
    path = hub.root / "data/binder.sqlite"

    def looked() -> float:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            return float(database.execute("select wall from ledger_clock").fetchone()[0])

    await asyncio.to_thread(wait_until, lambda: hub.starting(*users) == len(users), "none starts")
    since = time.time()
    await asyncio.to_thread(wait_until, lambda: looked() > since, "nobody looks at the Hub")


async def ready(browser: Browser, user: str, name: str = "") -> float:
    """Wait for a server; when the Hub began to start it."""
    async with asyncio.timeout(SOON):
        while True:
            reply = await browser.send("GET", f"/hub/api/users/{user}")
            server = reply.json()["servers"].get(name, {})
            if server.get("ready"):
                return datetime.fromisoformat(server["started"]).timestamp()
            await asyncio.sleep(0.05)


async def _runs(kept: RealHub, url: str) -> dict[str, tuple[float, float]]:
    async def through() -> tuple[float, float]:
        async with kept.browser("via") as browser:
            name = await launched(browser, url, size="large")
            began = await ready(browser, "via", name)
            await asyncio.sleep(_RUN)
            least = time.time() - began
            await browser.api("POST", f"api/servers/{name}/stop")
            await over(browser, "via")
            return least, time.time() - began

    async def past() -> tuple[float, float]:
        async with kept.browser("pam") as browser:
            await past_the_service(browser, "pam", "POST")
            began = await ready(browser, "pam")
            await asyncio.sleep(_RUN)
            least = time.time() - began
            await past_the_service(browser, "pam", "DELETE")
            return least, time.time() - began

    with kept.holds("via", "pam"):
        running = asyncio.gather(through(), past())
        await looked_at(kept, "via", "pam")
    via, pam = await running
    await closed(kept, "via"), await closed(kept, "pam")
    return {"via": via, "pam": pam}


@pytest.fixture(scope="module")
def known(kept: RealHub, repos: GitServer) -> dict[str, tuple[float, float]]:
    """Two people's runs, at least and at most so long: through the service, and past it.

    Begun when the Hub says, ended while we stop them.
    """
    return asyncio.run(_runs(kept, f"{repos.url}/me/mine"))


def test_runs_are_as_long_as_they_were(
    kept: RealHub, known: dict[str, tuple[float, float]]
) -> None:
    counted = {user: rows(kept, user)[0] for user in known}
    for user, (least, most) in known.items():
        assert 0.98 * least <= counted[user]["seconds"] <= 1.02 * most, (counted, known)
    via = counted["via"]
    assert (via["memory"], via["cpu"], via["size"]) == (4 << 30, 2, "large")
    assert (via["groups"], via["engine"], via["reason"]) == ("ocean", "memory", "stopped")
    assert via["repo"].endswith("/me/mine")
    assert (counted["pam"]["memory"], counted["pam"]["repo"]) == (2 << 30, "")


@pytest.mark.usefixtures("known")
async def test_people_see_their_own_and_administrators_all(kept: RealHub) -> None:
    async with kept.browser("via") as via, kept.browser("ada") as ada:
        await via.get(PREFIX)
        own = (await via.api("GET", "api/usage/me")).json()
        run = rows(kept, "via")[0]["seconds"]
        assert own["totals"]["memory_gib_hours"] == pytest.approx(4 * run / 3600, abs=0.001)
        assert own["totals"]["cost"] > own["totals"]["memory_gib_hours"]
        assert [one["window"] for one in own["quotas"]] == [7]
        assert own["allow_server_launch"] is True
        page = await via.get(f"{PREFIX}usage")
        assert "GiB-hours of memory" in page.text and "EUR" in page.text
        assert "of 100 GiB-hours of memory within 7 days" in page.text
        for path in ("usage", "usage.csv", "usage/metrics"):
            assert (await via.api("GET", f"api/admin/{path}")).status == 403

        await ada.get(PREFIX)
        assert "pam" in (await ada.get(f"{PREFIX}admin/usage")).text
        table = (await ada.api("GET", "api/admin/usage.csv?days=2")).text.splitlines()
        assert table[0].startswith("date,user,group,component,cost,currency,")
        assert any(line.split(",")[1:4] == ["via", "ocean", "compute"] for line in table)
        assert any(line.split(",")[1:4] == ["via", "ocean", "build"] for line in table)
        figures = (await ada.api("GET", "api/admin/usage/metrics")).text
        line = next(
            line
            for line in figures.splitlines()
            if line.startswith("jupyterhub_memory_usage_byte_hours_total{")
            and 'username="via"' in line
        )
        assert 'policy_group="ocean"' in line and 'unit="GiB-hours"' in line
        assert float(line.rpartition(" ")[2]) == pytest.approx(4 * 2**30 * run / 3600, rel=0.01)
        assert "jupyterhub_memory_limit_byte_hours_total{" in figures


async def begun(browser: Browser, url: str) -> str:
    """Launch until a build is under way; the launch's id."""
    await browser.get(PREFIX)
    id_ = await browser.launch(repo=url)
    await browser.told(id_, until="line 0")
    return id_


async def test_a_build_is_paid_once_by_all_who_waited(kept: RealHub, repos: GitServer) -> None:
    url = str(repos.create_repo("me/paid", {"requirements.txt": "slow together"}).url)
    async with kept.browser("ann") as ann, kept.browser("ben") as ben:
        began = time.monotonic()
        with kept.holds(BUILDS):
            both = [(one, await begun(one, url)) for one in (ann, ben)]
        for one, id_ in both:
            assert (await one.told(id_))[-1]["phase"] == "ready"
        most = time.monotonic() - began
    parts = [row for row in rows(kept, kind="build") if row["repo"].endswith("/me/paid")]
    assert sorted(row["user"] for row in parts) == ["ann", "ben"]
    assert all(row["ended"] and row["reason"] == "success" for row in parts)
    assert 1.2 <= sum(row["seconds"] for row in parts) <= most


async def test_kills_at_any_moment_leave_nothing_open_or_twice(
    kept: RealHub, tmp_path: Path
) -> None:
    """Servers come and go while whoever keeps the ledger is killed again and again."""
    dice = random.Random(7)
    people = [f"kim-{n}" for n in range(3)]
    known: dict[str, float] = dict.fromkeys(people, 0.0)
    runs: dict[str, int] = dict.fromkeys(people, 0)
    enough = asyncio.Event()
    database = tmp_path / "killed.sqlite"

    async def comes_and_goes(user: str) -> None:
        async with kept.browser(user) as browser:
            while not enough.is_set():
                began = time.monotonic()
                await past_the_service(browser, user, "POST")
                await ready(browser, user)
                await asyncio.sleep(dice.uniform(0, 3))
                await past_the_service(browser, user, "DELETE")
                known[user] += time.monotonic() - began
                runs[user] += 1
                await asyncio.sleep(0.2)

    async with keeping(kept, database) as keeper:  # there is a look before anything runs
        await keeper.looked()
    working = asyncio.gather(*map(comes_and_goes, people))
    kills, seen = 0, set[str]()
    while kills < 5 or not seen >= {*people}:
        async with keeping(kept, database) as keeper:
            await keeper.looked()
            await asyncio.sleep(dice.uniform(0, 1))
        kills += 1
        seen |= {row["user"] for row in ledger_rows(database, "server") if row["seconds"]}
    enough.set()
    await working
    async with keeping(kept, database) as keeper:
        await keeper.looked()
    every = ledger_rows(database, "server")
    assert all(row["ended"] for row in every if row["user"] in people)
    for user in people:
        mine = [row for row in every if row["user"] == user]
        assert len({row["mark"] for row in mine}) == len(mine) <= runs[user]
        assert min(row["seconds"] for row in mine) >= 0
        assert 0 < sum(row["seconds"] for row in mine) <= known[user] + 0.1


class Keeping:
    """A process that keeps a ledger (`keeping.py`)."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def looked(self) -> None:
        """Wait until it has looked once more."""
        assert self._process.stdout
        async with asyncio.timeout(SOON):
            assert await self._process.stdout.readline() == b"looked\n"


@asynccontextmanager
async def keeping(hub: RealHub, database: Path) -> AsyncIterator[Keeping]:
    """Keep a ledger with the rights of the service; killed at the end."""
    (pid,) = _pids(hub)
    environment = Path(f"/proc/{pid}/environ").read_text().split("\0")
    token = next(one for one in environment if one.startswith("JUPYTERHUB_API_TOKEN="))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).with_name("keeping.py")), str(database)),
        *(f"{hub.hub}/hub/api", token.partition("=")[2]),
        stdout=subprocess.PIPE,
    )
    try:
        yield Keeping(process)
    finally:
        process.kill()
        await process.wait()


def test_the_service_may_only_read(kept: RealHub) -> None:
    assert "is not written down" not in kept.log.read_text()
    with sqlite3.connect(f"file:{kept.root / 'data/hub.sqlite'}?mode=ro", uri=True) as database:
        asked = "select scopes from roles where name='binder-ledger'"
        scopes = json.loads(database.execute(asked).fetchone()[0])
    assert all(scope.startswith(("read:", "list:")) for scope in scopes)


async def test_who_has_used_it_up_is_refused_before_the_start(
    kept: RealHub, repos: GitServer
) -> None:
    url = f"{repos.url}/me/mine"
    unbuilt = str(repos.create_repo("me/unbuilt", {"requirements.txt": "of spent"}).url)
    async with kept.browser("spent") as browser:
        name = await launched(browser, url)
        async with asyncio.timeout(SOON):
            while not (await browser.api("GET", "api/usage/me")).json()["error"]:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        known = (await browser.api("GET", "api/usage/me")).json()
        assert known["allow_server_launch"] is False
        assert known["error"]["code"] == "quota-exceeded"
        again = datetime.fromisoformat(known["error"]["retry_time"])
        assert timedelta(hours=23) < again - datetime.now(UTC) < timedelta(hours=25)

        wanted = {"repo": unbuilt, "server": "another"}
        for path in ("prepare", "launches"):
            made = (await browser.api("POST", f"api/{path}", json=wanted)).json()
            last = (await browser.told(made["id"]))[-1]
            found = (last["phase"], last["code"], last["status_code"])
            assert found == ("failed", "quota-exceeded", 429), path
        assert "Nothing new starts for you until there is room" in last["message"]
        assert abs(datetime.fromisoformat(last["fields"]["retry_time"]) - again).seconds < 60
        view = await browser.view(made["id"])
        assert view["error"]["code"] == "quota-exceeded"
        assert "There is room again at" in (await browser.get(view["page"])).text
        assert "/me/unbuilt" not in str(rows(kept, kind="build")), "nothing was built for it"

        for path in ("", f"v2/git/{quote(unbuilt, safe='')}/main", "usage"):
            assert "There is room again at" in (await browser.get(PREFIX + path)).text, path
        assert await launched(browser, url) == name, "what runs is opened as before"


async def test_what_was_used_by_another_of_that_name_is_not_theirs(
    kept: RealHub, repos: GitServer
) -> None:
    url = f"{repos.url}/me/mine"
    async with kept.browser("heir") as browser:
        name = await launched(browser, url)
        async with asyncio.timeout(SOON):
            while not (await browser.api("GET", "api/usage/me")).json()["latest"]:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        await browser.api("POST", f"api/servers/{name}/stop")
        await closed(kept, "heir")
    async with kept.browser("ada") as ada:
        await ada.get("/hub/token")
        headers = {"X-XSRFToken": ada.xsrf("/hub/")}
        gone = await ada.send("DELETE", "/hub/api/users/heir", headers=headers)
        assert gone.status == 204, gone.text
    async with kept.browser("heir") as browser:
        await browser.get(PREFIX)
        mine = (await browser.api("GET", "api/usage/me")).json()
        assert (mine["latest"], mine["by_day"]) == ([], [])
        assert [one["pure_used"] for one in mine["quotas"]] == [0]
    async with kept.browser("ada") as ada:
        await ada.get(PREFIX)
        usage = await ada.api("GET", "api/admin/usage.csv?days=2")
        assert ",heir," in usage.text, "what was used stays in the accounts"


async def test_who_has_too_many_files_can_delete_some(kept: RealHub, repos: GitServer) -> None:
    """In a server of before, and in no new one."""
    url, layout = f"{repos.url}/me/mine", DataDirectory(kept.root / "data")
    async with kept.browser("hoards") as browser:
        name = await launched(browser, url)
        await browser.api("POST", f"api/servers/{name}/stop")
        (ensure_home(layout, "hoards") / "large").write_bytes(b"x" * (3 << 20))
        for root, path in home_places(layout, "hoards"):
            forget_usage(layout, root, path)
        async with asyncio.timeout(SOON):
            while (await browser.api("GET", "api/usage/me")).json()["allow_server_launch"]:
                await browser.get(PREFIX)
                await asyncio.sleep(0.2)
        assert "delete files in its terminal" in (await browser.get(PREFIX)).text
        made = (
            await browser.api("POST", "api/launches", json={"repo": url, "server": "new"})
        ).json()
        events = f"{PREFIX}api/launches/{made['id']}/events"
        last = (await browser.events(events))[-1]
        assert (last["code"], last["fields"]["retry_time"]) == ("quota-exceeded", "")
        assert "Start one that you have used before" in last["message"]
        assert await launched(browser, url) == name


async def test_what_is_nearly_used_up_is_told_in_the_server(
    kept: RealHub, repos: GitServer
) -> None:
    url, layout = f"{repos.url}/me/mine", DataDirectory(kept.root / "data")
    async with kept.browser("nears") as browser:
        await browser.get(PREFIX)
        (ensure_home(layout, "nears") / "large").write_bytes(b"x" * 1_800_000)
        for root, path in home_places(layout, "nears"):
            forget_usage(layout, root, path)
        async with asyncio.timeout(SOON):
            while "Little is left." not in (await browser.get(PREFIX)).text:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        name = await launched(browser, url, server="warned")
        server = (await browser.send("GET", "/hub/api/users/nears")).json()["servers"][name]
        secret = (kept.root / "data/secrets/ticket").read_text().strip()
        ticket = server["user_options"]["ticket"]
        launch = read_ticket(ticket, secret, user="nears", server=name)
        (told,) = launch.told(time.time())
        assert told.endswith("Little is left.")
        assert await launched(browser, url, server="warned") == name, "it is no other launch"


async def test_what_it_costs_is_said_before(kept: RealHub, repos: GitServer) -> None:
    async with kept.browser("cost-of-sizes") as browser:
        form = await browser.get(PREFIX)
        assert "large · 4.0 GiB · 2 processors: 4.00 EUR an hour" in form.text
        link = f"v2/git/{quote(f'{repos.url}/me/mine', safe='')}/main"
        asked = await browser.get(f"{PREFIX}{link}?size=large")
        assert "4.00 EUR an hour" in asked.text
        assert "2.00 EUR an hour" in (await browser.get(PREFIX + link)).text


def test_a_price_is_said_in_any_language() -> None:
    costs = Costs(Prices({"large": 4.0}, currency="EUR"), Given(Size(), {}))
    (words,) = costs.of_sizes({"large": Size()}).values()
    assert words == "4.00 EUR an hour" and words.text == "{price} an hour"
    assert not Costs(Prices({}), Given(Size(), {})).of_sizes({"large": Size()})


def test_a_size_is_told_with_its_figures() -> None:
    sizes = {
        "large": Size(8 << 30, 2),
        "small": Size(512 << 20, 0.5),
        "gpu": Size(0, 1),
        "many": Size(),
    }
    costs = Costs(Prices({}), Given(Size(), {"gpu": 1, "many": 4}))
    assert list(costs.figures(sizes).values()) == [
        "large · 8.0 GiB · 2 processors",
        "small · 512 MiB · 0.5 processors",
        "gpu · 1 processor · 1 GPU",
        "many · 4 GPUs",
    ]
    german = find("de").say(costs.figures(sizes)["small"])
    assert german == "small · 512 MiB · 0,5 Prozessoren"


def test_the_table_has_no_formulas() -> None:
    line = Line(date(2026, 11, 28), "=cmd", Component.COMPUTE, Figures(hours=1))
    assert as_csv([line], Prices({})).splitlines()[1].startswith("2026-11-28,'=cmd,,compute,0.0")
    groups = frozenset({"a", "=1+1", " @x"})
    line = replace(line, user="b;-1", figures=Figures(groups=groups))
    assert as_csv([line], Prices({})).splitlines()[1].startswith("2026-11-28,b;'-1,' @x;'=1+1;a,")


def test_used_up_builds_keep_no_server_from_starting() -> None:
    """As they do not when one is started; and the limit that holds longest is told."""
    said = [{"resource": "build_minutes", "limit": 1, "window": 1}]
    said += [{"resource": "memory", "limit": 1, "window": days} for days in (1, 7)]
    builds, day, week = read_policies(said).of("ana", ())
    spent = [Standing(builds, 2, 10.0), Standing(day, 2, 20.0), Standing(week, 2, 30.0)]

    def view(standings: list[Standing]) -> dict[str, Any]:
        return usage_view(standings, [], [], days=1, prices=Prices({}))

    assert view(spent[:1])["allow_server_launch"] is True
    assert view(spent[:1])["error"] is None
    assert view(spent)["error"]["retry_time"] == "1970-01-01T00:00:30Z"
    told = [limit[name] for limit in view(spent)["quotas"] for name in ("warning", "room")]
    assert all(isinstance(one, Sentence) for one in told), "for people of any language"


async def test_files_that_were_deleted_are_not_held_against_anybody(tmp_path: Path) -> None:
    layout = DataDirectory(tmp_path / "data")
    layout.cache.mkdir(parents=True)
    large = ensure_home(layout, "ana") / "large"
    large.write_bytes(b"x" * (3 << 20))
    records = Records(sqlite_url(tmp_path / "b.sqlite"), engine="x")
    ledger, space = Ledger(records), DiskUsage(layout, Limits())
    nobody: Any = None
    limits = UsageLimits(
        ledger,
        nobody,
        read_policies([{"resource": "storage", "limit": "2M", "window": 1}]),
        Given(Size(), {}),
        StoredFiles(space, VolumeStore(layout)),
        open=True,
    )

    async def over() -> bool:
        return (await limits.standings("ana", Member(())))[0].over

    today = datetime.now(UTC).date()
    await ledger.stored([StorageDay(today, "home", "ana", "ana", (), 3 << 20)])
    assert await over(), "as it was written down, while nothing was measured"
    await space.measure_all(each=True)
    assert await over()
    large.unlink()
    for root, path in home_places(layout, "ana"):
        forget_usage(layout, root, path)
    await space.measure_all(each=True)
    assert not await over()
    space.close()
    records.close()


async def test_a_hub_that_answers_slowly_is_asked_less_often(tmp_path: Path) -> None:
    """However much changes meanwhile: a class that starts needs the Hub itself."""

    class SlowHub:
        async def items(self, *_args: str, **_params: str) -> AsyncIterator[dict[str, Any]]:
            await asyncio.sleep(0.05)
            raise HubUnavailable
            yield {}

    records = Records(sqlite_url(tmp_path / "b.sqlite"), engine="x")
    ledger, other = Ledger(records), cast(Any, None)
    bookkeeper = Bookkeeper(
        ledger,
        cast(Any, SlowHub()),
        Person("", ""),
        tickets=other,
        given=other,
        meter=BuildMeter(ledger),
        stored=other,
        measure=other,
        every=60,
    )
    bookkeeper.soon()
    with patch.object(bookkeeping, "_LEAST_PAUSE", 0.0):
        await bookkeeper.look()
        began = time.monotonic()
        await bookkeeper.pause()
    assert 0.5 <= time.monotonic() - began < 50
    records.close()


async def test_a_run_of_seconds_is_known_to_have_used_something(tmp_path: Path) -> None:
    """Who is new is measured at once, and again when it is time for everybody."""
    running: dict[str, dict[str, Any]] = {}
    asked: list[list[str]] = []
    found = {"long": Use(1 << 30, None, 0.5), "late": UNKNOWN, "short": Use(2 << 30, 1.5)}

    class Listed:
        async def items(self, *_args: object, **_params: str) -> AsyncIterator[dict[str, Any]]:
            yield {"name": "ana", "groups": [], "servers": dict(running)}

        @asynccontextmanager
        async def call(self, *_args: object, **_params: object) -> AsyncIterator[Any]:
            yield SimpleNamespace(status=404)

    def start(name: str) -> None:
        launch = Launch("ana", name, None, "", "image")
        running[name] = {
            "name": name,
            "url": f"/user/ana/{name}/",
            "ready": True,
            "started": datetime.now(UTC).isoformat(),
            "user_options": {"ticket": Tickets("secret").sign(launch)},
        }

    async def measure(launches: Sequence[Launch]) -> list[Use]:
        asked.append([launch.server for launch in launches])
        return [found[launch.server] for launch in launches]

    records, other = Records(sqlite_url(tmp_path / "b.sqlite"), engine="x"), cast(Any, None)
    ledger = Ledger(records)
    bookkeeper = Bookkeeper(
        ledger,
        cast(Any, Listed()),
        Person("", ""),
        tickets=Tickets("secret"),
        given=Given(Size(1 << 30, 1), {}),
        meter=BuildMeter(ledger),
        stored=other,
        measure=measure,
        every=60,
    )
    start("long")
    await bookkeeper.look()
    start("short")
    start("late")
    await bookkeeper.look()
    del running["short"]
    found["late"] = Use(3 << 30)
    await bookkeeper.look()
    await bookkeeper.look()
    assert asked == [["long"], ["short", "late"], ["late"]]
    kept = {row.name: (row.peak, row.worked, row.ended) for row in await ledger.rows()}
    assert kept["short"] == (2 << 30, 1.5, True) and kept["late"] == (3 << 30, None, False)
    bookkeeper._all_measured -= 60
    await bookkeeper.look()
    assert asked[-1] == ["long", "late"]
    again = next(row for row in await ledger.rows() if row.name == "long")
    assert again.worked <= 0.5 * again.seconds + 0.01, "nothing is counted twice"
    records.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def ledgers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Ledger, Ledger]]:
    """The ledger as two services have it."""
    url: Any = sqlite_url(tmp_path / "b.sqlite")
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").new()
    opened = [Records(url, engine="x", owner=name) for name in ("one", "two")]
    yield Ledger(opened[0]), Ledger(opened[1])
    for records in opened:
        records.close()


def run(mark: str, user: str = "ana") -> Run:
    return Run(Key(user, "s", mark), 1_000_000.0, groups=("g",), memory=2 << 30)


def clocks(ticks: float) -> Reading:
    return Reading(1_000_000.0 + ticks, "boot", ticks)


async def test_two_services_count_a_run_once(ledgers: tuple[Ledger, Ledger]) -> None:
    one, two = ledgers
    running = [run("1"), run("2", "bo")]
    await one.looked(running, {}, clocks(0), 60)
    looks = [
        ledger.looked(running, {}, clocks(tick), 60) for tick in range(20) for ledger in (one, two)
    ]
    await asyncio.gather(*looks)
    await one.looked([run("2", "bo")], {run("1").key: 1_000_025.0}, clocks(30), 60)
    assert await two.looked([], {}, clocks(25), 60) is False, "an older look says nothing"
    counted = {row.user: row for row in await two.rows()}
    assert counted["ana"].seconds == pytest.approx(25, abs=0.01)
    assert counted["bo"].seconds == pytest.approx(30, abs=0.01)
    assert (counted["ana"].ended, counted["ana"].reason) == (True, STOPPED)
    assert [key.user for key in await one.open_runs()] == ["bo"]
    await one.looked([run("1"), run("2", "bo")], {}, clocks(40), 60)
    assert len(await one.rows()) == 2, "what was taken to have ended goes on"
    stretches = await two.stretches(0, 1_000_040.0, "ana")
    assert [(one.memory, one.groups) for one in stretches] == [(2 << 30, ("g",))]


async def test_what_a_run_used_is_kept_and_only_grows(ledgers: tuple[Ledger, Ledger]) -> None:
    """By whichever service sees more of it; of what nobody could look at, it is not known."""
    one, two = ledgers
    ana, bo = run("1"), run("2", "bo")

    async def look(ledger: Ledger, tick: float, *runs: Run, **uses: Use) -> None:
        found = {each.key: uses[each.key.user] for each in runs if each.key.user in uses}
        seconds = dict.fromkeys(found, 10.0)
        await ledger.looked(runs, {}, clocks(tick), 60, Measured(found, seconds))

    await look(one, 0, ana, bo, ana=Use(3 << 30, 1.0))
    await look(two, 10, ana, bo, ana=Use(1 << 30, 6.0))
    await look(one, 20, ana, bo)
    await look(two, 30, bo)
    kept = {row.user: (row.peak, row.worked, row.ended) for row in await one.rows()}
    assert kept == {"ana": (3 << 30, 6.0, True), "bo": (None, None, False)}
    await look(one, 40, bo, bo=Use(None, None, 0.5))
    assert next(row for row in await two.rows("bo")).worked == pytest.approx(5.0)
    (stretch,) = await two.stretches(0, 1_000_040.0, "ana")
    assert stretch.used == Used(3 << 30, 6.0)


async def test_what_was_used_is_added_up_and_shown(tmp_path: Path) -> None:
    records = Records(sqlite_url(tmp_path / "b.sqlite"), engine="x")
    ledger, now = Ledger(records), time.time()
    used = {"a": Use(1 << 30, 3600.0), "b": Use(2 << 30, 1800.0), "c": Use()}
    keys = {name: Key("ana", name, "1") for name in used}
    runs = [replace(run("1"), key=key, started=now) for key in keys.values()]
    found = {keys[name]: use for name, use in used.items()}
    measured = Measured(found, dict.fromkeys(found, 1.0))
    for ticks in (0.0, now % 86400 + 7200):  # since yesterday
        await ledger.looked(runs, {}, Reading(now, "boot", ticks), 60, measured)
    reports = Reports(ledger, Prices({}))
    lines = await reports.lines(3, "ana")
    whole = sum((line.figures for line in lines), Figures())
    assert (whole.peak, whole.worked) == (2.0, pytest.approx(1.5))
    assert len(lines) >= 2, "shared out to the days"
    view = usage_view([], lines, await reports.latest("ana", 0), days=3, prices=Prices({}))
    assert view["totals"]["memory_peak_gib"] == 2 and view["totals"]["cpu_hours_used"] == 1.5
    latest = {one["name"]: (one["peak"], one["worked"]) for one in view["latest"]}
    assert latest == {"a": (1 << 30, 3600.0), "b": (2 << 30, 1800.0), "c": (None, None)}
    table = [line.split(",") for line in as_csv(lines, Prices({})).splitlines()]
    assert table[0][-2:] == ["memory_peak_gib", "cpu_hours_used"]
    assert sum(float(line[-1]) for line in table[1:]) == pytest.approx(1.5, abs=0.001)
    records.close()


async def test_one_persons_server_hides_nobodys(ledgers: tuple[Ledger, Ledger]) -> None:
    """With as long a name as the Hub allows."""
    one, _ = ledgers
    long = replace(run("1"), key=Key("ana", "s" * 255, "1"))
    await one.looked([long, run("2", "bo")], {}, clocks(0), 60)
    assert set(await one.open_runs()) == {long.key, run("2", "bo").key}
    await one.looked([], {}, clocks(1), 60)
    await one.looked([long, run("2", "bo")], {}, clocks(2), 60)
    assert len(await one.rows()) == 2


async def test_a_day_of_files_is_written_down_once(ledgers: tuple[Ledger, Ledger]) -> None:
    one, two = ledgers
    today = date(2026, 11, 28)
    homes = [StorageDay(today, "home", name, name, (), 5) for name in ("ana", "bo")]
    await asyncio.gather(one.stored(homes), two.stored(homes))
    await one.stored([StorageDay(today, "home", "ana", "ana", (), 9), *homes])
    assert [day.bytes for day in await two.storage(today, "ana")] == [5]
    assert len(await two.storage(today)) == 2


async def test_a_build_of_a_killed_service_ends_as_last_seen(
    ledgers: tuple[Ledger, Ledger],
) -> None:
    one, two = ledgers
    await one.built(BuildPart("b", {"ana": ("g",)}, "r", 10))
    await one.built(BuildPart("b", {"ana": ("g",), "bo": ()}, "r", 20))
    await two.end_interrupted()
    assert not any(row.ended for row in await two.rows()), "it is of another service"
    with patch.object(ledgers_of_records, "_GONE", timedelta(0)):
        await two.end_interrupted()
    assert all(row.ended for row in await two.rows()), "which has not been heard of for long"
    await one.built(BuildPart("b", {"cy": ()}, "r", 30))
    await one.end_interrupted()
    parts = {row.user: (row.seconds, row.ended, row.reason) for row in await two.rows()}
    over = dict.fromkeys(("ana", "bo"), (10, True, "interrupted"))
    assert parts == {**over, "cy": (30, True, "interrupted")}


async def test_a_build_that_ends_while_others_are_written_down(tmp_path: Path) -> None:
    records = Records(sqlite_url(tmp_path / "b.sqlite"), engine="x")
    ledger = Ledger(records)
    meter = BuildMeter(ledger)
    for build in ("one", "two"):
        meter.began(build, "r")
        meter.waits(build, Person("ana", ""))

    async def end() -> None:
        await asyncio.sleep(0)
        await meter.ended("two", "success")

    await asyncio.gather(meter.write(), end())
    await ledger.built(BuildPart("two", {"ana": ()}, "r", 1))
    over = {row.name: (row.ended, row.reason) for row in await ledger.rows()}
    assert over == {"one": (False, ""), "two": (True, "success")}
    records.close()
