"""The service's database: migrations and what is remembered."""

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, event, text

from binderhub_ext.core.classes import Named
from binderhub_ext.core.errors import CannotStart, Interrupted
from binderhub_ext.core.launch import Project
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.core.sentences import Sentence
from binderhub_ext.core.sharees import Sharee
from binderhub_ext.engines.base import Environment
from binderhub_ext.service.records.classes import ClassRecords
from binderhub_ext.service.records.classtables import ClassRow
from binderhub_ext.service.records.database import connect, sqlite_url
from binderhub_ext.service.records.records import Records, now, write_content
from binderhub_ext.service.records.tables import Base, LaunchRow, TrustRow

COMMIT = Commit(Repo("gh", "me/mine", "https://github.com/me/mine"), "main", "a" * 40)


@pytest.fixture
def records(tmp_path: Path):
    with_space = tmp_path / "with space"
    opened = Records(sqlite_url(with_space / "b.sqlite"), engine="local")
    yield opened
    opened.close()


def launch(id_: str, **values: object) -> LaunchRow:
    defaults = {"user": "ana", "server": "mine-1", "started": now(), "project": "projects/me/mine"}
    empty = dict.fromkeys(
        [
            "provider",
            "repo",
            "repo_url",
            "ref",
            "commit",
            "image",
            "build",
            "origin",
            "request",
            "code",
            "message",
            "detail",
            "url",
        ],
        "",
    )
    return LaunchRow(id=id_, status=0, **{**empty, **defaults, **values})


def test_a_program_older_than_its_data_says_so(tmp_path):
    """As after going back to an older chart, or an older package."""
    url = sqlite_url(tmp_path / "b.sqlite")
    engine = connect(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'v9999'"))
    engine.dispose()
    with pytest.raises(CannotStart, match=r"newer version of Binder@home \(its tables are v9999\)"):
        Records(url, engine="local")


def test_migrations_end_at_the_tables_of_the_code(tmp_path):
    url = sqlite_url(tmp_path / "b.sqlite")
    Records(url, engine="local").close()
    Records(url, engine="local").close()  # again: nothing to do
    engine = create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
    engine.dispose()
    assert mode == "wal"


async def test_the_environment_of_a_commit_is_remembered(records):
    notes = Sentence("{path} does not count beside {files}", path="a", files="b"), Sentence("Plain")
    environment = Environment("key", "Python 3.11", ("requirements.txt",), notes)
    assert await records.environment(COMMIT, "basis") is None
    await records.remember(COMMIT, "basis", environment)
    await records.remember(COMMIT, "basis", environment)
    known = await records.environment(COMMIT, "basis")
    assert known == environment and [note.data for note in known.notes] == [notes[0].data, {}]


async def test_an_environment_belongs_to_its_engine_basis_and_url(records, tmp_path):
    await records.remember(COMMIT, "basis", Environment("key", "Python"))
    assert await records.environment(COMMIT, "basis, raised") is None
    other_url = Commit(Repo("gh", "me/mine", "https://elsewhere.example/me/mine"), "main", "a" * 40)
    assert await records.environment(other_url, "basis") is None
    docker = Records(sqlite_url(tmp_path / "with space" / "b.sqlite"), engine="docker")
    assert await docker.environment(COMMIT, "basis") is None
    docker.close()


async def test_launches_are_the_persons_own_newest_first(records):
    old = now() - timedelta(days=2)
    await records.launch_started(launch("1", started=old))
    await records.launch_started(launch("2"))
    await records.launch_started(launch("3", user="ben"))
    assert [row.id for row in await records.launches("ana")] == ["2", "1"]
    assert await records.launches_since("ana", timedelta(days=1)) == 1
    row = await records.launch("1")
    assert row is not None
    assert row.started == old


async def test_of_each_server_the_newest_launch_that_worked_is_found(records):
    """Else the newest: one whose first start failed can be tried again."""
    begun = now()
    for id_, server, url in ("1a/", "2a/", "3a ", "4b ", "5b ", "6c/"):
        values = {
            "server": server,
            "url": url.strip(),
            "started": begun + timedelta(seconds=int(id_)),
        }
        await records.launch_started(launch(id_, **values))
    await records.launch_started(launch("7", user="ben", server="a", url="/x"))
    latest = await records.latest_of_servers("ana", ["a", "b", "new"])
    assert {server: row.id for server, row in latest.items()} == {"a": "2", "b": "5"}
    assert await records.latest_of_servers("ana", []) == {}


async def test_what_was_said_is_kept_with_what_it_was_made_of(records, tmp_path):
    """So that it is said in any language later; what an earlier version kept stays as it is."""
    said = Sentence("There is no branch {branch}.", branch="x")
    detail = Sentence("{one}\n{other}", one=said, other='[["')
    await records.launch_started(launch("1"))
    await records.launch_ended("1", code="ref-not-found", message=said, detail=detail)
    await records.launch_started(launch("2", code="old", message=str(said), detail='[["' * 1000))
    new, old = await records.launch("1"), await records.launch("2")
    assert (new.message, new.message.data) == (said, said.data)
    assert (new.detail, new.detail.data) == (detail, detail.data)
    assert (old.message, old.message.data, old.detail) == (said, {}, '[["' * 1000)
    kind = Sentence("Python {version}", version="3.11")
    await records.remember(COMMIT, "basis", Environment("key", kind))
    assert (await records.environment(COMMIT, "basis")).kind.data == kind.data
    await records.build_started("b", Environment("key", kind), COMMIT)
    await records.build_ended("b", "failed", said)
    with sqlite3.connect(tmp_path / "with space/b.sqlite") as database:
        assert '"branch": "x"' in database.execute("select message from builds").fetchone()[0]
        database.execute("update launches set message = 'Plain words.' where id = '2'")
    assert (await records.launch("2")).message == "Plain words."


async def test_projects_are_the_distinct_ones_that_started(records):
    old = now() - timedelta(days=2)
    await records.launch_started(launch("1", started=old, url="/user/ana/"))
    await records.launch_started(launch("2", url="/user/ana/"))
    await records.launch_started(launch("3", project="projects/me/other"))
    assert [row.id for row in await records.projects("ana")] == ["2"]


async def test_of_projects_that_were_content_the_latest_launches_alone_are_read(records):
    """However many commits they had, each a launch with all that its update did."""
    repo = Repo("gh", "o/week", "https://github.com/o/week")
    for day in range(20):
        week = Project(Commit(repo, "main", f"{day:040}"), "projects/o/week", "week")
        began = now() - timedelta(days=20 - day)
        row = launch(str(day), started=began, url="/user/ana/", content=write_content([week]))
        await records.launch_started(row)
    loaded: list[str] = []
    event.listen(LaunchRow, "load", listener := lambda row, _: loaded.append(row.id))
    projects = {row.project: row for row in await records.projects("ana")}
    event.remove(LaunchRow, "load", listener)
    assert projects.keys() == {"projects/me/mine", "projects/o/week"}
    assert projects["projects/o/week"].commit == f"{19:040}"
    assert set(loaded) == {"19"}


async def test_what_a_killed_service_left_open_is_closed(records):
    await records.launch_started(launch("1"))
    await records.build_started("b", Environment("key", "Python"), COMMIT)
    await records.end_interrupted()
    row = await records.launch("1")
    assert row is not None
    assert (row.code, row.finished is not None) == (Interrupted.code, True)
    assert await records.builds_before(timedelta(seconds=-1)) == ["b"]


async def test_trust_is_one_decision_per_person_and_repository(records):
    for id_, rights in (("1", "project"), ("2", "home")):
        await records.trust(
            TrustRow(id=id_, user="ana", repo="gh:me/mine", repo_url="", rights=rights, since=now())
        )
    (decided,) = await records.trusted("ana", "gh:me/mine")
    assert decided.rights == "home"
    assert await records.trusted("ben", "gh:me/mine") == []
    assert not await records.revoke("ben", "2")
    assert await records.revoke("ana", "2")
    assert await records.all_trusted("ana") == []


async def test_where_projects_were_is_told_once_for_each_address_newest_first(records):
    begun = now()
    for number, (name, folder, url) in enumerate(
        [("a/B", "A", "/user/x"), ("a/b", "b", ""), ("a/B", "A", ""), ("a/c", "", "/user/x")]
    ):
        named = {"provider": "gh", "repo": name, "repo_url": f"https://github.com/{name}"}
        at = begun + timedelta(seconds=number)
        await records.launch_started(
            launch(str(number), project=folder, url=url, started=at, **named)
        )
    past = await records.past("ana")
    assert [(one.repo.name, one.folder, one.worked) for one in past] == [
        ("a/B", "A", True),
        ("a/b", "b", False),
    ]
    assert await records.past("ben") == []


async def test_many_at_once(records):
    await asyncio.gather(*(records.launch_started(launch(str(n))) for n in range(40)))
    assert len(await records.launches("ana", limit=100)) == 40


async def test_of_the_teachers_that_a_form_says_those_count_that_are_named(
    records: Records,
) -> None:
    """All launches wait for that transaction, whatever stands in a form."""
    classes = ClassRecords(records)
    await classes.add(ClassRow(id="c", owner="tom", title="", link="", created=now()))
    for id, name in (("t", "bob"), ("u", "eve")):
        await classes.name("c", Named(id, Sharee(name)))
    told = ["t", *map(str, range(300_000))]
    await classes.opened("c", "ana", "mine", "1", told)
    [opening] = await classes.openings("c")
    assert opening.told == {"t"}
