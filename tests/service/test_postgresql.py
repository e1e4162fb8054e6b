"""The service's records in a real PostgreSQL: migrations, several services, a killed one."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from gitserver import GitServer
from patience import SOON
from postgres import Postgres
from realhub import BUILDS, PREFIX, RealHub
from sqlalchemy import inspect, text, update
from test_service_life import _pids

from binderhub_ext.core.catalogue import Listing, Popular, words_of
from binderhub_ext.core.errors import DatabaseUnavailable, Interrupted
from binderhub_ext.core.launch import Project
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.engines.base import Environment
from binderhub_ext.service.records import aged, database, migrations
from binderhub_ext.service.records.catalogue import CatalogueRecords, Search
from binderhub_ext.service.records.classes import ClassRecords
from binderhub_ext.service.records.classtables import ClassRow
from binderhub_ext.service.records.database import sqlite_url
from binderhub_ext.service.records.popular import Plain, PopularRecords
from binderhub_ext.service.records.records import Records, now, write_content
from binderhub_ext.service.records.tables import Base, BuildRow, EnvironmentRow, LaunchRow
from binderhub_ext.service.web.health import Health

COMMIT = Commit(Repo("gh", "me/mine", "https://github.com/me/mine"), "main", "a" * 40)


def launch(id: str) -> LaunchRow:
    return LaunchRow(id=id, user="ana", server="s", started=now(), project="projects/me/mine")


def test_migrations_up_and_down_and_up(postgres: Postgres) -> None:
    engine = database.connect(postgres.new())
    try:
        with engine.begin() as connection:
            assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
            configuration = migrations.configuration(connection)
            for version in ("0003", "0002", "0001", "base"):
                command.downgrade(configuration, version)
            assert inspect(connection).get_table_names() == ["alembic_version"]
            migrations.upgrade(connection)
            assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    finally:
        engine.dispose()


async def test_services_that_start_at_once_migrate_once(postgres: Postgres) -> None:
    url = postgres.new().replace("+psycopg", "")
    together = [asyncio.to_thread(Records, url, engine="x", owner=str(n)) for n in range(6)]
    opened = await asyncio.gather(*together)
    try:
        for one in opened:
            await one.check()
    finally:
        for one in opened:
            one.close()


async def test_a_database_without_its_tables_is_told(postgres: Postgres) -> None:
    """As where it was restored from another one's backup: in words, and `/health` says it too."""

    class Hub:
        async def health(self) -> bool:
            return True

    records = Records(postgres.new(), engine="x", owner="one")
    try:
        asked = {"alembic_version": records.check, "launches": lambda: records.launches("ana")}
        for table, ask in asked.items():
            with records._database.begin() as connection:
                connection.execute(text(f"DROP TABLE {table} CASCADE"))
            with pytest.raises(DatabaseUnavailable, match="lacks tables"):
                await ask()
        hub, here = await Health(Hub(), records).checks()  # type: ignore[arg-type]
        assert hub["ok"] and not here["ok"] and "lacks tables" in here["message"]
    finally:
        records.close()


async def test_two_services_leave_each_others_launches_alone(postgres: Postgres) -> None:
    url = postgres.new()
    one, two = (Records(url, engine="x", owner=name) for name in ("one", "two"))
    try:
        environment = Environment("key", "Python", ("requirements.txt",))
        both = [
            records.remember(COMMIT, "", environment) for records in (one, two) for _ in range(20)
        ]
        await asyncio.gather(*both)
        assert await two.environment(COMMIT, "") == environment
        await one.launch_started(launch("1"))
        await two.launch_started(launch("2"))
        await one.build_started("b", environment, COMMIT)
        await two.end_interrupted()
        under_way = {row.id: row.code for row in await one.launches("ana")}
        assert under_way == {"1": "", "2": Interrupted.code}
        assert await one.builds_before(timedelta(seconds=-1)) == []
        await one.end_interrupted()
        assert await one.builds_before(timedelta(seconds=-1)) == ["b"]
    finally:
        one.close()
        two.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_what_is_on_record_for_long_is_removed_unless_it_is_needed(
    postgres: Postgres, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aged, "_AT_ONCE", 3)
    url = postgres.new() if kind == "postgresql" else sqlite_url(tmp_path / "b.sqlite")
    records = Records(url, engine="x")
    week = Project(Commit(Repo("gh", "o/week", "https://e.org/w"), "main", "c" * 40), "o/week", "w")
    rows = {
        # days ago, server, project, url, content, others
        "one of many": (500, "a", "p", "/x", "", {}),
        "which nobody misses": (490, "a", "p", "", "", {"code": "build-failed"}),
        "nor in a list": (480, "a", "p", "/x", "", {}),
        "in a list": (470, "a", "p", "/x", "", {}),
        "latest that worked": (460, "a", "p", "/x", "", {}),
        "of another folder": (455, "a", "q", "/x", "", {}),
        "latest of its folder": (450, "a", "q", "/x", "", {}),
        "shown as failed": (440, "b", "p", "", "", {"code": "build-failed"}),
        "goes on": (430, "a", "p", "", "", {"finished": None}),
        "content of before": (420, "c", "", "/x", write_content([week]), {}),
        "latest of content": (410, "c", "", "/x", write_content([week]), {}),
        "latest of c": (400, "c", "", "/x", "", {}),
        "young": (300, "a", "p", "", "", {"code": "cancelled"}),
    }
    gone = {"one of many", "which nobody misses", "nor in a list", "of another folder"}
    gone |= {"content of before"}
    try:
        for id, (days, server, project, where, content, others) in rows.items():
            then = now() - timedelta(days=days)
            values = {"server": server, "project": project, "url": where, "content": content}
            values |= {"started": then, "finished": then} | others
            await records.add(LaunchRow(id=id, user="ana", **values))
        await records.add(LaunchRow(id="ben", user="ben", server="a", started=then, finished=then))
        classes = ClassRecords(records)
        await classes.add(ClassRow(id="c", owner="tom", title="", link="", created=now()))
        await classes.opened("c", "ana", "a", "in a list")
        for id, key in (("there", "key"), ("removed", "other"), ("young", "other")):
            await records.build_started(id, Environment(key, "Python"), COMMIT)
            await records.build_ended(id, "success")
            await records.remember(replace(COMMIT, id=id), "", Environment(key, "Python"))
        old = {"finished": now() - timedelta(days=400)}
        await records.write(update(BuildRow).where(BuildRow.id != "young").values(old))
        seen = update(EnvironmentRow).where(EnvironmentRow.commit != "young")
        await records.write(seen.values(seen=old["finished"]))
        removing = aged.AgedRecords(records, timedelta(days=365))
        assert await removing.remove({"key"}) == len(gone) + 3
        assert await removing.remove({"key"}) == 0
        left = {row.id for row in await records.launches("ana")}
        assert left == rows.keys() - gone
        builds = await records.builds_before(timedelta(seconds=-1))
        assert sorted(builds) == ["there", "young"]
        assert await records.environment(replace(COMMIT, id="there"), "") is None
        assert await records.environment(replace(COMMIT, id="young"), "") is not None
    finally:
        records.close()


async def test_the_catalogue_is_searched_and_ranked(postgres: Postgres) -> None:
    records = Records(postgres.new(), engine="x")
    entries, hour = CatalogueRecords(records), timedelta(hours=1)
    popular = PopularRecords(records)
    try:
        listing = Listing.read("Tides", "50 % of it", "a_b")
        link, repo = "v2/gh/me/mine/main", COMMIT.repo.identity
        row = await entries.publish(
            "ana", listing, link=link, repo=repo, words=words_of(listing, "me/mine")
        )
        for user in "abc":
            done = {"finished": now(), "provider": "gh", "repo": "me/mine", "url": "/x"}
            await records.launch_started(
                LaunchRow(id=user, user=user, server="s", started=now(), repo_url=repo, **done)
            )
        [launched] = await popular.launched(now() - hour)
        assert launched.latest.keys() == {"a", "b", "c"}
        await entries.checked(row, checked=now(), commit="c" * 40)
        other = "https://github.com/me/other"
        scores = {repo: Popular(2.5, 3), other: Popular(1.0, 3)}
        await popular.ranked(scores, {other: Plain("other", "v2/gh/me/other/HEAD", "other")})
        search = Search(terms=("50", "%"), tag="a_b", popular=True)
        [found], total = await entries.find(search, user="zoe", groups=["x"], page=1)
        assert (found.score, found.people, total) == (2.5, 3, 1)
        assert [one.title for one in await entries.due(hour, limit=5)] == ["other"]
        assert await entries.within(hour) == (1, 0)
        assert [one.id for one in await entries.unbuilt(hour, (), limit=5)] == [row.id]
        assert await entries.for_administrators() == []
        await entries.report(row.id, "zoe", "x")
        assert await entries.marked(row.id, hidden=True)
        assert not await entries.marked(row.id, hidden=True)
        [reported] = await entries.for_administrators()
        assert (reported.row.id, len(reported.reports)) == (row.id, 1)
        assert await entries.settle(row.id) and not await entries.settle(row.id)
    finally:
        records.close()


async def test_a_service_killed_in_the_middle_of_a_build(
    postgres: Postgres, tmp_path: Path, gitserver: GitServer
) -> None:
    """The Hub starts it again; what was under way is closed, and the same click works."""
    url = postgres.new()
    repo = gitserver.create_repo("me/slow", {"requirements.txt": "slow"})
    with RealHub(tmp_path, f"c.BinderApp.db_url = {url!r}\n") as hub:
        async with hub.browser("ana") as browser:
            await browser.get(PREFIX)
            with hub.holds(BUILDS):
                id_ = await browser.launch(repo=str(repo.url))
                await browser.told(id_, until="line 0")
                (pid,) = _pids(hub)
                os.kill(pid, signal.SIGKILL)
                await _until_another(hub, pid)
        async with hub.browser("ana") as browser:
            await browser.get(PREFIX)
            again = await browser.launch(repo=str(repo.url))
            events = await browser.told(again)
            assert events[-1]["phase"] == "ready", events[-3:]
    engine = database.connect(url)
    try:
        with engine.begin() as connection:
            codes = connection.execute(text("SELECT id, code FROM launches")).all()
            results = connection.execute(text("SELECT result FROM builds ORDER BY started")).all()
    finally:
        engine.dispose()
    assert dict(map(tuple, codes)) == {id_: Interrupted.code, again: ""}
    assert [row[0] for row in results] == [Interrupted.code, "success"]


async def _until_another(hub: RealHub, killed: int) -> None:
    """Wait until the Hub has started the service again and it answers."""
    async with asyncio.timeout(SOON), hub.browser() as browser:
        while True:
            if _pids(hub) not in ([], [killed]):
                try:
                    if (await browser.send("GET", f"{PREFIX}health")).status == 200:
                        return
                except OSError:
                    pass
            await asyncio.sleep(0.3)
