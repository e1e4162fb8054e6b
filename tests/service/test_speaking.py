"""A real hub speaks the language of each who reads: pages, refusals, streams, the Hub's own."""

from __future__ import annotations

import asyncio
import re
from html.parser import HTMLParser
from urllib.parse import quote

from realhub import PREFIX, Browser, RealHub

from binderhub_ext.core.launch import read_ticket

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}
FRENCH = {"Accept-Language": "fr"}


async def test_a_page_is_in_the_language_that_the_browser_asks_for(realhub: RealHub) -> None:
    async with realhub.browser("greta") as browser:
        page = await browser.get(PREFIX, headers=GERMAN)
        assert '<html lang="de" dir="ltr">' in page.text
        assert "Ein Repository öffnen" in page.text and "Open a repository" not in page.text
        assert page.headers["Content-Language"] == "de"
        assert '"Cancel": "Abbrechen"' in page.text
        english = await browser.get(PREFIX)
        assert "Open a repository" in english.text and "binder-words" not in english.text


async def test_a_choice_is_remembered_and_comes_back_to_the_page(realhub: RealHub) -> None:
    async with realhub.browser("who-speaks") as browser:
        page = await browser.get(f"{PREFIX}settings?lang=fr")
        assert "<h1>Paramètres</h1>" in page.text
        assert f"lang=de&amp;next={PREFIX}settings" in page.text
        back = await browser.send("GET", f"{PREFIX}language?lang=de&next={PREFIX}settings%3Fa%3D1")
        assert (back.status, back.headers["Location"]) == (303, f"{PREFIX}settings?a=1")
        assert "<h1>Einstellungen</h1>" in (await browser.get(f"{PREFIX}settings")).text
        token = await browser.get("/hub/token")
        assert '<html lang="de"' in token.text and "kann ein Programm von Ihnen" in token.text
        for elsewhere in ("https://example.org/", "//example.org", "/\\example.org", "/a b"):
            away = await browser.send(
                "GET", f"{PREFIX}language", params={"lang": "fr", "next": elsewhere}
            )
            assert away.headers["Location"] == PREFIX


async def test_a_choice_is_known_in_another_browser(realhub: RealHub) -> None:
    user, chosen = "who-travels", f"{PREFIX}language?lang="
    async with realhub.browser(user) as one, realhub.browser(user) as two:
        await one.get(PREFIX)
        ours = {"Referer": one.url(PREFIX)}
        await one.get(f"{chosen}de", headers=ours)
        # no page of another site chooses, also where a browser does not say where it comes from
        theirs = {"Referer": "https://example.org/"}
        for said in ({}, theirs, {"Sec-Fetch-Site": "cross-site"}):
            await one.send("GET", f"{chosen}fr", headers=said)
        await one.get(f"{PREFIX}settings?lang=fr")
        page = await two.get(f"{PREFIX}settings", headers=FRENCH)
        assert "<h1>Einstellungen</h1>" in page.text
        assert '<html lang="de"' in (await two.get("/hub/token", headers=FRENCH)).text
        # what is chosen in a browser counts there
        await two.get(f"{PREFIX}settings?lang=en")
        assert "<h1>Settings</h1>" in (await two.get(f"{PREFIX}settings", headers=FRENCH)).text


async def test_the_sign_in_speaks_too_and_offers_the_languages(realhub: RealHub) -> None:
    async with realhub.browser() as browser:
        page = await browser.get("/hub/login?next=/hub/home", headers=GERMAN)
        assert '<html lang="de"' in page.text
        assert "Benutzername:" in page.text and ">Anmelden</h1>" in page.text
        assert (
            f'href="{PREFIX}language?lang=fr&amp;next=/hub/login%3Fnext%3D/hub/home"' in page.text
        )
        chosen = await browser.send("GET", f"{PREFIX}language?lang=fr&next=/hub/login")
        assert chosen.headers["Location"] == "/hub/login"
        assert "Nom d&#39;utilisateur" in (await browser.get("/hub/login")).text


async def test_refusals_are_said_in_the_language_and_have_the_same_code(realhub: RealHub) -> None:
    async with realhub.browser("greta") as browser:
        await browser.get(PREFIX)
        refused = (await browser.api("GET", "api/launches/nothing", headers=GERMAN)).json()
        assert refused["code"] == "not-found"
        assert refused["message"].startswith("Einen solchen Start gibt es nicht.")
        missing = await browser.get(f"{PREFIX}nowhere", headers=FRENCH)
        assert "Il n&#39;y a rien ici" in missing.text
        said = (await browser.api("GET", "api/parse", params={"text": "a b", "lang": "de"})).json()
        assert said["message"].startswith("Der Text enthält keinen Link")
        named = (await browser.api("GET", "api/parse?text=ftp://a.b/c", headers=GERMAN)).json()
        assert "können nicht abgerufen werden" in named["message"]
        assert named["text"].startswith("Addresses that begin with {scheme}")


async def test_a_language_that_is_none_is_no_error(realhub: RealHub) -> None:
    async with realhub.browser("greta") as browser:
        await browser.get(PREFIX)
        for path in (
            f"{PREFIX}settings?lang=%ff%00",
            f"{PREFIX}nowhere?lang=%ff",
            "/hub/token?lang=%ff",
        ):
            page = await browser.get(path, headers={"Accept-Language": "\xff;q=,,;"})
            assert page.status in (200, 404) and '<html lang="en"' in page.text


async def test_programs_are_answered_in_english_unless_they_ask(realhub: RealHub) -> None:
    async with realhub.browser() as browser:
        by_token = {"Authorization": f"token {await realhub.token('greta')}"}
        chosen = {**by_token, "Cookie": "binder-language=de"}
        for headers, language in ((chosen, "en"), ({**by_token, **FRENCH}, "fr")):
            reply = await browser.send("GET", f"{PREFIX}api/launches/none", headers=headers)
            assert reply.headers["Content-Language"] == language


async def test_one_launch_is_told_in_two_languages_at_once(realhub: RealHub, repos) -> None:
    async with realhub.browser("greta") as one, realhub.browser("greta") as other:
        await one.get(PREFIX)
        await other.get(PREFIX)
        form = {"_xsrf": one.xsrf(), "repo": f"{repos.url}/me/mine"}
        launch = (await one.send("POST", f"{PREFIX}launch", data=form, headers=GERMAN)).launch
        german, english = await asyncio.gather(one.told(launch, headers=GERMAN), other.told(launch))
        assert [event["phase"] for event in german] == [event["phase"] for event in english]
        assert german[-1]["phase"] == "ready"
        told = {event["message"] for event in german} - {event["message"] for event in english}
        assert "Ihr Server wird gestartet.\n" in told
        assert any("wird gesucht" in message for message in told)
        lines = [event for event in german if event.get("log")]
        assert lines == [event for event in english if event.get("log")]
        # and the server is told whose language it is
        servers = (await one.send("GET", "/hub/api/users/greta")).json()["servers"]
        ((name, server),) = servers.items()
        secret = (realhub.root / "data/secrets/ticket").read_text().strip()
        ticket = read_ticket(server["user_options"]["ticket"], secret, user="greta", server=name)
        assert ticket.language == "de"


PAGES = ("", "files", "volumes", "usage", "settings", "catalogue", "catalogue/publish")
ADMINS = ("builds", "environments", "servers", "people", "usage", "catalogue", "health")
NAMES = {
    "Python, in memory",
    "“First commit”, Ada Example,",
    "Dockerfile: this engine has none. Another engine can build it.",
}
"""What others call things, and what the engine of these tests says."""
ACCENTS = re.compile("[äçéîñöüýÄÇÉÎÑÖÜÝ]")


class Texts(HTMLParser):
    """The texts of a page, without what is of programs and in what language it may be."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._apart: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "pre", "code", "template"):
            self._apart.append(tag)
        named = ("title", "aria-label", "placeholder", "alt")
        self.found |= {value for name, value in attrs if name in named and value}

    def handle_endtag(self, tag: str) -> None:
        if self._apart and self._apart[-1] == tag:
            self._apart.pop()

    def handle_data(self, data: str) -> None:
        if not self._apart:
            self.found.add(" ".join(data.split()))


def unsaid(page: str) -> set[str]:
    """Texts of several words without the accents that every translation into `xx` has."""
    return {
        text
        for text in Texts(page).found - NAMES
        if len(re.findall(r"\b[A-Za-z]{2,}\b", re.sub(r"\S+://\S+", "", text))) > 2
        and " " in text
        and not ACCENTS.search(text)
    }


async def test_all_of_a_page_is_said(realhub: RealHub, repos) -> None:
    """Of every page of somebody who has launched, also what failed and is kept in the records."""
    user, link = "walt-who-walks", f"v2/git/{quote(f'{repos.url}/me/mine', safe='')}/main"

    async def launched(browser: Browser, **fields: str) -> str:
        launch = await browser.launch(repo=f"{repos.url}/me/mine", **fields)
        await browser.told(launch)
        return f"{PREFIX}launches/{launch}"

    left: dict[str, set[str]] = {}

    async def look(browser: Browser, path: str) -> None:
        page = await browser.get(path, headers={"Accept-Language": "xx"})
        assert page.status == 200 and '<html lang="xx"' in page.text, path
        if texts := unsaid(page.text):
            left[path] = texts

    async with (
        realhub.browser(user) as browser,
        realhub.browser("ada-of-admin") as ada,
        realhub.browser() as stranger,
    ):
        await look(stranger, "/hub/login")
        await browser.get(PREFIX)
        await ada.get(PREFIX)
        good, bad = await launched(browser), await launched(browser, ref="no-such", server="bad")
        for path in (*PAGES, link, f"{link}?size=large&files=home", f"{link}?mem=99G&idle=2h"):
            await look(browser, PREFIX + path)
        for path in (good, bad):
            await look(browser, path)
        for path in ("/hub/token", "/hub/home"):
            await look(browser, path)
        for section in ADMINS:
            await look(ada, f"{PREFIX}admin/{section}")
        await look(ada, "/hub/admin")
    assert not left, left


async def test_the_hubs_own_pages_have_our_bar(realhub: RealHub) -> None:
    """JupyterHub's program of people and groups too, which is marked as the English that it is."""
    bars = set()
    async with realhub.browser("ada-of-admin") as ada:
        for path, here in (
            (f"{PREFIX}settings", "Einstellungen"),
            ("/hub/token", "API-Tokens"),
            (f"{PREFIX}admin", "Verwaltung"),
            ("/hub/admin", "Verwaltung"),
        ):
            page = (await ada.get(path, headers=GERMAN)).text
            links = re.findall(r'class="nav-link[^>]+href="([^"]+)">([^<]+)</a>', page)
            assert re.findall(r'aria-current="page" href="[^"]+">([^<]+)<', page) == [here], path
            bars.add(tuple(links))
        assert len(bars) == 1, bars
        assert re.search(r'<div lang="en">\s*<div id="react-admin-hook">', page)
