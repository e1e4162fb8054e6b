"""Whose language it is, what every catalogue has, and that a wrong translation breaks nothing."""

from __future__ import annotations

import importlib.util
import logging
import re
import string
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from babel.messages.catalog import Catalog
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader
from jupyterhub._data import DATA_FILES_PATH

import binderhub_ext
from binderhub_ext.core.sentences import Sentence, listing
from binderhub_ext.languages import catalogue
from binderhub_ext.languages.catalogue import flaw, installed, is_translated, made_of, read
from binderhub_ext.languages.choice import Offer, accepted, everything, without_language
from binderhub_ext.languages.language import ENGLISH, Language, find, speaking
from binderhub_ext.languages.templates import Speech
from binderhub_ext.service.appearance import Appearance

ROOT = Path(binderhub_ext.__file__).parents[1]

_spec = importlib.util.spec_from_file_location("texts", ROOT / "scripts" / "texts.py")
assert _spec and _spec.loader
texts = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(texts)

OFFER = Offer(("en", "de", "fr"), "en")


# ---- catalogues


@pytest.fixture(scope="module")
def template() -> Catalog:
    return texts.everything()


@pytest.mark.parametrize("tag", installed())
def test_a_catalogue_has_every_text_and_no_other(tag: str, template: Catalog) -> None:
    there = read(catalogue.FOLDER / f"{tag}.po")
    wanted = {message.id for message in template if message.id}
    translated = {message.id for message in there if is_translated(message)}
    assert translated == wanted, "run scripts/messages and translate what is new"


def test_no_text_of_a_template_is_left_to_english() -> None:
    """A text within an expression begins with a capital letter, and `_` stands before it."""
    bare = {
        f"{path.name}: {text}"
        for path in (ROOT / "templates").glob("*.html")
        for expression in re.findall(r"{[{%](.*?)[}%]}", path.read_text(), re.DOTALL)
        for text in re.findall(r'(?<!_\()"([A-Z][a-z]+[^"]*)"', expression)
    }
    assert bare == set()


@pytest.mark.parametrize("tag", installed())
def test_a_translation_has_the_places_and_tags_of_its_text(tag: str) -> None:
    there = read(catalogue.FOLDER / f"{tag}.po")
    assert not {message.id: wrong for message in there if message.id and (wrong := flaw(message))}


@pytest.mark.parametrize("tag", [*installed(), "xx"])
def test_every_text_can_be_said(
    tag: str, template: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    language = find(tag)
    for message in template:
        if isinstance(message.id, str) and "{" in message.id:
            places = {name for _, name, _, _ in string.Formatter().parse(message.id) if name}
            assert language.say(Sentence(message.id, **dict.fromkeys(places, 2.5)))
    assert not caplog.records


# ---- whose language


@pytest.mark.parametrize(
    ("wanted", "header", "spoken"),
    [
        (("", ""), "", "en"),
        (("fr", "de"), "en", "fr"),
        (("", "de"), "fr", "de"),
        (("", ""), "de-AT,de;q=0.9,en;q=0.5", "de"),
        (("", ""), "en;q=0.5, fr;q=0.7", "fr"),
        (("", ""), "pl, *;q=0.1", "en"),
        (("xx", "../../de"), "fr", "fr"),
        (("DE", ""), "", "de"),
        (("de_CH", ""), "", "de"),
        (("", ""), "de;q=0, fr;q=nonsense, en;q=0.1", "en"),
    ],
)
def test_the_first_that_is_on_offer_is_spoken(
    wanted: tuple[str, ...], header: str, spoken: str
) -> None:
    assert OFFER.choose(*wanted, header=header).tag == spoken


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=200))
def test_whatever_is_sent_there_is_a_language(asked: str, cookie: str, header: str) -> None:
    assert OFFER.choose(asked, cookie, header=header).tag in OFFER.tags
    assert all(isinstance(tag, str) for tag in accepted(header))


@pytest.mark.parametrize(
    ("address", "rest"),
    [
        ("/a?lang=de", "/a"),
        ("/a?b=1&lang=de&c=2", "/a?b=1&c=2"),
        ("/a?language=de", "/a?language=de"),
        ("/a", "/a"),
    ],
)
def test_the_address_of_a_page_asks_for_no_language(address: str, rest: str) -> None:
    assert without_language(address) == rest


def test_a_hub_offers_what_is_installed_and_nothing_unknown() -> None:
    assert Appearance().offer() == Offer(everything(), "en")
    assert Appearance(languages=["de"], language="de").offer() == Offer(("de",), "de")
    with pytest.raises(Exception, match="no catalogue of the language tlh"):
        Appearance(language="tlh")


# ---- saying it


def test_sentences_within_sentences_are_said() -> None:
    full = Sentence(
        "Your files take {size} of {limit}.", size=Sentence("{size:.1f} GiB", size=1.25), limit="2"
    )
    outer = Sentence("{use} Make room before it is full.", use=full)
    german = "Ihre Dateien belegen 1,2 GiB von 2. Schaffen Sie Platz, bevor alles voll ist."
    assert find("de").say(outer) == german
    assert ENGLISH.say(outer) == outer
    assert find("de").said({"a": [outer], "n": 1}) == {"a": [german], "n": 1}


@pytest.mark.parametrize(
    ("tag", "count", "said"),
    [("de", 1, "1 Datei"), ("de", 0, "0 Dateien"), ("fr", 0, "0 fichier"), ("fr", 2, "2 fichiers")],
)
def test_numbers_take_the_form_of_the_language(tag: str, count: int, said: str) -> None:
    sentence = Sentence.counted("{count} file", "{count} files", count=count)
    assert find(tag).say(sentence) == said


def test_what_others_said_stays_as_it_is() -> None:
    line = Sentence.verbatim("fatal: {oops} 100%")
    assert find("de").say(line) == line
    both = listing([line, Sentence("none")])
    assert find("de").say(both) == f"{line}, keine"


def test_numbers_and_moments_are_written_as_in_the_language() -> None:
    german, french = find("de"), find("fr")
    assert german.number(1234567.5) == "1.234.567,5" and ENGLISH.number(1234.5, 1) == "1,234.5"
    assert german.moment("2026-03-02T13:05:00") == "02.03.26, 13:05 UTC"
    assert french.moment("2026-03-02T14:05:00+01:00").startswith("02/03/2026")
    assert german.moment("nonsense") == "nonsense"


# ---- the Hub's own pages


@pytest.fixture(scope="module")
def hub_templates() -> Environment:
    """The Hub's templates and ours in their place, as a Hub finds them."""
    theirs = FileSystemLoader(Path(DATA_FILES_PATH) / "templates")
    ours = FileSystemLoader(ROOT / "templates/hub")
    loader = ChoiceLoader([PrefixLoader({"templates": theirs}), ours, theirs])
    return Environment(autoescape=True, extensions=[Speech], loader=loader)


def shown(templates: Environment, name: str, **given: object) -> str:
    user = SimpleNamespace(name="ada", json_escaped_name="ada", spawner=SimpleNamespace())
    around = {"static_url": lambda path, **_: path, "prefix": "/", "base_url": "/hub/"}
    with speaking(find("de")):
        return templates.get_template(name).render(**{"user": user, **around, **given})


def test_a_sign_in_that_fails_is_told(hub_templates: Environment) -> None:
    """`login_error` is the Hub's own, or whatever an authenticator says."""
    form = {"login_url": "/hub/login", "login_term_url": "/terms", "authenticator": None}
    page = shown(hub_templates, "login.html", **form, login_error="Invalid username or password")
    for words in (
        "Benutzername oder Passwort stimmen nicht.",
        "unverschlüsselt",
        'Mit der Anmeldung stimmen Sie den <a href="/terms">Nutzungsbedingungen</a> zu.',
        '"Passwort verbergen"',
    ):
        assert words in page, words
    told = shown(hub_templates, "login.html", **form, login_error="100% <wrong>")
    assert "100% &lt;wrong&gt;" in told
    elsewhere = shown(hub_templates, "login.html", **form, login_service="GitHub")
    assert "Anmelden mit GitHub" in elsewhere


@pytest.mark.parametrize(
    ("most", "words"),
    [
        (None, ["1 Jahr", "Läuft nicht ab"]),
        (86400, ["1 Stunde", "1 Tag"]),
        (7200, ["1 Stunde", "2 Stunden, länger geht es hier nicht"]),
        (864000, ["1 Woche", "10 Tage, länger geht es hier nicht"]),
    ],
)
def test_how_long_a_token_can_last(
    hub_templates: Environment, most: int | None, words: list[str]
) -> None:
    page = shown(hub_templates, "token.html", token_expires_in_max_seconds=most)
    options = re.findall(r"<option value=\"\d*\" ?(selected)?>([^<]*)<", page)
    assert [text for _, text in options[-2:]] == words
    assert [text for chosen, text in options if chosen] == words[-1:]


def test_a_list_of_plain_servers(hub_templates: Environment) -> None:
    when = datetime(2026, 3, 2, 13, 5)
    one = SimpleNamespace(
        name="x", display_name="", ready=True, active=True, pending="", last_activity=when
    )
    user = SimpleNamespace(
        name="ada",
        json_escaped_name="ada",
        spawner=SimpleNamespace(allow_plain_starts=True, options_form=""),
        all_spawners=lambda include_default: [one],
        server_url=lambda name: f"/user/ada/{name}/",
    )
    given = {"default_server": SimpleNamespace(allow_plain_starts=True, active=False)}
    page = shown(hub_templates, "home.html", user=user, allow_named_servers=True, **given)
    assert "<h1>Ihre Server</h1>" in page and "02.03.26, 13:05 UTC" in page
    assert "Zur Hauptseite" not in page and 'data-server-name="x"' in page
    stopped = shown(hub_templates, "not_running.html", user=user, server_name="x", spawn_url="/s")
    assert "x wurde beendet" in stopped and 'href="/s">Starten x</a>' in stopped
    asked = shown(hub_templates, "spawn.html", user=user, spawner_options_form="")
    assert "<h1>Einen Server starten</h1>" in asked and ">Starten</button>" in asked


# ---- wrong translations


def _language(**translations: str | tuple[str, str]) -> Language:
    catalog = Catalog(locale="de")
    for number, (english, german) in enumerate(_TEXTS.items()):
        said = translations.get(f"t{number}", german)
        id = ("{count} file", "{count} files") if isinstance(german, tuple) else english
        catalog.add(id, said, locations=[("templates/home.html", 0)])
    return Language("de", find("de").locale, made_of(catalog, "de"))


_TEXTS: dict[str, str | tuple[str, str]] = {
    "{a} and {b:.1f}": "{b:.1f} und {a}",
    "For %(title)s <b>now</b>": "Für %(title)s <b>jetzt</b>",
    "files": ("{count} Datei", "{count} Dateien"),
}


@pytest.mark.parametrize(
    "wrong", ["{a} und {c}", "{a}", "{a.__class__} und {b:.1f}", "{a} und {b:.1f} {"]
)
def test_a_wrong_place_is_said_in_english_and_the_log_tells(
    wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    sentence = Sentence("{a} and {b:.1f}", a="x", b=1.25)
    assert _language().say(sentence) == "1,2 und x"
    with caplog.at_level(logging.WARNING):
        assert _language(t0=wrong).say(sentence) in ("x and 1,2", str(sentence))
    assert "{a} and {b:.1f}" in caplog.text


@pytest.mark.parametrize(
    "wrong",
    [
        "Für %(name)s <b>jetzt</b>",
        "Für %(title)s <b>jetzt",
        "100 % %(title)s <b>jetzt</b>",
        '"%(title)s" <b>jetzt</b>',
    ],
)
def test_a_wrong_text_of_a_template_is_left_out(
    wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    english = "For %(title)s <b>now</b>"
    assert _language().text(english) == "Für %(title)s <b>jetzt</b>"
    with caplog.at_level(logging.WARNING):
        assert _language(t1=wrong).text(english) == english
    assert "For %(title)s" in caplog.text


def test_no_language_but_english_needs_words_for_scripts() -> None:
    assert ENGLISH.script_words() == {}
    words = find("de").script_words()
    assert words["{count} line"] == {"one": "{count} Zeile", "other": "{count} Zeilen"}
    assert words["Cancel"] == "Abbrechen"
