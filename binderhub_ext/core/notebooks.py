"""A notebook that somebody brings as a file. Pure.

It is a stranger's work: looked at no further than that it is one, and never shown on our pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .errors import BadLink
from .jsontext import parse_json
from .plain import shown

_SUFFIX = ".ipynb"
_NAME_MAX = 80
_NAMES = 100
_NOT_IN_A_NAME = re.compile(r"[^\w .()+-]+")


@dataclass(frozen=True)
class Notebook:
    """A notebook on its way into a project.

    Attributes:
        title: its name without the end; no path.
        content: as it came.
    """

    title: str
    content: bytes = field(repr=False)

    @property
    def names(self) -> Iterator[str]:
        """Names for it, the first that is free to be taken."""
        yield f"{self.title}{_SUFFIX}"
        yield from (f"{self.title} ({number}){_SUFFIX}" for number in range(2, _NAMES))


def read_notebook(name: str, content: bytes) -> Notebook:
    """A notebook of what was sent.

    Args:
        name: of the file, as the browser calls it.

    Raises:
        BadLink: it is none.
    """
    try:
        fields = parse_json(content)
    except ValueError:
        fields = None
    cells = fields.get("cells", fields.get("worksheets")) if isinstance(fields, dict) else None
    if not isinstance(cells, list) or not isinstance(fields.get("nbformat"), int):
        raise BadLink("{name} is not a notebook (.ipynb), so nothing was done.", name=shown(name))
    last = re.split(r"[/\\]", name)[-1]
    title = last[: -len(_SUFFIX)] if last.lower().endswith(_SUFFIX) else last
    clean = _NOT_IN_A_NAME.sub("-", title).strip(" .-")[:_NAME_MAX].strip(" .-")
    return Notebook(clean or "notebook", content)
