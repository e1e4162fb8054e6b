"""A language that nobody speaks: English with accents and two fifths longer.

It shows what is not translated and what has no room. It is offered where it is named in
`c.Appearance.languages`, and made of the texts that any catalogue has.
"""

from __future__ import annotations

import re

from babel.messages.catalog import Catalog

TAG = "xx"
NAME = "Þšéüðö"

_ACCENTS = str.maketrans("aceinouyACEINOUY", "äçéîñöüýÄÇÉÎÑÖÜÝ")
_KEPT = re.compile(r"(\{[^{}]*\}|%\(\w+\)s|%%|<[^>]*>|&\w+;)")
_LONGER = 0.4
_FILLER = "äöü "


def catalog(tag: str) -> Catalog:
    """The catalogue, of the texts of another.

    Args:
        tag: of that one's language.
    """
    from .catalogue import FOLDER, read

    made = Catalog(locale="en")
    for message in read(FOLDER / f"{tag}.po"):
        if message.id:
            forms = (message.id,) if isinstance(message.id, str) else message.id
            said = tuple(map(longer, forms))
            made.add(
                message.id,
                said[0] if isinstance(message.id, str) else said,
                locations=message.locations,
            )
    return made


def longer(english: str) -> str:
    """A text with accents and more words, its places and tags as they are."""
    parts = _KEPT.split(english)
    words = sum(len(part) for part in parts[::2])
    parts[::2] = [part.translate(_ACCENTS) for part in parts[::2]]
    more = round(words * _LONGER)
    filler = (_FILLER * (more // len(_FILLER) + 1))[:more].strip()
    return "".join(parts) + (f" {filler}" if filler else "")
