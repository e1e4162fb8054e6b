"""Secrets of people: at rest, in links and forms, and how the Hub has them for a start."""

from __future__ import annotations

import html
import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from realhub import PREFIX, Browser, RealHub, Reply

from binderhub_ext.core.errors import BadLink, Conflict, NotFound, Unsupported
from binderhub_ext.core.handover import Handover
from binderhub_ext.core.launch import Access, Launch, sign_ticket
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.core.secretnames import Secret
from binderhub_ext.core.volumes import undated, with_member
from binderhub_ext.secrets import ensure_secret
from binderhub_ext.service.hub import Person
from binderhub_ext.service.members import Member
from binderhub_ext.service.person.credentials import Credentials
from binderhub_ext.service.person.heirs import Heirs
from binderhub_ext.service.person.sealed import Seal
from binderhub_ext.service.person.secrets import Secrets, StoredSecret
from binderhub_ext.service.records.database import sqlite_url
from binderhub_ext.service.records.records import Records, now
from binderhub_ext.service.records.secrets import SecretRecords
from binderhub_ext.service.records.tables import LaunchRow, SecretRow, TrustRow
from binderhub_ext.service.web.views import secret_choices
from binderhub_ext.storage.volumes import VolumeStore

SAM = "sam-with-secrets"
HUSH = "hush-6f1d"


# ---- at rest


async def test_in_and_out(records: Records, tmp_path: Path) -> None:
    seal = Seal(ensure_secret(tmp_path / "secrets" / "credentials"))
    offered = [StoredSecret("TOKEN", False), StoredSecret("A", True)]
    mine = Secrets(SecretRecords(records), seal, 2, offered, usable=True)
    await mine.store("ana", " A ", "one", file=False)
    await mine.store("ana", "A", HUSH, file=True)
    await mine.store("ana", "B", "two\n", file=False)
    with pytest.raises(Conflict, match="2 secrets"):
        await mine.store("ana", "C", "three", file=False)
    with pytest.raises(BadLink):
        await mine.store("bob", "PATH", "three", file=False)
    both = [Secret("A", HUSH, True), Secret("B", "two\n")]
    assert await mine.opened("ana", ["B", "A", "C"], 0.0) == both
    assert await mine.opened("ana", [], 0.0) == await mine.opened("bob", ["A"], 0.0) == []
    # what somebody stored is theirs, whatever is offered under that name
    assert [(one.name, bool(one.id)) for one in await mine.mine("ana")] == [
        *(("A", True), ("B", True)),
        ("TOKEN", False),
    ]
    await mine.check("ana", ["A", "sign-in:A", "sign-in:TOKEN"])
    for key, name in (("C", "C"), ("TOKEN", "TOKEN"), ("sign-in:B", "B")):
        with pytest.raises(NotFound, match=f"called {name}"):
            await mine.check("ana", ["A", key])
    assert await mine.opened("ana", ["sign-in:A"], 0.0) == []
    assert b"hush" not in b"".join(path.read_bytes() for path in tmp_path.glob("b.sqlite*"))
    # a row put under another name or person opens nothing
    moved = Secrets(
        SecretRecords(records), Seal(ensure_secret(tmp_path / "other")), 2, (), usable=True
    )
    assert await moved.opened("ana", ["A"], 0.0) == []
    [first, _] = await SecretRecords(records).of_user("ana")
    assert seal.open(first.sealed, {"person": "bob", "secret": "A"}) is None
    # where no server can be given any, none is offered and none is silently left out
    useless = Secrets(SecretRecords(records), seal, 2, offered, usable=False)
    assert await useless.mine("ana") == []
    await useless.check("ana", [])
    with pytest.raises(Unsupported):
        await useless.check("ana", ["A"])
    assert not await mine.remove("bob", first.id)
    assert await mine.remove("ana", first.id)
    assert await mine.opened("ana", ["A"], 0.0) == []


def test_a_link_asks_for_a_name_and_a_tick_says_what_of_it() -> None:
    token, stored = StoredSecret("A", file=False), StoredSecret("A", file=True, id="1")

    def keys(mine: list[StoredSecret], **asked: list[str]) -> list[tuple[str, bool, bool]]:
        choices = secret_choices(mine, asked.get("asked", []), asked.get("ticked", []))
        assert {choice["name"] for choice in choices} == {"A"}
        return [(choice["key"], choice["missing"], choice["ticked"]) for choice in choices]

    assert keys([token], asked=["A"]) == [("sign-in:A", False, False)]
    assert keys([stored], asked=["A"], ticked=["A"]) == [("A", False, True)]
    # what was ticked is gone: the token that is there now is offered, and not ticked
    assert keys([token], ticked=["A"]) == [("sign-in:A", False, False)]
    assert keys([stored], asked=["sign-in:A"]) == [("sign-in:A", True, False), ("A", False, False)]


async def test_who_gets_a_name_gets_nothing_that_was_entrusted_under_it(
    records: Records, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seal = Seal(ensure_secret(tmp_path / "credentials"))
    mine = Secrets(SecretRecords(records), seal, 2, (), usable=True)
    told, tokens = iter([time.time(), time.time() + 3600]), Credentials(records, seal)

    class Hub:
        async def member(self, person: Person) -> Member:
            """What the service itself may ask, of those whose token does not say."""
            assert (person.name, person.token) == ("bob", "ours")
            return Member((), next(told))

    hub: Any = Hub()
    for who in ("ana", "bob"):
        await mine.store(who, "A", HUSH, file=False)
        await tokens.store(who, "git.example.org", "", HUSH)
        await records.trust(TrustRow(id=who, user=who, repo="r", rights="", since=now()))

    async def have(who: str) -> list[int]:
        every = mine.mine(who), tokens.stored(who), records.all_trusted(who)
        return [len(await each) for each in every]

    # the Hub says so at a start, whoever came to the service
    assert await mine.opened("ana", ["A"], time.time()) == [Secret("A", HUSH)]
    later = time.time() + 3600
    assert await mine.opened("ana", ["A"], later) == []
    store = VolumeStore(DataDirectory(tmp_path))
    [shared, asked_for] = (store.create(name, "eve", 1.0) for name in ("lent", "asked-for"))
    for who in ("ana", "bob"):
        store.change(shared.id, lambda v, who=who: with_member(v, who, Access.RW, time.time()))
    store.create("of-before", "bob", time.time())
    # an administrator may name somebody who has not come yet
    store.change(asked_for.id, lambda v: undated(v, {"ana": Access.RO}))
    heirs = Heirs(records, store, hub, Person("", "ours"))
    since = time.time()
    assert await heirs.came(Person("ana", "", since=since)) == since
    assert await have("ana") == [1, 1, 1] and "ana" in store.get(shared.id).users
    await heirs.came(Person("ana", "", since=later))
    assert store.get(shared.id).users == {"bob": Access.RW}
    assert store.get(shared.id).added.keys() == {"bob"}
    assert store.get(asked_for.id).users == {"ana": Access.RO}
    narrow = [await heirs.came(Person("bob", "narrow")) for _ in range(2)]
    assert narrow[0] == narrow[1] > since - 600, "also where a token does not tell"
    assert await have("ana") == [0, 0, 0] and await have("bob") == [1, 1, 1]
    with caplog.at_level("WARNING"):
        await heirs.came(Person("bob", "of another bob"))
    assert await have("bob") == [0, 0, 0] and not store.get(shared.id).users
    assert "3 secrets" in caplog.text and "access to lent;" in caplog.text
    assert "that it owns (of-before)" in caplog.text


async def test_whose_home_it_is_is_asked_until_it_is_known(
    records: Records, tmp_path: Path
) -> None:
    """Of two whose names have the same hash, it is theirs who launched something first."""
    ana, other = "ana.__~.#x", "ana_ +@__x"
    layout = DataDirectory(tmp_path)
    layout.home(ana).mkdir(parents=True)

    class Hub:
        async def member(self, person: Person) -> Member:
            return Member((), 5.0)

    hub: Any = Hub()
    heirs = Heirs(records, VolumeStore(layout), hub, Person("", "ours"))
    for number, name in enumerate((ana, other)):
        row = LaunchRow(id=name, user=name, server="s", started=now() + timedelta(number))
        await records.launch_started(row)
    await heirs.write_owners()
    for since in (5.0, 0.0):  # by a token that tells since when they are known, and by another
        assert await heirs.came(Person(ana, "a", since=since)) == 5.0
        for _ in range(2):
            with pytest.raises(Conflict, match="another person's"):
                await heirs.came(Person(other, "b", since=since))


# ---- with a Hub


@pytest.fixture
async def sam(realhub: RealHub):
    async with realhub.browser(SAM) as browser:
        await browser.get(PREFIX)
        yield browser


def link_of(repos, query: str) -> str:
    return f"v2/git/{quote(f'{repos.url}/me/mine', safe='')}/main?{query}"


def boxes(page: str) -> dict[str, str]:
    """The tick boxes for secrets of a page, each with its attributes."""
    found = re.findall(r"<input[^>]*?name=\"secrets\"[^>]*>", page)
    return {re.search(r'value="(\w+)"', box)[1]: box for box in found}  # type: ignore[index]


async def launched(browser: Browser, reply: Reply) -> dict[str, Any]:
    events = await browser.told(reply.launch)
    assert events[-1]["phase"] == "ready", events[-1]
    told = " ".join(event["message"] for event in events)
    return {"told": told, **await browser.view(reply.launch)}


async def given(browser: Browser, server: str) -> list[str]:
    servers = (await browser.api("GET", "api/servers")).json()["servers"]
    return next(one["secrets"] for one in servers if one["name"] == server)


async def said_to_the_others(realhub: RealHub, sam: Browser, link: str) -> None:
    """Before a server is given more: who may enter it already, whether it runs or not."""
    async with realhub.browser("kim-with-secrets"):
        pass
    form = await sam.form("servers/given/shares", user="kim-with-secrets")
    made = await sam.api("POST", "api/servers/given/invitations", json={"time": "hour"})
    assert (form.status, made.status) == (303, 201)
    more = [("link", link), ("secrets", "API_KEY"), ("secrets", "OTHER")]
    for answer in ("", "fresh"):
        reply = await post(sam, "launch", [*more, ("on_change", answer)])
        last = (await sam.told(reply.launch))[-1]
        assert (last["code"], last["detail"].splitlines()[:2]) == (
            "server-differs",
            [
                "kim-with-secrets may enter it already, and would read OTHER.",
                "Who has an invitation into it may enter, and would read OTHER.",
            ],
        )
        await sam.api("POST", "api/servers/given/stop")
    assert await given(sam, "given") == ["API_KEY"]


async def post(browser: Browser, path: str, fields: list[tuple[str, str]]) -> Reply:
    data = [("_xsrf", browser.xsrf()), *fields]
    return await browser.send("POST", PREFIX + path, data=data)


async def asked(realhub: RealHub, ticket: str, user: str, server: str, secret: str) -> Reply:
    """What the service answers to whoever says that they are the Hub."""
    _, sent = Handover(secret).ask(user, server, ticket, 0.0)
    async with realhub.browser() as hub:
        return await hub.send("POST", f"{PREFIX}api/handover", json={"question": sent})


async def test_only_what_is_ticked_is_given(realhub: RealHub, repos, sam: Browser) -> None:
    for name in ("API_KEY", "OTHER"):
        stored = await sam.form("settings/secrets", name=name, value=HUSH)
        assert stored.status == 303, stored.text
    settings = (await sam.get(f"{PREFIX}settings")).text
    assert "API_KEY" in settings and HUSH not in settings
    link = link_of(repos, "server=given&secrets=API_KEY&secrets=OTHER&secrets=NOT_MINE")

    # a link ticks nothing: on the page that asks, nor in the form that it fills in
    page = (await sam.get(PREFIX + link)).text
    assert set(boxes(page)) == {"API_KEY", "OTHER", "NOT_MINE"}
    assert not any("checked" in box for box in boxes(page).values())
    assert "disabled" in boxes(page)["NOT_MINE"]
    assert "can read what you tick, keep it and send it away" in page
    for address in (f"?link={quote(link)}", f"?repo=x&secrets=API_KEY&{link.partition('?')[2]}"):
        form = (await sam.get(PREFIX + address)).text
        assert set(boxes(form)) >= {"API_KEY", "OTHER"}
        assert not any("checked" in box for box in boxes(form).values())

    # what a link names is not said by its person
    told = await launched(sam, await post(sam, "launch", [("link", link)]))
    assert "Its link asks for secrets of yours, API_KEY, OTHER, NOT_MINE" in told["told"]
    assert await given(sam, "given") == []
    said = [("link", link), ("secrets", "API_KEY"), ("on_change", "restart"), ("trust", "yes")]
    launch = await launched(sam, await post(sam, "launch", said))
    assert await given(sam, "given") == ["API_KEY"]

    # trust in the repository covers none: the page asks each time
    assert 'data-trusted=""' in (await sam.get(PREFIX + link)).text
    # the server's own button gives what its launch gave
    again = launch["again"]
    assert again["secrets"] == ["API_KEY"]
    fields = [(name, one) for name, value in again.items() if name != "secrets" for one in [value]]
    fields += [("secrets", "API_KEY"), ("on_change", "fresh")]
    await launched(sam, await post(sam, "launch", fields))
    assert await given(sam, "given") == ["API_KEY"]
    assert "has your secrets API_KEY" in (await sam.get(PREFIX)).text
    await said_to_the_others(realhub, sam, link)

    refused = await post(
        sam, "launch", [("link", link), ("secrets", "OTHER"), ("secrets", "NOT_MINE")]
    )
    assert refused.status == 404 and "You have no secret called NOT_MINE" in refused.text
    # what was ticked is again, and nothing else that the link names
    ticked = [name for name, box in boxes(refused.text).items() if "checked" in box]
    assert ticked == ["OTHER"]
    refused = await post(sam, "launch", [("link", link), ("server", "Bad Name")])
    assert refused.status == 400 and "API_KEY" in boxes(refused.text)
    assert not any("checked" in box for box in boxes(refused.text).values())


async def test_what_is_not_for_everybody(realhub: RealHub, repos, sam: Browser) -> None:
    await sam.form("settings/secrets", name="API_KEY", value=HUSH)
    link = link_of(repos, "secrets=API_KEY")
    body = {"link": link, "title": "Ours", "text": "x", "tags": ""}
    refused = await sam.api("POST", "api/catalogue", json=body)
    assert refused.status == 400 and "leave it out" in refused.json()["message"]
    shown = await sam.form("classes", link=link, secrets="API_KEY", action="show")
    assert shown.status == 303 and "secrets" not in shown.headers["Location"]
    # a program says it besides the link, as a person does
    body = {"link": link, "server": "by-program"}
    made = (await sam.api("POST", "api/launches", json=body)).json()
    events = await sam.events(made["events"])
    assert await given(sam, "by-program") == [], events
    shared = await sam.api("GET", f"api/share?{link.partition('?')[2]}&repo={repos.url}/me/mine")
    assert "secrets=API_KEY" in shared.json()["url"]
    assert "secrets" not in shared.json()["publish"]


async def test_the_hub_alone_is_told(realhub: RealHub, sam: Browser) -> None:
    await sam.form("settings/secrets", name="API_KEY", value=HUSH)
    await sam.form("settings/secrets", name="KEY_FILE", value=f"{HUSH}\r\n{HUSH}", **{"as": "file"})
    secret = (realhub.root / "data" / "secrets" / "ticket").read_text().strip()
    launch = Launch(SAM, "one", None, "", "image", secrets=("KEY_FILE", "API_KEY", "TOKEN"))
    ticket = sign_ticket(launch, secret)
    handover = Handover(secret)
    question, sent = handover.ask(SAM, "one", ticket, 0.0)
    async with realhub.browser() as hub:
        answer = await hub.send("POST", f"{PREFIX}api/handover", json={"question": sent})
    assert HUSH not in answer.text
    assert handover.read_answer(question, answer.json()["answer"]) == (
        Secret("API_KEY", HUSH),
        Secret("KEY_FILE", f"{HUSH}\n{HUSH}", True),
    )
    # not to whoever does not know the secret, nor for another server, person or ticket
    other = sign_ticket(launch, "another")
    for asks in (
        asked(realhub, ticket, SAM, "one", "another"),
        asked(realhub, ticket, SAM, "two", secret),
        asked(realhub, ticket, "bo", "one", secret),
        asked(realhub, other, SAM, "one", secret),
    ):
        refused = await asks
        assert (refused.status, refused.json()["code"]) == (403, "bad-ticket")
    for body in ({}, {"question": None}, {"question": [1]}):
        refused = await sam.api("POST", "api/handover", json=body)
        assert refused.status == 403
    # nothing of ours has it in clear
    data = [path for path in (realhub.root / "data").rglob("*") if path.is_file()]
    for path in (realhub.log, *data):
        assert HUSH.encode() not in path.read_bytes(), path


async def test_a_new_person_of_an_old_name(realhub: RealHub) -> None:
    """The Hub says since when somebody is known, to pages as at starts."""
    user, database = "heir-with-secrets", sqlite_url(realhub.root / "data" / "binder.sqlite")
    seal = Seal(ensure_secret(realhub.root / "data" / "secrets" / "credentials"))
    records = Records(database, engine="local")
    try:
        sealed = seal.close({"person": user, "secret": "OLD_KEY"}, {"value": HUSH})
        since = now() - timedelta(hours=1)
        fields = {"name": "OLD_KEY", "file": False, "sealed": sealed, "since": since}
        await SecretRecords(records).keep(SecretRow(id="old", user=user, **fields), 5)
        async with realhub.browser(user) as heir:
            assert "OLD_KEY" not in (await heir.get(f"{PREFIX}settings")).text
            await heir.form("settings/secrets", name="NEW_KEY", value=HUSH)
            assert "NEW_KEY" in (await heir.get(f"{PREFIX}settings")).text
        assert [row.name for row in await SecretRecords(records).of_user(user)] == ["NEW_KEY"]
    finally:
        records.close()


async def test_nobody_stores_or_removes_for_somebody_else(realhub: RealHub, sam: Browser) -> None:
    await sam.form("settings/secrets", name="MINE", value=HUSH)
    page = (await sam.get(f"{PREFIX}settings")).text
    removes = re.findall(r"settings/secrets/(\w+)/remove", page)
    async with realhub.browser("bo-without-secrets") as bo:
        assert "MINE" not in (await bo.get(f"{PREFIX}settings")).text
        for id in removes:
            await bo.form(f"settings/secrets/{id}/remove")
    forged = await sam.send(
        "POST", f"{PREFIX}settings/secrets", data={"name": "FORGED", "value": "x"}
    )
    assert forged.status == 303
    page = html.unescape((await sam.get(f"{PREFIX}settings")).text)
    assert "MINE" in page and "FORGED" not in page
    refused = await sam.form("settings/secrets", name="LD_PRELOAD", value=HUSH)
    assert refused.status == 400 and HUSH not in refused.text
    for id in removes:
        await sam.form(f"settings/secrets/{id}/remove")
    assert "MINE" not in (await sam.get(f"{PREFIX}settings")).text
