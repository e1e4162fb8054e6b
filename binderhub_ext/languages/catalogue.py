"""The catalogue of a language: `<tag>.po` beside this module, read when it is first spoken.

A translation that would not work is left out, so that English is shown in its place, and the log
says which.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from tornado.log import app_log

FOLDER = Path(__file__).parent
SCRIPTS, TEMPLATES = "static/js/", "templates/"
"""What the places of texts begin with that only scripts, or templates, say."""

_PLACE = re.compile(r"\{[^{}]*\}|%\(\w+\)s")
_TAG = re.compile(r"</?[a-zA-Z][^>]*>")
_PERCENT = re.compile(r"%\(\w+\)s|%%")
_MARKUP = frozenset('"<>')
_NUMBERS = frozenset({"{count}", "%(count)s", "%(num)s"})
"""What the form for one may leave out."""


@dataclass(frozen=True)
class Catalogue:
    """Texts of one language.

    Attributes:
        forms: each form of an English text about a number, to both of its forms.
        scripts: the English texts that scripts say.
    """

    _translations: NullTranslations = field(default_factory=NullTranslations)
    forms: Mapping[str, tuple[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    scripts: tuple[str, ...] = ()

    def text(self, english: str) -> str:
        """The translation, or the text itself."""
        return self._translations.gettext(english) if english else english

    def counted(self, one: str, many: str, count: int) -> str:
        """The form for a number."""
        return self._translations.ngettext(one, many, count)


def installed() -> tuple[str, ...]:
    """Tags of the languages that have a catalogue."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.po")))


@cache
def catalogue_of(tag: str) -> Catalogue:
    """The catalogue of an installed language."""
    return made_of(read(FOLDER / f"{tag}.po"), tag)


def read(path: Path) -> Catalog:
    """A `.po` file as it is."""
    with path.open("rb") as file:
        return read_po(file, locale=path.stem.replace("-", "_"))


def made_of(catalog: Catalog, tag: str) -> Catalogue:
    """What can be said of a catalogue's translations.

    Args:
        tag: of its language, for the log.
    """
    good = Catalog(locale=catalog.locale, header_comment="")
    # the plural rule is the file's own
    good.mime_headers = catalog.mime_headers
    for message in filter(is_translated, catalog):
        if wrong := flaw(message):
            app_log.warning("Language %s: the translation of %r %s.", tag, message.id, wrong)
        else:
            good[message.id] = message
    compiled = BytesIO()
    write_mo(compiled, good)
    compiled.seek(0)
    translated = [message for message in good if message.id]
    return Catalogue(
        GNUTranslations(compiled),
        {form: _pair(each) for each in translated if each.pluralizable for form in _pair(each)},
        tuple(english(each) for each in translated if _is_of(each, SCRIPTS)),
    )


def english(message: Message) -> str:
    """A message's English text; of one about a number, the form for one."""
    return message.id if isinstance(message.id, str) else message.id[0]


def forms(message: Message) -> tuple[str, ...]:
    """A message's translation: one text, or one for each form; empty ones if it has none."""
    if isinstance(message.string, str):
        return (message.string,)
    return tuple(message.string or ("",))


def _pair(message: Message) -> tuple[str, str]:
    return message.id[0], message.id[1]


def _is_of(message: Message, folder: str) -> bool:
    return any(place.startswith(folder) for place, _ in message.locations)


def is_translated(message: Message) -> bool:
    """Whether somebody has translated a text, and nobody doubts it."""
    return bool(message.id) and not message.fuzzy and all(forms(message))


def flaw(message: Message) -> str:
    """What is wrong with a translation, after “the translation”; empty if nothing is."""
    return next(_flaws(message), "")


def _flaws(message: Message) -> Iterator[str]:
    many = message.id if isinstance(message.id, str) else message.id[1]
    for string in forms(message):
        places, wanted = set(_PLACE.findall(string)), set(_PLACE.findall(many))
        if places - wanted or wanted - places - (_NUMBERS if message.pluralizable else set()):
            yield f"has other places: {', '.join(sorted(places ^ wanted))}"
        if Counter(_TAG.findall(string)) != Counter(_TAG.findall(many)):
            yield "has other tags"
        if _is_of(message, TEMPLATES) and "%" in _PERCENT.sub("", string):
            yield "has a single percent sign: write two"
        if _is_of(message, TEMPLATES) and _MARKUP & set(_TAG.sub("", string)) - set(many):
            yield "has a character that HTML means something by"
