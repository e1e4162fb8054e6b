"""YAML that a program wrote, such as a lock file of thousands of lines. Pure.

Read by libyaml's events, which takes a tenth of the time of a reader in Python, and made into
values here: every scalar is the text that it is, so that no version becomes a number and no build
a date; and an alias, by which a few lines stand for more than any memory holds, is refused.
"""

from __future__ import annotations

from typing import Any

import yaml

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_DEPTH = 50
_EVENTS = 600_000
"""Twice what locks have that are as large as they may be; letters alone would be millions."""


def parse_yaml(content: bytes, limit: int) -> Any:
    """The value that a file's content is, of texts, lists and tables.

    Args:
        limit: bytes that it may have.

    Raises:
        ValueError: it is not YAML, or of a kind that no program writes.
    """
    if len(content) > limit:
        raise ValueError("too large")
    made: list[Any] = []
    inside: list[_Open] = []
    try:
        for number, event in enumerate(yaml.parse(content, Loader=_LOADER)):
            if number > _EVENTS:
                raise ValueError("too many values")
            if isinstance(event, yaml.AliasEvent):
                raise ValueError("an alias (*name)")
            if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                if len(inside) > _DEPTH:
                    raise ValueError("nested too deeply")
                inside.append(_Open(isinstance(event, yaml.MappingStartEvent)))
                continue
            if isinstance(event, yaml.ScalarEvent):
                value: Any = event.value
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                value = inside.pop().value
            else:
                continue
            (inside[-1].put if inside else made.append)(value)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"no YAML: {error}"[:200]) from error
    if len(made) != 1:
        raise ValueError("not one document")
    return made[0]


class _Open:
    """A list or a table that is not at its end yet."""

    def __init__(self, table: bool) -> None:
        self.table = table
        self.listed: list[Any] = []

    def put(self, value: Any) -> None:
        self.listed.append(value)

    @property
    def value(self) -> Any:
        if not self.table:
            return self.listed
        names, values = self.listed[::2], self.listed[1::2]
        if not all(isinstance(name, str) for name in names):
            raise ValueError("a name that is none")
        return dict(zip(names, values, strict=True))
