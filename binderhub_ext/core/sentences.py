"""What people read, so that it can be said in any language: a fixed text, and what stands in it.

Whoever makes a sentence writes a text with named places and says what stands there; it is shown in
English, and with it goes what another language is made of. Pure, the standard library alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import reduce
from string import Formatter
from typing import Any, Self

Field = int | float | str

_KEPT = '[["'
"""How a kept list of sentences begins."""

_LONGEST = 1 << 20
"""Letters of a sentence that comes from elsewhere."""

_SPEC = re.compile(r"(\.\d)?f?")


class Sentence(str):
    """A sentence as it is shown, which knows what it was made of.

    Attributes:
        text: the fixed text, with places such as `{repo}`.
        fields: what stands in them; a sentence within a sentence stays one.
    """

    text: str
    fields: Mapping[str, Field]

    def __new__(cls, text: str, /, **fields: object) -> Self:
        if isinstance(text, cls) and not fields:
            return text
        known = {
            name: value if isinstance(value, Field) else str(value)
            for name, value in fields.items()
        }
        self = super().__new__(cls, text.format(**known) if known else text)
        self.text, self.fields = text, known
        return self

    @classmethod
    def counted(cls, one: str, many: str, /, *, count: int, **fields: object) -> Self:
        """A sentence about a number, which has the place `{count}`.

        Args:
            one: the fixed text for one.
            many: for any other number; languages have more or fewer forms of it.
        """
        return cls(one if count == 1 else many, count=count, **fields)

    @classmethod
    def verbatim(cls, words: str) -> Self:
        """What somebody else said, such as a program or a host: never a text of ours."""
        return cls(words)

    @classmethod
    def received(cls, words: str, data: Mapping[str, Any]) -> Self:
        """A sentence as another process sends it; verbatim if it is none.

        Args:
            words: as it was shown there.
            data: what was sent with it, perhaps with what :attr:`data` has.
        """
        try:
            sentence = cls._of(data["text"], data["fields"])
        except (
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
            ArithmeticError,
            RecursionError,
        ):
            return cls.verbatim(words)
        return sentence if sentence == words else cls.verbatim(words)

    @classmethod
    def _of(cls, text: str, fields: Mapping[str, Any]) -> Self:
        made = {name: cls._field(value) for name, value in fields.items()}
        length = len(text)
        # A text of somebody else must not reach what is behind a field, or ask for its width; nor
        # have what is in it twice, which has in it twice …
        for _, place, spec, _ in Formatter().parse(text):
            if place is not None:
                if not (place.isidentifier() and _SPEC.fullmatch(spec or "")):
                    raise ValueError("not a place")
                length += len(str(made[place]))
        if length > _LONGEST:
            raise ValueError("too long")
        return cls(text, **made)

    @classmethod
    def _field(cls, value: Any) -> Field:
        if isinstance(value, Mapping):
            return cls._of(value["text"], value["fields"])
        if not isinstance(value, Field):
            raise ValueError("not a field")
        return value

    @property
    def data(self) -> dict[str, Any]:
        """What programs get besides the words: text and fields; nothing if it has no fields."""
        if not self.fields:
            return {}
        fields = {name: _plain(value) for name, value in self.fields.items()}
        return {"text": self.text, "fields": fields}


def fixed(text: str) -> str:
    """Mark a fixed text that becomes a sentence elsewhere, for whoever collects them."""
    return text


NOTHING = Sentence("")
"""What is said where there is nothing to say."""


def kept(sentences: Iterable[Sentence]) -> str:
    """Sentences as a text that :func:`read_kept` reads again."""
    return json.dumps([(str(sentence), sentence.data) for sentence in sentences])


def read_kept(text: str) -> tuple[Sentence, ...]:
    """The sentences that were :func:`kept`."""
    return tuple(Sentence.received(words, data) for words, data in json.loads(text))


def written(words: str) -> str:
    """A sentence, or other words, as a text that :func:`read_written` reads again.

    Where the words say it all, it is the words.
    """
    sentence = Sentence(words) if not isinstance(words, Sentence) else words
    return kept([sentence]) if sentence.fields or words.startswith(_KEPT) else words


def read_written(text: str) -> Sentence:
    """What was :func:`written`; or words that were kept as they are, whatever they look like."""
    if text.startswith(_KEPT):
        with suppress(ValueError, TypeError, RecursionError):
            (sentence,) = read_kept(text)
            return sentence
    return Sentence.verbatim(text)


def listing(sentences: Iterable[Sentence], *, last: str = "{these}, {this}") -> Sentence:
    """Several as one, in their order; an empty one for none.

    Args:
        last: the fixed text that adds one to those before.
    """
    return reduce(
        lambda these, this: Sentence(last, these=these, this=this) if these else this,
        sentences,
        NOTHING,
    )


def together(what: str, others: Sequence[str]) -> Sentence:
    """A thing with what belongs to it: `Python 3.11 with apt.txt and requirements.txt`."""
    if not others:
        return Sentence("{what}", what=what)
    *these, this = others
    named = Sentence("{these} and {this}", these=", ".join(these), this=this)
    return Sentence("{what} with {others}", what=what, others=named if these else this)


def _plain(value: Field) -> Any:
    # one without places stays a sentence, so that it is said in another language too
    if isinstance(value, Sentence):
        return value.data or {"text": value.text, "fields": {}}
    return value
