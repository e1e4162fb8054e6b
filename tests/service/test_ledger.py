"""The ledger against known runs: true for servers nobody told the service of, and after kills."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from gitserver import GitServer
from realhub import PREFIX, Browser, RealHub
from test_service_life import _pids

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
]
"""
_RUN = 10.0


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHub]:
    with RealHub(tmp_path_factory.mktemp("ledger"), _KEPT) as hub:
        yield hub


def rows(hub: RealHub, user: str = "", kind: str = "server") -> list[dict[str, Any]]:
    with sqlite3.connect(hub.root / "data/binder.sqlite") as database:
        database.row_factory = sqlite3.Row
        found = database.execute("select * from ledger_intervals where kind=?", (kind,))
        return [dict(row) for row in found if user in ("", row["user"])]


async def closed(hub: RealHub, user: str, count: int = 1) -> list[dict[str, Any]]:
    """A person's runs, once so many of them are over."""
    async with asyncio.timeout(60):
        while sum(row["ended"] for row in rows(hub, user)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return rows(hub, user)


async def launched(browser: Browser, url: str, **fields: str) -> str:
    """Launch to the end; the server's name."""
    await browser.get(PREFIX)
    reply = await browser.form("launch", repo=url, **fields)
    id_ = reply.headers["Location"].rpartition("/")[2]
    last = (await browser.events(f"{PREFIX}api/launches/{id_}/events"))[-1]
    assert last["phase"] == "ready", last
    return str((await browser.api("GET", f"api/launches/{id_}")).json()["server"])


async def past_the_service(browser: Browser, hub: RealHub, user: str, method: str) -> None:
    """Start or stop a person's default server as the Hub's own pages do."""
    await browser.get("/hub/token")
    headers = {"X-XSRFToken": browser.xsrf("/hub/")}
    path = f"/hub/api/users/{user}/server"
    reply = await browser.send(method, path, headers=headers, json={})
    assert reply.status in (201, 202, 204), reply.text


async def ready(browser: Browser, user: str) -> None:
    async with asyncio.timeout(60):
        while True:
            reply = await browser.send("GET", f"/hub/api/users/{user}")
            server = reply.json()["servers"].get("", {})
            if server.get("ready"):
                return
            await asyncio.sleep(0.05)


async def test_runs_are_as_long_as_they_were(kept: RealHub, repos: GitServer) -> None:
    """Through the service, past it, and of a process that is killed."""

    async def through() -> float:
        async with kept.browser("via") as browser:
            name = await launched(browser, f"{repos.url}/me/mine", size="large")
            began = time.monotonic()
            await asyncio.sleep(_RUN)
            await browser.api("POST", f"api/servers/{name}/stop")
            return time.monotonic() - began

    async def past() -> float:
        async with kept.browser("pam") as browser:
            await past_the_service(browser, kept, "pam", "POST")
            await ready(browser, "pam")
            began = time.monotonic()
            await asyncio.sleep(_RUN)
            await past_the_service(browser, kept, "pam", "DELETE")
            return time.monotonic() - began

    known = dict(zip(("via", "pam"), await asyncio.gather(through(), past()), strict=True))
    counted = {user: (await closed(kept, user))[0] for user in known}
    seconds = sum(row["seconds"] for row in counted.values())
    assert seconds == pytest.approx(sum(known.values()), rel=0.02), (counted, known)
    via = counted["via"]
    assert (via["memory"], via["cpu"], via["size"]) == (4 << 30, 2, "large")
    assert (via["groups"], via["engine"], via["reason"]) == ("ocean", "memory", "stopped")
    assert via["repo"].endswith("/me/mine")
    assert (counted["pam"]["memory"], counted["pam"]["repo"]) == (2 << 30, "")


async def test_people_see_their_own_and_administrators_all(kept: RealHub) -> None:
    await closed(kept, "via"), await closed(kept, "pam")
    async with kept.browser("via") as via, kept.browser("ada") as ada:
        await via.get(PREFIX)
        own = (await via.api("GET", "api/usage/me")).json()
        assert own["totals"]["memory_gib_hours"] == pytest.approx(4 * _RUN / 3600, abs=0.002)
        assert own["totals"]["cost"] > own["totals"]["memory_gib_hours"]
        assert [one["window"] for one in own["quotas"]] == [7]
        assert own["allow_server_launch"] is True
        page = await via.get(f"{PREFIX}usage")
        assert "GiB-hours of memory" in page.text and "EUR" in page.text
        assert "of 100 GiB hours within 7 days" in page.text
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
        assert float(line.rpartition(" ")[2]) == pytest.approx(4 * 2**30 * _RUN / 3600, rel=0.05)
        assert "jupyterhub_memory_limit_byte_hours_total{" in figures


async def test_a_build_is_paid_once_by_all_who_waited(kept: RealHub, repos: GitServer) -> None:
    url = str(repos.create_repo("me/slow", {"requirements.txt": "slow together"}).url)
    async with kept.browser("ann") as ann, kept.browser("ben") as ben:
        await asyncio.gather(launched(ann, url), launched(ben, url))
    parts = [row for row in rows(kept, kind="build") if row["repo"].endswith("/me/slow")]
    assert sorted(row["user"] for row in parts) == ["ann", "ben"]
    assert all(row["ended"] and row["reason"] == "success" for row in parts)
    assert sum(row["seconds"] for row in parts) == pytest.approx(1.2, abs=0.4)


async def test_kills_at_any_moment_leave_nothing_open_or_twice(kept: RealHub) -> None:
    """Servers come and go while the service is killed again and again, and is away."""
    dice = random.Random(7)
    people = [f"kim-{n}" for n in range(3)]
    known: dict[str, float] = {}

    async def comes_and_goes(user: str) -> None:
        async with kept.browser(user) as browser:
            for _ in range(2):
                await past_the_service(browser, kept, user, "POST")
                await ready(browser, user)
                began = time.monotonic()
                await asyncio.sleep(dice.uniform(3, 6))
                await past_the_service(browser, kept, user, "DELETE")
                known[user] = known.get(user, 0) + time.monotonic() - began
                await asyncio.sleep(0.5)

    working = asyncio.gather(*map(comes_and_goes, people))
    kills = 0
    while not working.done():
        for pid in _pids(kept):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                kills += 1
        await asyncio.sleep(dice.uniform(0.5, 4))
    await working
    assert kills > 2
    await answers(kept)
    async with asyncio.timeout(60):
        while any(not row["ended"] for user in people for row in rows(kept, user)):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    for user in people:
        mine = rows(kept, user)
        assert len({row["mark"] for row in mine}) == len(mine) <= 2
        total = sum(row["seconds"] for row in mine)
        assert total <= known[user] + 2, "a start takes a moment, and is counted"


async def answers(hub: RealHub) -> None:
    async with asyncio.timeout(60), hub.browser() as browser:
        while True:
            with suppress(OSError):
                if (await browser.send("GET", f"{PREFIX}health")).status == 200:
                    return
            await asyncio.sleep(0.2)


def test_the_service_may_only_read(kept: RealHub) -> None:
    assert "is not written down" not in kept.log.read_text()
    with sqlite3.connect(f"file:{kept.root / 'data/hub.sqlite'}?mode=ro", uri=True) as database:
        asked = "select scopes from roles where name='binder-ledger'"
        scopes = json.loads(database.execute(asked).fetchone()[0])
    assert all(scope.startswith(("read:", "list:")) for scope in scopes)
