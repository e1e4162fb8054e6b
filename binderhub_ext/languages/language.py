"""A language, and how it says sentences, numbers and moments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from string import Formatter
from typing import Any

from babel import Locale
from babel.dates import format_datetime
from babel.numbers import format_decimal
from tornado.log import app_log

from ..core.sentences import Sentence
from . import pseudo
from .catalogue import Catalogue, catalogue_of, installed, made_of

ENGLISH_TAG = "en"
_UNSAYABLE = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError)


@dataclass(frozen=True)
class Language:
    """One language.

    Attributes:
        tag: as in HTML and HTTP, such as `de` or `pt-BR`.
        locale: how numbers and dates are written.
        catalogue: its texts; an empty one for English.
    """

    tag: str
    locale: Locale
    catalogue: Catalogue

    @property
    def name(self) -> str:
        """What it calls itself."""
        if self.tag == pseudo.TAG:
            return pseudo.NAME
        return (self.locale.display_name or self.tag).capitalize()

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`."""
        return str(self.locale.text_direction)

    def text(self, english: str) -> str:
        """A fixed text."""
        return self.catalogue.text(english)

    def say(self, sentence: Sentence) -> str:
        """A sentence and the sentences in it. Where the catalogue does not have it: English."""
        if self.tag == ENGLISH_TAG:
            return str(sentence)
        try:
            return self._say(sentence)
        except _UNSAYABLE as error:
            app_log.warning("Language %s cannot say %r: %r", self.tag, sentence.text, error)
            return str(sentence)

    def _say(self, sentence: Sentence) -> str:
        fields = sentence.fields
        pair = self.catalogue.forms.get(sentence.text)
        count = fields.get("count")
        if pair and isinstance(count, int):
            text = self.catalogue.counted(*pair, count)
        else:
            text = self.text(sentence.text)
        return _Filled(self).vformat(text, (), fields) if fields else text

    def said(self, value: Any) -> Any:
        """A value as JSON and pages have it, with every sentence in it said."""
        if self.tag == ENGLISH_TAG:
            return value
        if isinstance(value, Sentence):
            return self.say(value)
        if isinstance(value, Mapping):
            return {name: self.said(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.said(inner) for inner in value]
        return value

    def shown(self, value: Any) -> Any:
        """A value as it stands in a text: sentences and numbers as this language has them."""
        if isinstance(value, Sentence):
            return self.say(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self.number(value)
        return value

    def number(self, number: float, digits: int | None = None) -> str:
        """A number with its separators.

        Args:
            digits: after the point; by default as many as it has, at most three.
        """
        pattern = "#,##0.###" if digits is None else f"#,##0.{'0' * digits}".rstrip(".")
        return str(format_decimal(number, format=pattern, locale=self.locale))

    def moment(self, iso: str) -> str:
        """A moment for who has no script that knows their time zone; the text if it is none."""
        try:
            moment = datetime.fromisoformat(iso)
        except ValueError:
            return iso
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return f"{_in_short(moment.astimezone(UTC), self.locale)} UTC"

    def script_words(self) -> dict[str, str | dict[str, str]]:
        """The texts that scripts say: each a text, or its forms by CLDR's names of them."""
        return {english: self._for_scripts(english) for english in self.catalogue.scripts}

    def _for_scripts(self, english: str) -> str | dict[str, str]:
        if english not in self.catalogue.forms:
            return self.text(english)
        pair = self.catalogue.forms[english]
        rule = self.locale.plural_form
        # one number for each category is enough; those of no whole number are never asked for
        return {rule(n): self.catalogue.counted(*pair, n) for n in reversed(range(1000))}


@lru_cache(maxsize=4096)
def _in_short(moment: datetime, locale: Locale) -> str:
    """A moment as a list has it, which is the same in every look at that list."""
    return str(format_datetime(moment, "short", locale=locale))


class _Filled(Formatter):
    """Fills the places of a text as a language writes what stands there."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def format_field(self, value: Any, spec: str) -> str:
        if isinstance(value, Sentence):
            return self._language.say(value)
        if isinstance(value, float):
            digits = spec.removeprefix(".").removesuffix("f")
            return self._language.number(value, int(digits) if digits else None)
        return str(super().format_field(value, spec))


ENGLISH = Language(ENGLISH_TAG, Locale(ENGLISH_TAG), Catalogue())


@cache
def find(tag: str) -> Language:
    """The language of a tag.

    Raises:
        LookupError: it has no catalogue here.
    """
    if tag == ENGLISH_TAG:
        return ENGLISH
    if tag == pseudo.TAG:
        return Language(tag, Locale(ENGLISH_TAG), made_of(pseudo.catalog(installed()[0]), tag))
    if tag not in installed():
        raise LookupError(f"There is no catalogue of the language {tag}.")
    return Language(tag, Locale.parse(tag, sep="-"), catalogue_of(tag))


_SPOKEN: ContextVar[Language] = ContextVar("spoken", default=ENGLISH)


def spoken() -> Language:
    """The language of the page that is being made: templates are shared between requests."""
    return _SPOKEN.get()


def speak(language: Language) -> None:
    """Go on in a language, for the rest of this request."""
    _SPOKEN.set(language)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Speak a language for a while."""
    before = _SPOKEN.set(language)
    try:
        yield
    finally:
        _SPOKEN.reset(before)
