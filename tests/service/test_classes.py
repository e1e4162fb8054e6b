"""A class: who opened its link, for its teacher; told to students before, and stopped as said."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import aiohttp
import pytest
from gitserver import Behaviour
from patience import SOON
from realhub import PREFIX, Browser
from sqlalchemy import update
from webform import WebForm

from binderhub_ext.core.classes import Named
from binderhub_ext.core.errors import Cancelled, FilesDiffer, NotFound, TargetMissing
from binderhub_ext.core.sentences import Sentence
from binderhub_ext.core.sharees import Sharee
from binderhub_ext.service.hub import HubClient, Person, Server
from binderhub_ext.service.hub import State as ServerState
from binderhub_ext.service.launching.attendance import Seen, attendant, has_server
from binderhub_ext.service.launching.eventlog import EventLog
from binderhub_ext.service.launching.launchstate import State
from binderhub_ext.service.launching.news import News
from binderhub_ext.service.launching.teachers import Teachers
from binderhub_ext.service.records.classes import ClassRecords, Lent, Opening
from binderhub_ext.service.records.classtables import ClassRow, OpeningRow
from binderhub_ext.service.records.database import sqlite_url
from binderhub_ext.service.records.records import Records
from binderhub_ext.service.records.tables import LaunchRow

TEACHER, ANOTHER, ADMIN = "tessa-of-class", "tom-of-class", "ada-of-admin"
WITH = "tina-of-class"
FIRST, SECOND, THIRD = "jürg of class", "fiona-of-class", "lena-of-class"
TITLE = "Übung <script>alert(1)</script>"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = ("ana", "tides-1")
RUNS = Server(
    "tides-1", ServerState.RUNNING, "/user/ana/tides-1/", last_activity="2026-11-20T12:30"
)


def opening(code: str = "", *, finished: bool = True, left: bool = False, **row: Any) -> Opening:
    launch = LaunchRow(
        id="1", code=code, message="It says why.", finished=NOON if finished else None
    )
    names = {"class_id": "c", "user": "ana", "server": "tides-1", "launch": "1", "sealed": ""}
    opened = OpeningRow(**names | row, opened=NOON)
    return Opening(opened, launch, left)


def seen(minutes: int, *servers: Server) -> Seen:
    return Seen(
        dict.fromkeys([KEY], *servers) if servers else {}, NOON + timedelta(minutes=minutes)
    )


@pytest.mark.parametrize(
    ("one", "stops"),
    [
        (opening(), True),
        (opening(TargetMissing.code), True),
        (opening("build-failed"), False),
        (opening("build-failed", sealed="of one before"), True),
        (opening(FilesDiffer.code), False),
        (opening(finished=False), False),
        (opening(left=True, sealed="of one before"), False),
    ],
)
def test_whose_server_is_the_classs(one: Opening, stops: bool) -> None:
    assert has_server(one) is stops


@pytest.mark.parametrize(
    ("one", "look", "place"),
    [
        (opening(), seen(5, RUNS), "running"),
        (opening(), seen(-5), "running"),
        (opening(), seen(5), "stopped"),
        (opening(), seen(5, replace(RUNS, state=ServerState.STOPPING)), "stopping"),
        (opening(), Seen({}, None), "running"),
        (opening(), Seen(None, NOON), "opened"),
        (opening(finished=False), seen(5), "opened"),
        (opening("build-failed"), seen(5, RUNS), "failed"),
        (opening(TargetMissing.code), seen(5, RUNS), "failed"),
        (opening(FilesDiffer.code), seen(5), "waiting"),
        (opening(Cancelled.code), seen(5), "stopped"),
        (opening(Cancelled.code, sealed="x"), seen(5, RUNS), "running"),
        (opening(Cancelled.code, sealed="x"), seen(-5), "stopped"),
        (opening("build-failed", sealed="x"), seen(5, RUNS), "failed"),
        (opening(left=True, sealed="x"), seen(5, RUNS), "stopped"),
        (opening(stopped=NOON + timedelta(minutes=6)), seen(5, RUNS), "stopping"),
        (opening(stopped=NOON + timedelta(minutes=4)), seen(5), "stopped"),
        (opening(stopped=NOON + timedelta(minutes=4)), seen(5, RUNS), "running"),
    ],
)
def test_where_somebody_is(one: Opening, look: Seen, place: str) -> None:
    found = attendant(one, None, look)
    assert str(found.place) == place
    if place == "failed":
        assert found.message == "It says why."
    shown = bool(look.servers) and has_server(one)
    assert bool(found.last_activity) is shown


def test_where_somebody_is_whose_launch_goes_on() -> None:
    waits = State("1", "ana", "tides-1", None, "", "", NOON, message=Sentence("2 are ahead."))
    found = attendant(opening(finished=False), waits, seen(5))
    assert (str(found.place), found.message) == ("waiting", "2 are ahead.")
    starts = replace(waits, step="server")
    assert str(attendant(opening(finished=False), starts, seen(5)).place) == "starting"


@pytest.mark.parametrize(
    ("outcome", "left"),
    [({"url": "/"}, True), ({"code": TargetMissing.code}, True), ({"code": "build-failed"}, False)],
)
async def test_whose_server_was_launched_without_the_class(
    tmp_path: Path, outcome: dict[str, str], left: bool
) -> None:
    records = Records(sqlite_url(tmp_path / "b.sqlite"), engine="local")
    try:
        classes = ClassRecords(records)
        for id, minutes, row in (("1", 0, {"url": "/"}), ("2", 1, outcome)):
            started = NOON + timedelta(minutes=minutes)
            launch = LaunchRow(id=id, user="ana", server="tides-1", started=started, **row)
            await records.launch_started(launch)
        lent = Lent("c", "ana", "tides-1", "what stops it")
        await classes.add(ClassRow(id="c", owner="tom", title="", link="", created=NOON))
        await classes.opened("c", "ana", "tides-1", "1")
        assert not await classes.keep(lent, "2")
        assert await classes.keep(lent, "1")
        [one] = await classes.openings("c")
        assert (one.left, one.row.sealed) == (left, "what stops it")
        assert await classes.lent("c") == [lent]
        # what is no use any more is named, so that it can be given back
        assert await classes.opened("c", "ana", "tides-1", "1") == (lent if left else None)
        [one] = await classes.openings("c")
        assert bool(one.row.sealed) is not left
        await classes.change("c", ended=NOON)
        assert not await classes.keep(lent, "1")
    finally:
        records.close()


async def test_a_class_that_nobody_goes_to_ends(tmp_path: Path) -> None:
    records = Records(sqlite_url(tmp_path / "b.sqlite"), engine="local")
    try:
        classes, today = ClassRecords(records), datetime.now(UTC)
        began = {"old": 40, "new": 5, "launched": 40, "ended": 40}
        for id, days in began.items():
            when = today - timedelta(days=days)
            row = ClassRow(id=id, owner="tom", title="", link="", created=when)
            row.ended = when if id == "ended" else None
            await classes.add(row)
        for id, days in (("old", 31), ("launched", 29)):
            launch = LaunchRow(id=id, user="ana", server="s", started=today - timedelta(days=days))
            await records.launch_started(launch)
            # written as of now, whenever the launch is said to be of
            await classes.opened(id, "ana", "s", id)
            change = update(OpeningRow).values(opened=today - timedelta(days=39))
            await records.run(lambda session, change=change: session.execute(change))
        assert [row.id for row in await classes.idle(30)] == ["old"]
    finally:
        records.close()


async def test_who_gets_the_name_of_a_teacher_gets_none_of_their_classes(records: Records) -> None:
    class Hub:
        async def groups(self, _person: Person) -> tuple[str, ...]:
            return ("staff",)

    classes, me, hub = ClassRecords(records), Person("", "ours"), cast(HubClient, Hub())
    teachers = Teachers(["staff"], records=classes, hub=hub, me=me, news=News(), log=EventLog(""))
    await classes.add(ClassRow(id="c", owner="ana", title="", link="", created=NOON))
    await classes.name("c", Named("k3f9", Sharee("bob")))
    ana, bob = (Person(name, "", since=NOON.timestamp() - 90) for name in ("ana", "bob"))
    heir = replace(ana, since=NOON.timestamp() + 90)
    assert (await teachers.get(ana, "c")).by is None
    assert (await teachers.get(bob, "c")).by == {"k3f9"}
    assert [len(await teachers.mine(one)) for one in (ana, bob, heir)] == [1, 1, 0]
    await records.forget_entrusted("bob", datetime.now(UTC) + timedelta(minutes=1))
    for nobody in (heir, bob):
        with pytest.raises(NotFound):
            await teachers.get(nobody, "c")


# ---- with a Hub


async def lends(student: Browser, user: str, many: int) -> None:
    """Wait until a student lends so many tokens that stop servers."""
    await student.get("/hub/token")
    path, hub = f"/hub/api/users/{quote(user)}/tokens", {"X-XSRFToken": student.xsrf("/hub/")}
    async with asyncio.timeout(SOON):
        while True:
            listed = (await student.send("GET", path, headers=hub)).json()["api_tokens"]
            scopes = [one["scopes"] for one in listed]
            if sum(any(s.startswith("delete:servers!server") for s in of) for of in scopes) == many:
                return
            await asyncio.sleep(0.2)


async def watched(browser: Browser, id: str) -> dict[str, Any]:
    """How a launch ended."""
    await browser.told(id)
    return await browser.view(id)


async def sent(browser: Browser, link: str, **fields: str) -> str:
    """Follow a link, say yes on the page that asks; the launch."""
    page = await browser.get(PREFIX + link)
    assert page.status == 200, page.text
    pairs = [(name, value) for name, value in WebForm(page.text, "confirm-form").pairs if value]
    data = [*(pair for pair in pairs if pair[0] != "trust"), *fields.items()]
    reply = await browser.send("POST", f"{PREFIX}launch", data=data)
    return reply.launch


async def people(teacher: Browser, id: str) -> dict[str, tuple[str, str]]:
    """State and message of everybody in a class's list."""
    listed = (await teacher.api("GET", f"api/classes/{id}")).json()["people"]
    return {one["user"]: (one["state"], one["message"]) for one in listed}


async def servers(browser: Browser) -> dict[str, dict[str, Any]]:
    listed = (await browser.api("GET", "api/servers")).json()["servers"]
    return {server["title"]: server for server in listed}


async def until(teacher: Browser, id: str, user: str, state: str) -> None:
    async with asyncio.timeout(SOON):
        while (await people(teacher, id)).get(user, ("", ""))[0] != state:  # noqa: ASYNC110
            await asyncio.sleep(0.3)


async def test_a_class_from_its_link_to_its_end(realhub, repos) -> None:
    repo = repos.create_repo("classes/penguins", {"requirements.txt": "", "x": "penguins"})
    repo.branch("broken")
    repo.commit({"Dockerfile": "FROM x"}, branch="broken")
    own = f"v2/git/{quote(repo.url, safe='')}"
    async with (
        realhub.browser(TEACHER) as tessa,
        realhub.browser(FIRST) as jurg,
        realhub.browser(SECOND) as fiona,
        realhub.browser(THIRD) as lena,
    ):
        for one in (tessa, jurg, fiona, lena):
            await one.get(PREFIX)
        assert "Your classes" in (await tessa.get(PREFIX)).text
        assert "Your classes" not in (await jurg.get(PREFIX)).text

        # the share box leads here; a teacher begins a class
        shown = await tessa.form("classes", action="show", repo=repo.url)
        page = await tessa.get(shown.headers["Location"])
        assert "Begin a class" in page.text and f"qr?link={quote(own, safe='')}" in page.text
        assert "Begin a class" not in (await jurg.get(shown.headers["Location"])).text
        begun = await tessa.form("classes", action="begin", link=f"{own}/main", title=TITLE)
        id = begun.headers["Location"].rpartition("/")[2]
        view = (await tessa.api("GET", f"api/classes/{id}")).json()
        assert (view["title"], view["people"]) == (TITLE, [])
        assert view["url"].endswith(f"{PREFIX}c/{id}")
        refused = await jurg.api("POST", "api/classes", json={"link": f"{own}/main"})
        assert (refused.status, refused.json()["code"]) == (403, "not-allowed")
        poster = (await jurg.get(f"{PREFIX}class/{id}/qr")).text
        assert "data:image/svg+xml" in poster and f"{PREFIX}c/{id}<" in poster
        assert "&lt;script&gt;alert(1)" in poster and "<script>alert" not in poster
        # whoever names a repository writes no headline of a page of ours
        spec = quote("https://evil.example/Your account is locked", safe="") + "/HEAD"
        poster = (await jurg.get(f"{PREFIX}qr?link=v2/git/{quote(spec)}")).text
        assert "<h1>Launch https://evil.example/Your%20account%20is%20locked?</h1>" in poster

        # students are told, and only who launches is seen
        asked = await jurg.get(f"{PREFIX}c/{id}")
        assert f"of {TEACHER}." in asked.text and "&lt;script&gt;alert(1)" in asked.text
        assert await people(tessa, id) == {}
        headers = {"X-XSRFToken": tessa.xsrf(), "Sec-Fetch-Mode": "cors"}
        address = tessa.url(f"{PREFIX}api/classes/{id}/events")
        async with tessa.session.get(address, headers=headers) as stream:
            launched = await watched(jurg, await sent(jurg, f"c/{id}", trust="yes"))
            async with asyncio.timeout(SOON):
                assert b"data: {}" in await stream.content.readuntil(b"\n\n")
        assert launched["phase"] == "ready" and f"class={id}" in launched["again"]["link"]
        assert "not quite the link" not in asked.text
        asked = await fiona.get(f"{PREFIX}{own}/broken?class={id}")
        assert f"of {TEACHER}." in asked.text and "not quite the link" in asked.text
        await watched(fiona, await sent(fiona, f"{own}/broken?class={id}"))
        found = await people(tessa, id)
        assert found[FIRST] == ("running", "")
        assert found[SECOND][0] == "failed" and "Dockerfile" in found[SECOND][1]
        assert 'data-trusted="yes"' in (await jurg.get(f"{PREFIX}c/{id}")).text

        # a link to something else is none of the class
        other = f"v2/git/{quote(f'{repos.url}/me/mine', safe='')}/main?class={id}"
        assert "nobody is told" in (await jurg.get(PREFIX + other)).text
        await watched(
            jurg, (await jurg.api("POST", "api/launches", json={"link": other})).json()["id"]
        )
        assert set(await people(tessa, id)) == {FIRST, SECOND}
        assert {s["state"] for s in (await servers(jurg)).values()} == {"running"}

        # nobody else sees it
        async with realhub.browser(ANOTHER) as tom, realhub.browser(ADMIN) as ada:
            for one, status in ((tom, 404), (jurg, 404), (ada, 200)):
                await one.get(PREFIX)
                for path in ("", "/events") if status == 404 else ("",):
                    reply = await one.api("GET", f"api/classes/{id}{path}")
                    assert reply.status == status, reply.text
            assert (await tom.api("POST", f"api/classes/{id}/stop")).status == 404
            assert (await tom.form(f"class/{id}", action="stop")).status == 404

        # stop all: what runs and what waits, and nothing else
        await until(tessa, id, FIRST, "running")
        await lends(jurg, FIRST, 1)
        repo.behaviour = Behaviour(delay=60)
        asking = {"link": f"{own}/main?class={id}"}
        waits = (await lena.api("POST", "api/launches", json=asking)).json()["id"]
        await until(tessa, id, THIRD, "waiting")
        repo.behaviour = None
        assert (await tessa.form(f"class/{id}", action="stop")).status == 303
        ended = await watched(lena, waits)
        assert ended["error"]["code"] == "cancelled"
        assert f"{TEACHER} stopped all servers of the class" in ended["error"]["message"]
        await until(tessa, id, FIRST, "stopped")
        mine = await servers(jurg)
        assert (mine["penguins"]["state"], mine["mine"]["state"]) == ("stopped", "running")
        assert mine["penguins"]["why"] == ended["error"]["message"] and not mine["mine"]["why"]
        assert "stopped all servers of the class “Übung &lt;script" in (await jurg.get(PREFIX)).text
        assert (
            f"The teacher {TEACHER}: stop-class {id}: {FIRST}, {THIRD}" in realhub.log.read_text()
        )

        # the same server without the class is not the class's
        await watched(jurg, await sent(jurg, f"{own}/main"))
        await until(tessa, id, FIRST, "stopped")
        assert (await tessa.api("POST", f"api/classes/{id}/stop")).json() == {"stopped": 0}
        assert (await servers(jurg))["penguins"]["state"] == "running"
        await lends(jurg, FIRST, 0)

        # after its end the link launches, and nobody is told
        await watched(lena, await sent(lena, f"c/{id}"))
        await lends(lena, THIRD, 1)
        await tessa.form(f"class/{id}", action="end")
        await lends(lena, THIRD, 0)
        refused = await tessa.api("POST", f"api/classes/{id}/stop")
        assert refused.status == 409 and "ended with the class" in refused.json()["message"]
        assert "has ended: nobody is told" in (await fiona.get(f"{PREFIX}c/{id}")).text
        assert (await watched(fiona, await sent(fiona, f"c/{id}")))["phase"] == "ready"
        assert (await people(tessa, id))[SECOND][0] == "failed"
        assert (await jurg.get(f"{PREFIX}c/nowhere")).status == 404


async def test_what_a_teacher_can_do_is_the_students_to_give(realhub, repos) -> None:
    """The token stops one server and does nothing else; without it the teacher is told of whom."""
    repos.create_repo("classes/seals", {"requirements.txt": "", "x": "seals"})
    async with realhub.browser(TEACHER) as tessa, realhub.browser("nora-of-class") as nora:
        await tessa.get(PREFIX)
        await nora.get(PREFIX)
        wanted = {"repo": f"{repos.url}/classes/seals", "title": ""}
        view = (await tessa.api("POST", "api/classes", json=wanted)).json()
        assert view["title"] == "seals"
        await watched(nora, await sent(nora, f"c/{view['id']}"))
        await nora.get("/hub/token")
        hub = {"X-XSRFToken": nora.xsrf("/hub/")}
        path = "/hub/api/users/nora-of-class/tokens"
        only = f"delete:servers!server=nora-of-class/{(await servers(nora))['seals']['name']}"
        given: list[dict[str, Any]] = []
        async with asyncio.timeout(SOON):
            while not given:
                reply = await nora.send("GET", path, headers=hub)
                given = [one for one in reply.json()["api_tokens"] if only in one["scopes"]]
        [token] = given
        # besides, the Hub lets every token read whose it is
        assert all(s == only or s.startswith("read:users:") for s in token["scopes"])
        assert token["expires_at"]
        await nora.send("DELETE", f"{path}/{token['id']}", headers=hub)
        refused = await tessa.api("POST", f"api/classes/{view['id']}/stop")
        assert refused.status == 409 and "nora-of-class" in refused.json()["message"]
        # a token of the teacher's stops others' servers only if it stops the teacher's own
        access, stop = "access:services!service=binder", f"{PREFIX}api/classes/{view['id']}/stop"
        for scopes, status in (([access], 403), ([access, "servers!user"], 409)):
            bearer = {"Authorization": f"token {await realhub.token(TEACHER, scopes)}"}
            asked = aiohttp.request("POST", tessa.url(stop), headers=bearer)
            async with asked as answer:
                assert answer.status == status, await answer.text()
        assert (await servers(nora))["seals"]["state"] == "running"
        async with realhub.browser(ADMIN) as ada:
            await ada.get(PREFIX)
            assert (await ada.api("POST", f"api/classes/{view['id']}/stop")).status == 202
        await until(tessa, view["id"], "nora-of-class", "stopped")
        # what somebody lent who has signed out is forgotten, and revoked when they are back
        await watched(nora, await sent(nora, f"c/{view['id']}"))
        await lends(nora, "nora-of-class", 1)
        await nora.get("/hub/logout")
        await tessa.form(f"class/{view['id']}", action="end")
        await nora.sign_in("nora-of-class")
        await lends(nora, "nora-of-class", 1)
        await nora.get(PREFIX)
        await lends(nora, "nora-of-class", 0)


async def test_a_class_of_several_teachers(realhub, repos) -> None:
    """Who was named sees and stops those who were told of them, and has nothing else of a class."""
    repos.create_repo("classes/otters", {"requirements.txt": "", "x": "otters"})
    early, late = "ines-of-class", "omar-of-class"
    async with (
        realhub.browser(TEACHER) as tessa,
        realhub.browser(WITH) as tina,
        realhub.browser(early) as ines,
        realhub.browser(late) as omar,
    ):
        for one in (tessa, tina, ines, omar):
            await one.get(PREFIX)
        wanted = {"repo": f"{repos.url}/classes/otters", "title": "Otters"}
        id = (await tessa.api("POST", "api/classes", json=wanted)).json()["id"]
        api = f"api/classes/{id}"
        for one, name in ((tina, WITH), (ines, early)):
            assert (await one.api("POST", f"{api}/teachers", json={"user": name})).status == 404
        for no in ({"user": early}, {"group": "crew"}, {"user": "nobody-of-class"}):
            assert (await tessa.api("POST", f"{api}/teachers", json=no)).status == 404
        wrong = await tessa.form(f"class/{id}", action="name", user=early)
        assert wrong.status == 404 and "only teachers can" in wrong.text
        assert f'value="{early}"' in wrong.text
        await watched(ines, await sent(ines, f"c/{id}", trust="yes"))
        assert 'data-trusted="yes"' in (await ines.get(f"{PREFIX}c/{id}")).text

        # whoever launched before was not told: they are not hers to see
        assert (await tessa.form(f"class/{id}", action="name", user=WITH)).status == 303
        view = (await tina.api("GET", api)).json()
        assert (view["people"], view["untold"], view["owns"]) == ([], 1, False)
        page = (await tina.get(f"{PREFIX}class/{id}")).text
        assert "Stop all…" in page and "1 more opened it who was not told of you" in page
        assert "End the class…" not in page and "Rename…" not in page and early not in page
        assert "class of tessa" in (await tina.get(f"{PREFIX}classes")).text
        for method, path in (("POST", "/end"), ("POST", "/teachers"), ("DELETE", "/teachers/x")):
            refused = await tina.api(method, f"{api}{path}", json={"user": ANOTHER})
            assert refused.status == 403 and f"Only {TEACHER}" in refused.json()["message"]
        assert (await tina.form(f"class/{id}", action="rename", title="Mine")).status == 403

        # students are told of her by name; trust that was given before does not cover her
        for one in (ines, omar):
            asked = (await one.get(f"{PREFIX}c/{id}")).text
            assert f"can stop it too: <strong>{WITH}</strong>" in asked
            assert 'data-trusted="yes"' not in asked
        await watched(omar, await sent(omar, f"c/{id}"))
        await until(tina, id, late, "running")
        assert await people(tina, id) == {late: ("running", "")}
        await lends(omar, late, 1)
        assert (await tina.api("POST", f"{api}/stop")).json() == {"stopped": 1}
        await until(tessa, id, late, "stopped")
        assert f"{WITH} stopped all servers of the class" in (await omar.get(PREFIX)).text
        assert (await servers(ines))["otters"]["state"] == "running"

        # taken back, it is over at once, and to be named again is another thing to be told of
        headers = {"X-XSRFToken": tina.xsrf(), "Sec-Fetch-Mode": "cors"}
        async with tina.session.get(tina.url(f"{PREFIX}{api}/events"), headers=headers) as stream:
            [named] = (await tessa.api("GET", api)).json()["teachers"]
            await tessa.form(f"class/{id}", action="unname", teacher=named["id"])
            async with asyncio.timeout(SOON):
                await stream.content.read()
        for method, path in (("GET", ""), ("POST", "/stop"), ("GET", "/events")):
            assert (await tina.api(method, f"{api}{path}")).status == 404
        added = await tessa.api("POST", f"{api}/teachers", json={"group": "staff"})
        assert [one["group"] for one in added.json()["teachers"]] == ["staff"]
        link = f"v2/git/{quote(f'{repos.url}/classes/otters', safe='')}/HEAD?class={id}"
        asking = {"link": link, "teacher": [named["id"], "made-up"]}
        await watched(omar, (await omar.api("POST", "api/launches", json=asking)).json()["id"])
        assert await people(tina, id) == {}
        assert "everybody in the group staff" in (await omar.get(f"{PREFIX}c/{id}")).text
        await watched(omar, await sent(omar, f"c/{id}"))
        await until(tina, id, late, "running")
        assert await people(tina, id) == {late: ("running", "")}

        # so it is when she is no teacher any more
        async with realhub.browser(ADMIN) as ada:
            await ada.get("/hub/token")
            hub = {"X-XSRFToken": ada.xsrf("/hub/")}
            path = "/hub/api/groups/staff/users"
            reply = await ada.send("DELETE", path, json={"users": [WITH]}, headers=hub)
            assert reply.status == 200
        assert (await tina.api("GET", api)).status == 404
        assert (await tina.api("POST", f"{api}/stop")).status == 404
        assert (await people(tessa, id))[late][0] == "running"
        [staff] = added.json()["teachers"]
        gone = await tessa.api("DELETE", f"{api}/teachers/{staff['id']}")
        assert gone.json() == {"teachers": []}
        assert f"The teacher {TEACHER}: name-teacher {id}: {WITH}" in realhub.log.read_text()


async def test_prepare_builds_and_starts_nothing(realhub, repos) -> None:
    repos.create_repo("classes/whales", {"requirements.txt": "", "x": "whales"})
    async with realhub.browser("pia-of-class") as pia:
        await pia.get(PREFIX)
        began = await pia.api("POST", "api/prepare", json={"repo": f"{repos.url}/classes/whales"})
        launch = await watched(pia, began.json()["id"])
        assert (launch["phase"], launch["url"], launch["prepares"]) == ("ready", "", True)
        assert launch["image"].startswith("image-env-")
        # where servers run, in words, also for what could not be got there
        assert launch["message"] == "The image is ready. It is on 1 of 2 nodes."
        assert launch["attention"] == ["node-2: Its disk is too full for the image."]
        page = (await pia.get(launch["page"])).text
        assert "whoever opens the link need not wait" in page and launch["message"] in page
        assert 'data-step="prepull" data-state="done"' in page and 'data-step="server"' not in page
        steps = [event.get("step") for event in await pia.told(began.json()["id"])]
        assert steps[-2:] == ["prepull", "redirect"]
        assert await servers(pia) == {}


async def test_who_is_no_teacher_any_more_sees_nothing(realhub, repos) -> None:
    async with realhub.browser(ANOTHER) as tom, realhub.browser(ADMIN) as ada:
        await tom.get(PREFIX)
        wanted = {"repo": f"{repos.url}/me/mine", "title": "Mine"}
        view = (await tom.api("POST", "api/classes", json=wanted)).json()
        assert [one["id"] for one in (await tom.api("GET", "api/classes")).json()["classes"]] == [
            view["id"]
        ]
        bad = await tom.form(f"class/{view['id']}", action="rename", title="x" * 200)
        assert bad.status == 400 and "at most 120" in bad.text
        await ada.get("/hub/token")
        hub = {"X-XSRFToken": ada.xsrf("/hub/")}
        taken = await ada.send(
            "DELETE", "/hub/api/groups/staff/users", json={"users": [ANOTHER]}, headers=hub
        )
        assert taken.status == 200, taken.text
        for method, path in (("GET", ""), ("POST", "/stop"), ("POST", "/end"), ("GET", "/events")):
            refused = await tom.api(method, f"api/classes/{view['id']}{path}")
            assert refused.status == 403 and "Only teachers" in refused.json()["message"]
        assert (await tom.api("GET", "api/classes")).json() == {"classes": []}
