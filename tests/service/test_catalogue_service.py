"""The catalogue: who sees, publishes, reports and hides entries, and what is found out of them."""

from __future__ import annotations

import asyncio
import html
import json
import os
import struct
import subprocess
import zlib
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from memory_engine import MemoryBuilder, MemoryRepos
from patience import SOON
from realhub import PREFIX, Browser

from binderhub_ext.core.catalogue import Listing, words_of
from binderhub_ext.core.errors import NotFound, RepoNotFound, TooMany
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.core.pictures import BYTES_MAX
from binderhub_ext.core.policy import Policy
from binderhub_ext.core.providers import PROVIDERS
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.service.accounting.buildmeter import BuildMeter
from binderhub_ext.service.catalogue import health
from binderhub_ext.service.catalogue.entries import Catalogue, owns
from binderhub_ext.service.catalogue.health import Budget, Health
from binderhub_ext.service.catalogue.settings import Limits
from binderhub_ext.service.hub import HubClient, Person
from binderhub_ext.service.hubapi import HubSettings
from binderhub_ext.service.launching.builds import Builds
from binderhub_ext.service.launching.eventlog import EventLog
from binderhub_ext.service.members import own_since
from binderhub_ext.service.records.catalogue import PAGE, CatalogueRecords, Search
from binderhub_ext.service.records.database import sqlite_url
from binderhub_ext.service.records.ledger import Ledger
from binderhub_ext.service.records.pictures import PictureRecords
from binderhub_ext.service.records.records import Records, now
from binderhub_ext.service.records.tables import CatalogueRow, LaunchRow
from binderhub_ext.service.settings import BuildSettings
from binderhub_ext.service.web.catalogueviews import EntryViews

ADMIN = "ada-of-admin"
HOSTILE = '<img src=x onerror=alert(1)>"'


class Hosts(MemoryRepos):
    """Repositories, some of which not everybody may read."""

    def __init__(self) -> None:
        super().__init__()
        self.private: set[str] = set()
        self.asked: list[tuple[str, str]] = []

    async def resolve(self, repo: Repo, ref: str, *, reader: str = "") -> Commit:
        assert not reader, "nobody's key is used"
        self.asked.append((repo.name, ref))
        if repo.name in self.private:
            raise RepoNotFound("There is none, or you may not read it.")
        return Commit(repo, ref, "c" * 40)


def png(width: int) -> bytes:
    """A picture so many pixels wide and one high."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + bytes(4)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0))
    lines = chunk(b"IDAT", zlib.compress(bytes(width + 1)))
    return b"\x89PNG\r\n\x1a\n" + head + lines + chunk(b"IEND", b"")


class Pictured(Hosts):
    """Repositories with files that a fetch brings, as a Git host's."""

    def __init__(self, layout: DataDirectory) -> None:
        super().__init__()
        self.layout = layout
        self.files: dict[str, bytes] = {}
        self.brought: list[str] = []

    async def resolve(self, repo: Repo, ref: str, *, reader: str = "") -> Commit:
        await super().resolve(repo, ref, reader=reader)
        return Commit(repo, ref, self.committed(repo))

    def committed(self, repo: Repo, *, here: bool = False) -> str:
        """The id of a commit with the present files; kept where a fetch puts it, if it came."""
        place = self.layout.sources(repo) / "objects.git" if here else self.layout.root / "host"
        git = partial(subprocess.run, check=True, capture_output=True, cwd=place)
        if not place.is_dir():
            place.mkdir(parents=True)
            git(["git", "init", "--bare", "-q"])
        blobs = []
        for name, content in sorted(self.files.items()):
            id = git(["git", "hash-object", "-w", "--stdin"], input=content).stdout
            blobs.append(b"100644 blob " + id.strip() + b"\t" + name.encode())
        tree = git(["git", "mktree"], input=b"".join(b + b"\n" for b in blobs)).stdout.strip()
        said = {"NAME": "x", "EMAIL": "x", "DATE": "2026-11-20T12:00:00Z"}
        who = {f"GIT_{who}_{k}": v for who in ("AUTHOR", "COMMITTER") for k, v in said.items()}
        made = git(["git", "commit-tree", tree, "-m", "x"], env={**os.environ, **who})
        return made.stdout.decode().strip()

    async def fetch(self, commit: Commit, tell: Any) -> Any:
        self.brought.append(commit.repo.name)
        self.committed(commit.repo, here=True)
        return await super().fetch(commit, tell)


class Room:
    """A catalogue with everything around it, without a Hub."""

    def __init__(self, tmp_path: Path, hosts: Hosts | None = None, **limits: Any) -> None:
        self.records = Records(sqlite_url(tmp_path / "b.sqlite"), engine="memory")
        self.entries = CatalogueRecords(self.records)
        self.hosts, self.builder = hosts or Hosts(), MemoryBuilder()
        self.hub = HubClient(HubSettings("http://127.0.0.1:9/hub/api"))
        self.limits = Limits(**limits)
        self.builds = Builds(
            BuildSettings(),
            layout=DataDirectory(tmp_path),
            builder=self.builder,
            providers={"gh": self.hosts},
            records=self.records,
            meter=BuildMeter(Ledger(self.records)),
        )
        self.catalogue = Catalogue(
            self.entries,
            self.hub,
            policy=Policy(banned_specs=("gh/evil/",)),
            providers=PROVIDERS,
            limits=self.limits,
            log=EventLog(""),
        )
        self.health = self.anew()

    def anew(self) -> Health:
        """As after a restart of the service."""
        return Health(
            self.catalogue,
            self.records,
            builds=self.builds,
            builder=self.builder,
            limits=self.limits,
        )

    async def add(self, name: str, owner: str = "ana", group: str = "", text: str = "") -> str:
        listing = Listing.read(name.rpartition("/")[2], text, "some tags", group)
        row = await self.entries.publish(
            owner,
            listing,
            link=f"v2/gh/{name}/main",
            repo=f"https://github.com/{name}",
            words=words_of(listing, name),
        )
        return row.id

    async def launched(self, name: str, *people: str, days: float = 0, **values: Any) -> None:
        for user in people:
            when = now() - timedelta(days=days)
            row = LaunchRow(
                id=f"{name}-{user}-{days}",
                user=user,
                server="x",
                started=when,
                finished=when,
                **{"provider": "gh", "repo": name, "url": "/user/x/", **values},
                repo_url=f"https://github.com/{name}",
            )
            await self.records.launch_started(row)

    async def seen(self, user: str = "zoe", *groups: str, **search: Any) -> list[str]:
        rows, _ = await self.entries.find(Search(**search), user=user, groups=groups, page=1)
        return [row.title for row in rows]

    async def row(self, id: str) -> CatalogueRow:
        row = await self.entries.get(id)
        assert row is not None
        return row

    async def view(self, id: str) -> dict[str, Any]:
        images = await self.health.environments()
        shown = EntryViews(self.catalogue, Person("zoe", ""), images, PREFIX)
        return shown.of(await self.row(id))

    async def close(self) -> None:
        await self.builds.close()
        await self.hub.close()
        self.records.close()


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    made = Room(tmp_path)
    yield made
    await made.close()


# ---- who sees what


async def test_who_sees_an_entry_and_how_it_is_found(room: Room) -> None:
    tides = await room.add("ocean/tides", text="Gezeiten für die Übung")
    await room.add("ocean/waves", group="crew")
    assert await room.seen() == ["tides"]
    assert await room.seen("zoe", "crew") == ["waves", "tides"]
    assert await room.seen("ana") == ["waves", "tides"], "their owner, whatever becomes of a group"
    for terms in (("ubung",), ("gezeiten", "ocean/ti"), ("some",), ("tides",)):
        assert await room.seen(terms=terms) == ["tides"]
    for terms in (("%",), ("_",), ("gezeiten", "waves"), ("ocean\\",)):
        assert await room.seen(terms=terms) == []
    assert await room.seen(tag="tags") == ["tides"] and await room.seen(tag="tag") == []
    assert await room.entries.marked(tides, hidden=True)
    assert not await room.entries.marked(tides, hidden=True), "another administrator was first"
    assert await room.seen() == [] and await room.seen("ana", mine=True) == ["waves", "tides"]
    assert await room.entries.visible(tides, user="zoe", groups=()) is None
    await room.entries.edit(
        tides, Listing("new"), link="v2/gh/a/b/main", repo="https://github.com/a/b", words="new"
    )
    assert (await room.row(tides)).hidden, "what is hidden stays so"


async def test_what_was_hidden_is_so_when_it_is_published_anew(room: Room) -> None:
    async def anew(link: str, owner: str = "ana") -> CatalogueRow:
        row = await room.entries.publish(owner, Listing("anew"), link=link, repo="r", words="")
        return await room.row(row.id)

    first, second = "v2/gh/a/b/main", "v2/gh/a/b/next"
    row = await anew(first)
    await room.entries.marked(row.id, hidden=True)
    assert (await anew(first)).hidden, "while the other is there"
    await room.entries.edit(row.id, Listing("new"), link=second, repo="r", words="")
    await room.entries.withdraw(row.id)
    again = await anew(second)
    assert again.hidden and not (await anew(second, "zoe")).hidden
    # the administrator changes their mind
    await room.entries.marked(again.id, hidden=False)
    await room.entries.withdraw(again.id)
    assert not (await anew(second)).hidden and (await anew(first)).hidden


async def test_there_are_many_entries(room: Room) -> None:
    count, last_one = 10_000, 9_999
    last_page = -(-count // PAGE)
    rows = [
        CatalogueRow(
            **dict.fromkeys(("text", "tags", "group", "code", "commit", "key"), ""),
            id=str(number),
            owner="ana",
            title=str(number),
            link="v2/gh/a/b/main",
            repo=str(number),
            words=f"entry {number}",
            made=now(),
            changed=now() - timedelta(minutes=number),
            featured=number == last_one,
            hidden=False,
            score=0.0,
            people=0,
        )
        for number in range(count)
    ]
    await room.records.run(lambda session: session.add_all(rows))
    first, total = await room.entries.find(Search(), user="zoe", groups=(), page=1)
    last, _ = await room.entries.find(Search(), user="zoe", groups=(), page=last_page)
    assert [row.title for row in first[:3]] == [str(last_one), "0", "1"]
    assert (len(first), len(last), total) == (PAGE, count - (last_page - 1) * PAGE, count)
    beyond = await room.entries.find(Search(), user="zoe", groups=(), page=last_page + 1)
    assert beyond[0] == []
    words = Search(terms=("4711",))
    assert (await room.entries.find(words, user="zoe", groups=(), page=1))[1] == 1


# ---- what is popular


async def test_what_many_launched_is_shown_once_everybody_may_read_it(room: Room) -> None:
    await room.launched("ocean/tides", "a", "b", "c", "d")
    await room.launched("ocean/old", "a", "b", "c", days=90)
    await room.launched("ocean/few", "a", "b")
    await room.launched("ocean/failed", "a", "b", "c", url="")
    await room.launched("ocean/private", "a", "b", "c")
    await room.launched("evil/x", "a", "b", "c")
    room.hosts.private.add("ocean/private")
    await room.health.count()
    assert await room.seen(popular=True) == [], "nothing is shown before it was looked at"
    await room.health.look()
    assert await room.seen(popular=True) == ["tides", "old"]
    rows, _ = await room.entries.find(Search(), user="zoe", groups=(), page=1)
    assert (rows[0].owner, rows[0].people, rows[0].link) == ("", 4, "v2/gh/ocean/tides/HEAD")
    assert [row.score for row in rows] == pytest.approx([4, 0.375], abs=0.01)


async def test_what_is_private_takes_nobodys_place(tmp_path: Path) -> None:
    room = Room(tmp_path, popular=1)
    await room.launched("ocean/private", "a", "b", "c", "d")
    await room.launched("ocean/tides", "a", "b", "c")
    await room.launched("Ocean/Tides", "d", provider="git", days=1)
    await room.launched("ocean/waves", "a", "b", "c", days=1)
    room.hosts.private.add("ocean/private")
    for _ in range(3):
        await room.health.count()
        await room.health.look()
    rows, _ = await room.entries.find(Search(), user="zoe", groups=(), page=1)
    assert [(row.title, row.people) for row in rows] == [("tides", 4)]
    assert [name for name, _ in room.hosts.asked] == ["ocean/private", "ocean/tides"], "once each"
    await room.close()


async def test_what_became_private_is_not_called_popular(room: Room) -> None:
    await room.launched("ocean/tides", "a", "b", "c")
    await room.health.look()
    assert await room.seen() == ["tides"]
    room.hosts.private.add("ocean/tides")
    [row] = (await room.entries.find(Search(), user="zoe", groups=(), page=1))[0]
    await room.entries.checked(row, checked=now() - timedelta(days=1, minutes=1))
    assert await room.seen() == ["tides"], "as it was a day ago"
    await room.health.look()
    assert await room.seen() == []
    room.hosts.private.clear()
    await room.entries.checked(row, code="", checked=now() - timedelta(days=3))
    assert await room.seen() == [], "nobody has looked for too long"


async def test_somebody_publishes_what_is_popular(room: Room) -> None:
    await room.launched("ocean/tides", "a", "b", "c")
    await room.launched("ocean/private", "a", "b", "c")
    room.hosts.private.add("ocean/private")
    await room.health.look()
    mine, private = await room.add("ocean/tides"), await room.add("ocean/private")
    for _ in range(2):
        await room.health.look()
        await room.health.count()
    assert sorted(await room.seen()) == ["private", "tides"], "once, as somebody published it"
    people = [(await room.view(id))["people"] for id in (mine, private)]
    assert people == [3, 0], "of what is private nobody is told how many launch it"
    await room.entries.withdraw(mine)
    await room.health.count()
    await room.health.look()
    search = Search(popular=True)
    [row], _ = await room.entries.find(search, user="zoe", groups=(), page=1)
    assert (row.title, row.owner) == ("tides", "")
    await room.entries.marked(row.id, hidden=True)
    await room.health.count()
    assert await room.seen(popular=True) == [], "what an administrator hid does not come back"


# ---- health


async def test_what_is_found_out_of_an_entry(room: Room) -> None:
    entry, gone = await room.add("ocean/tides"), await room.add("ocean/gone")
    banned, lost = await room.add("evil/x"), await room.add("ocean/lost")
    link = CatalogueRow.__table__.update().where(CatalogueRow.id == lost).values(link="v2/nope/x")
    await room.records.run(lambda session: session.execute(link))
    room.hosts.private.add("ocean/gone")
    assert (await room.view(entry))["health"] == {"ok": None, "checked": "", "message": ""}
    await room.health.look()
    assert not room.builder.started and not room.hosts.fetched, "nothing is built or fetched"
    view = await room.view(entry)
    assert view["health"]["ok"] and view["environment"] == {"built": None, "bytes": None}
    assert "not everybody may read it" in (await room.view(gone))["health"]["message"]
    for id in (banned, lost):
        view = await room.view(id)
        assert "does not launch it" in view["health"]["message"] and view["open_url"] == ""
    await room.builds.image(Commit(PROVIDERS["gh"].repo("ocean/tides"), "main", "c" * 40), print)
    await room.entries.checked(await room.row(entry), checked=now() - timedelta(days=2))
    health = room.anew()
    await health.look()
    room.health = health
    assert (await room.view(entry))["environment"] == {"built": True, "bytes": None}


async def test_pictures_are_fetched_once_and_go_with_what_they_are_of(tmp_path: Path) -> None:
    layout = DataDirectory(tmp_path)
    hosts = Pictured(layout)
    room = Room(tmp_path, hosts)
    kept = room.health.pictures
    hosts.files = {"x.png": png(3), "large.png": png(3) + bytes(BYTES_MAX), "x.svg": b"<svg/>"}

    async def looked(picture: str, id: str = "") -> dict[str, Any]:
        """An entry with that picture, a day later."""
        row = await room.row(id or entry)
        listing = Listing.read("tides", picture=picture, picture_text="A curve")
        filed = {"link": row.link, "repo": row.repo, "words": row.words}
        await room.entries.edit(row.id, listing, **filed)
        await room.entries.checked(await room.row(row.id), checked=now() - timedelta(days=2))
        await room.health.look()
        return await room.view(row.id)

    try:
        entry = await room.add("ocean/tides")
        await room.health.look()
        assert not hosts.brought, "nothing is fetched for an entry without a picture"
        for path, flaw in (
            ("nowhere.png", "no such file"),
            ("x.svg", "no PNG"),
            ("large.png", "more than 512"),
        ):
            view = await looked(path)
            assert (view["picture_url"], flaw in str(view["picture_flaw"])) == ("", True)
        view = await looked("x.png")
        assert view["picture_url"] and not view["picture_flaw"]
        assert (await kept.get(await room.row(entry))).data == png(3)
        assert len(hosts.brought) == 1
        # a newer one is taken once a launch has brought it
        hosts.files["x.png"] = png(4)
        assert (await looked("x.png"))["picture_url"] == view["picture_url"]
        assert len(hosts.brought) == 1
        hosts.committed(PROVIDERS["gh"].repo("ocean/tides"), here=True)
        assert (await looked("x.png"))["picture_url"] != view["picture_url"]
        assert (await kept.get(await room.row(entry))).data == png(4)
        # whoever changed it meanwhile does not get that of before
        row = await room.row(entry)
        await room.entries.edit(
            entry, Listing("x"), link="v2/gh/a/b/main", repo="https://github.com/a/b", words=""
        )
        await PictureRecords(room.records).keep(row, "c", kind="image/png", data=png(5))
        with pytest.raises(NotFound):
            await kept.get(await room.row(entry))
        # and of what not everybody may read any more there is none
        other = await room.add("ocean/waves")
        assert (await looked("x.png", other))["picture_url"]
        hosts.private.add("ocean/waves")
        assert not (await looked("x.png", other))["picture_url"]
        await room.entries.checked(await room.row(other), checked=now() - timedelta(days=2))
        await room.health.look()
        assert await PictureRecords(room.records).get(other) is None
    finally:
        await room.close()


async def test_a_whole_commit_is_asked_for_too(room: Room) -> None:
    id = await room.add("ocean/tides")
    row = CatalogueRow.__table__.update().values(link=f"v2/gh/ocean/tides/{'a' * 40}")
    await room.records.run(lambda session: session.execute(row))
    room.hosts.private.add("ocean/tides")
    await room.health.look()
    assert (await room.row(id)).code == RepoNotFound.code
    assert room.hosts.asked == [("ocean/tides", "HEAD")]


async def test_the_budget_holds_also_after_a_restart(tmp_path: Path) -> None:
    room = Room(tmp_path, checks=3)
    first, *_ = [await room.add(f"ocean/r{number}") for number in range(5)]
    await room.health.look()
    await room.health.look()
    await room.anew().look()
    assert len(room.hosts.asked) == 3
    fresh = {"link": "v2/gh/x/y/main", "repo": "", "words": ""}
    await room.entries.edit(first, Listing("changed"), **fresh)
    await room.health.look()
    assert len(room.hosts.asked) == 3, "a changed link is no way round it"
    budget = Budget(0)
    budget.spend()
    assert budget.left() == 0
    await room.close()


async def test_nothing_is_built_but_within_a_budget(tmp_path: Path) -> None:
    room = Room(tmp_path, builds=1)
    room.builder.key_of = lambda source: f"env-{source.commit.repo.name}"
    room.builder.fail = lambda key: key.endswith("broken")
    broken, fine = await room.add("ocean/broken"), await room.add("ocean/fine")
    await room.entries.marked(broken, featured=True)
    await room.health.look()
    assert room.builder.started == ["env-ocean/broken"]
    view = await room.view(broken)
    assert (view["health"]["ok"], view["health"]["message"]) == (
        False,
        "Its environment could not be built.",
    )
    await room.anew().look()
    assert len(room.builder.started) == 1
    tried = CatalogueRow.__table__.update().values(tried=now() - timedelta(hours=2))
    tried = tried.where(CatalogueRow.id == broken)
    await room.records.run(lambda session: session.execute(tried))
    room.health = room.anew()
    await room.health.look()
    assert room.builder.started == ["env-ocean/broken", "env-ocean/fine"]
    assert (await room.view(fine))["environment"]["built"]
    await room.close()


async def test_a_link_that_was_changed_meanwhile_keeps_nothing_of_the_old(room: Room) -> None:
    id = await room.add("ocean/tides")
    before = await room.row(id)
    same = {"repo": "https://github.com/ocean/tides", "words": ""}
    await room.entries.checked(before, checked=now(), commit="c" * 40)
    await room.entries.marked(id, featured=True)
    await room.entries.edit(id, Listing("other words"), link=before.link, **same)
    row = await room.row(id)
    assert (row.commit, row.featured) == ("c" * 40, True)
    await room.entries.checked(before, score=3.0, people=3)
    await room.entries.edit(id, Listing("x"), link="v2/gh/ocean/waves/main", **same)
    await room.entries.checked(before, checked=now(), commit="c" * 40)
    row = await room.row(id)
    assert (row.commit, row.checked) == ("", None)
    assert (row.featured, row.score, row.people) == (False, 0, 0), "nobody recommended this one"


async def test_nobodys_changes_keep_others_from_their_turn(tmp_path: Path) -> None:
    room = Room(tmp_path, checks=1)
    mine, theirs = await room.add("ocean/waves"), await room.add("ocean/tides", owner="ben")
    for name in ("ocean/swell", "ocean/foam"):
        link = f"v2/gh/{name}/main"
        await room.entries.edit(mine, Listing("x"), link=link, repo=name, words="")
    await room.health.look()
    assert ((await room.row(mine)).checked, bool((await room.row(theirs)).checked)) == (None, True)
    await room.close()


async def test_a_host_that_never_ends_holds_up_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(repo: Repo, ref: str, *, reader: str = "") -> Commit:
        await asyncio.sleep(3600 if repo.name == "ocean/slow" else 0)
        return Commit(repo, ref, "c" * 40)

    monkeypatch.setattr(health, "_PATIENCE", 0.05)
    monkeypatch.setattr(room.hosts, "resolve", never)
    slow, tides = await room.add("ocean/slow"), await room.add("ocean/tides")
    async with asyncio.timeout(SOON):
        await room.health.look()
    assert "did not answer" in (await room.view(slow))["health"]["message"]
    assert (await room.view(tides))["health"]["ok"]


async def test_a_limit_holds_for_many_at_once_and_all_is_in_the_event_log(tmp_path: Path) -> None:
    room = Room(tmp_path, per_person=2, reports=1)
    room.catalogue._log = EventLog(str(tmp_path / "events"))
    ana, request = Person("ana", ""), room.catalogue.read("https://github.com/ocean/tides")
    publish = [room.catalogue.publish(ana, request, Listing("x")) for _ in range(9)]
    done = await asyncio.gather(*publish, return_exceptions=True)
    assert sum(isinstance(one, TooMany) for one in done) == 7
    assert await room.entries.owned("ana") == 2
    lines = map(json.loads, (tmp_path / "events").read_text().splitlines())
    told = [(line["schema"], line["person"], line["action"], line["link"]) for line in lines]
    link = "v2/gh/ocean/tides/HEAD"
    assert told == [("binder-at-home/catalogue", "ana", "publish", link)] * 2
    await room.close()


async def test_who_gets_the_name_of_a_publisher_gets_none_of_their_entries(tmp_path: Path) -> None:
    """Nor do they see what was for a group, or hidden, and not all they may publish is used up."""
    room = Room(tmp_path)
    ours, all_ = await room.add("ocean/tides", group="staff"), await room.add("ocean/waves")
    await room.entries.marked(all_, hidden=True)
    ana, heir = (
        Person("ana", "", since=(now() + timedelta(hours=hours)).timestamp()) for hours in (-1, 1)
    )
    for person, many in ((ana, 2), (heir, 0)):
        since = own_since(person.since)
        assert await room.entries.owned("ana", since) == many
        mine = {"user": "ana", "groups": (), "since": since}
        seen = [await room.entries.visible(id, **mine) for id in (ours, all_)]
        assert len([row for row in seen if row]) == many
        for search in (Search(), Search(mine=True)):
            assert (await room.entries.find(search, page=1, **mine))[1] == many
        assert owns(person, await room.row(ours)) is bool(many)
        views = EntryViews(room.catalogue, person, {}, PREFIX)
        assert views.of(await room.row(ours))["mine"] is bool(many)
    await room.close()


# ---- the story, at a real Hub


async def publish(browser: Browser, link: str, **fields: Any) -> dict[str, Any]:
    body = {"link": link, "title": "Some title", **fields}
    reply = await browser.api("POST", "api/catalogue", json=body)
    assert reply.status == 201, reply.text
    return dict(reply.json())


async def looked_at(browser: Browser, id: str) -> dict[str, Any]:
    """An entry once somebody has looked whether it can be launched."""
    async with asyncio.timeout(SOON):
        while True:
            entry = dict((await browser.api("GET", f"api/catalogue/{id}")).json())
            if entry["health"]["checked"]:
                return entry
            await asyncio.sleep(0.1)


async def titles(browser: Browser, query: str = "") -> list[str]:
    found = (await browser.api("GET", f"api/catalogue?{query}")).json()
    return [entry["title"] for entry in found["entries"]]


async def test_publishing_reporting_and_hiding(realhub, repos) -> None:
    url = repos.create_repo("catalogued/tides", {"requirements.txt": "", "x": "catalogued"}).url
    async with (
        realhub.browser("olga-of-catalogue") as olga,
        realhub.browser("rita-of-catalogue") as rita,
        realhub.browser(ADMIN) as ada,
    ):
        for browser in (olga, rita, ada):
            await browser.get(PREFIX)
        # from the share box to the form and into the catalogue, without scripts
        made = (await olga.api("GET", f"api/share?repo={url}&share=rita-of-catalogue")).json()
        there = urlsplit(made["publish"])
        form = await olga.get(f"{there.path}?{there.query}")
        assert 'value="tides"' in form.text and "share=" not in form.text
        link = html.unescape(
            form.text.split('id="entry-link" name="link" value="')[1].split('"')[0]
        )
        sent = await olga.form(
            "catalogue/publish", link=link, title=HOSTILE, text="<b>x</b>", tags="Ocean", group=""
        )
        page = sent.headers["Location"]
        id = page.rpartition("/")[2]
        shown = (await rita.get(f"{PREFIX}catalogue?q=img+onerror")).text
        assert html.escape(HOSTILE, quote=False).replace('"', "&#34;") in shown
        assert "<img src=x" not in shown and "<b>x</b>" not in shown
        [entry] = (await rita.api("GET", "api/catalogue?tag=ocean")).json()["entries"]
        assert (entry["owner"], entry["mine"]) == ("olga-of-catalogue", False)
        # it opens the page that asks
        assert 'id="confirm-form"' in (await rita.get(entry["open_url"])).text
        entry = await looked_at(rita, id)
        assert entry["health"]["ok"] is True
        # nobody else changes it, and somebody reports it
        for method, body in (("PATCH", {"title": "mine"}), ("DELETE", None)):
            assert (await rita.api(method, f"api/catalogue/{id}", json=body)).status == 403
        assert (await rita.form(f"catalogue/{id}", action="report", reason=" ")).status == 400
        thanks = await rita.form(f"catalogue/{id}", action="report", reason="<i>spam</i>")
        assert "Thank you" in (await rita.get(thanks.headers["Location"])).text
        assert (await rita.api("POST", f"api/admin/catalogue/{id}", json={})).status == 403
        [reported] = (await ada.api("GET", "api/admin/catalogue")).json()["entries"]
        [report] = reported["reports"]
        assert (report["user"], report["reason"]) == ("rita-of-catalogue", "<i>spam</i>")
        assert "&lt;i&gt;spam" in (await ada.get(f"{PREFIX}admin/catalogue")).text
        # hidden, and changed by its owner: still hidden
        await ada.form("admin/catalogue", action="hide-entry", id=id)
        assert (await rita.get(page)).status == 404 and await titles(rita, "tag=ocean") == []
        assert "has hidden this entry" in (await olga.get(page)).text
        changed = await olga.api("PATCH", f"api/catalogue/{id}", json={"title": "Tides"})
        assert (changed.json()["title"], changed.json()["hidden"]) == ("Tides", True)
        assert await titles(rita, "q=tides") == []
        marks = {"hidden": False, "featured": True}
        assert (await ada.api("POST", f"api/admin/catalogue/{id}", json=marks)).json()["featured"]
        assert await titles(rita, "show=featured") == ["Tides"]
        gone = await olga.form(f"catalogue/{id}", action="withdraw")
        assert gone.headers["Location"] == f"{PREFIX}catalogue?show=mine"
        assert (await ada.api("GET", f"api/catalogue/{id}")).status == 404
        assert (await ada.api("GET", "api/admin/catalogue")).json()["entries"] == []
    log = realhub.log.read_text()
    for action in ("publish", "edit", "withdraw"):
        assert f"Catalogue: {action} of {id} by olga-of-catalogue" in log
    assert f"Catalogue: report of {id} by rita-of-catalogue" in log
    assert f"The administrator {ADMIN}: hide-entry {id} of olga-of-catalogue" in log


async def test_what_is_refused_and_who_sees_what_is_for_a_group(realhub, repos) -> None:
    async with (
        realhub.browser("gil-of-catalogue") as gil,
        realhub.browser("gus-of-catalogue") as gus,
        realhub.browser("olaf-of-catalogue") as olaf,
    ):
        for browser in (gil, gus, olaf):
            await browser.get(PREFIX)
        url = f"{repos.url}/me/mine"
        refused = [
            ({"link": "https://u:p@example.org/a/b"}, 400, "password or a token"),
            ({"link": f"{url}?access_token=abc"}, 400, "password or a token"),
            ({"link": "v2/gh/a/b/main?share=gus-of-catalogue"}, 400, "lets people into"),
            ({"link": "nonsense"}, 400, ""),
            ({"title": ""}, 400, "Give it a title"),
            ({"tags": ["a", "<b>"]}, 400, "cannot be a tag"),
            ({"group": "crew"}, 403, "not in the group"),
            ({"title": 7}, 400, "must be text"),
        ]
        for fields, status, words in refused:
            body = {"link": url, "title": "x", **fields}
            reply = await gil.api("POST", "api/catalogue", json=body)
            assert (reply.status, words in reply.json()["message"]) == (status, True), reply.text
        typed = await gil.form("catalogue/publish", link="https://u:geheim@x.org/a/b", title="kept")
        assert typed.status == 400 and "kept" in typed.text and "geheim" not in typed.text
        # for a group
        entry = await publish(gil, url, title="For readers", group="readers")
        assert await titles(gus, "q=for+readers") == ["For readers"]
        assert await titles(olaf, "q=for+readers") == []
        assert (await olaf.api("GET", f"api/catalogue/{entry['id']}")).status == 404
        report = {"json": {"reason": "x"}}
        assert (
            await olaf.api("POST", f"api/catalogue/{entry['id']}/reports", **report)
        ).status == 404
        # as many as they may
        others = [(await publish(gil, url, title=f"another {n}"))["id"] for n in range(2)]
        full = await gil.api("POST", "api/catalogue", json={"link": url, "title": "x"})
        assert (full.status, full.json()["code"]) == (429, "too-many")
        for id in others:
            assert (await gus.api("POST", f"api/catalogue/{id}/reports", **report)).status == 201
        again = await gus.api("POST", f"api/catalogue/{entry['id']}/reports", **report)
        assert (again.status, "within a day" in again.json()["message"]) == (429, True)
        for id in (entry["id"], *others):
            assert (await gil.api("DELETE", f"api/catalogue/{id}")).status == 200


async def test_a_picture_is_shown_to_those_who_see_its_entry(realhub, repos) -> None:
    files = {"docs/plot.png": png(3), "docs/x.svg": "<svg onload='alert(1)'/>"}
    url = repos.create_repo("catalogued/pictured", files).url
    async with (
        realhub.browser("gus-of-catalogue") as gus,
        realhub.browser("gil-of-catalogue") as gil,
        realhub.browser("otto-of-catalogue") as otto,
    ):
        for browser in (gus, gil, otto):
            await browser.get(PREFIX)
        fields = {"picture": "docs/plot.png", "picture_text": 'A "curve"', "group": "readers"}
        entry = await publish(gus, url, title="Pictured", **fields)
        api = f"api/catalogue/{entry['id']}"
        async with asyncio.timeout(SOON):
            while not (view := (await gil.api("GET", api)).json())["picture_url"]:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        page = (await gil.get(f"{PREFIX}catalogue?q=pictured")).text
        assert f'src="{view["picture_url"]}" alt="A &#34;curve&#34;" loading="lazy"' in page
        on_page = {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "same-origin"}
        picture = await gil.send("GET", view["picture_url"], headers=on_page)
        assert picture.headers["Content-Type"] == "image/png"
        assert picture.headers["X-Content-Type-Options"] == "nosniff"
        assert picture.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert picture.headers["Cache-Control"].startswith("private")
        assert picture.headers["Content-Length"] == str(len(png(3)))
        assert (await otto.send("GET", view["picture_url"])).status == 404
        async with realhub.browser() as stranger:
            assert (await stranger.send("GET", view["picture_url"])).status == 403
        # a document is none, and the one of before is gone
        await gus.api("PATCH", api, json={"picture": "docs/x.svg"})
        assert (await gil.send("GET", view["picture_url"])).status == 404
        async with asyncio.timeout(SOON):
            while not (await gus.api("GET", api)).json()["picture_flaw"]:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        said = (await gus.get(f"{PREFIX}catalogue/{entry['id']}")).text
        assert "The picture docs/x.svg is not shown. It is no PNG" in said
        assert (await gil.send("GET", f"{view['picture_url'][:-4]}none")).status == 404
        assert (await gus.api("DELETE", api)).status == 200
