"""Where a submodule is to be fetched from. Pure.

`.gitmodules` is as hostile as a link: what comes out of here is read and judged like one.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from ..core.url import Url

_SCP = re.compile(r"(?:[\w.-]+@)?([\w.-]+):(?!/)(.+)")
_SSH = re.compile(r"(?:ssh|git)://(?:[\w.-]+@)?([\w.-]+)(?::\d+)?/(.+)")


@dataclass(frozen=True)
class Entry:
    """One line of a tree.

    Attributes:
        mode: as Git writes it; `160000` is a submodule.
        id: of the blob or the submodule's commit.
        size: bytes, 0 for a submodule.
        path: relative to the tree.
    """

    mode: str
    id: str
    size: int
    path: str


def entries(listing: bytes) -> list[Entry]:
    """Read the output of `git ls-tree -r -z --long`."""
    listed = []
    for line in listing.split(b"\0"):
        about, tab, path = line.partition(b"\t")
        if tab:
            mode, _kind, id, size = about.decode().split()
            number = int(size) if size.isdigit() else 0
            listed.append(Entry(mode, id, number, path.decode(errors="surrogateescape")))
    return listed


def addresses(config: bytes) -> dict[str, str]:
    """Paths to URLs, from `git config --null --list` of a `.gitmodules`."""
    paths: dict[str, str] = {}
    urls: dict[str, str] = {}
    for line in config.split(b"\0"):
        key, _, value = line.decode(errors="surrogateescape").partition("\n")
        section, _, variable = key.rpartition(".")
        if section.startswith("submodule."):
            if variable == "path":
                paths[section] = value
            elif variable == "url":
                urls[section] = value
    return {path: urls[section] for section, path in paths.items() if section in urls}


def locate(address: str, parent: Url) -> str:
    """The URL of a submodule.

    Args:
        address: as `.gitmodules` has it; `./` and `../` are relative to the parent, and the
            SSH forms of public hosts become https, since we have no key to show.
        parent: the repository that has the submodule.
    """
    if address.startswith(("./", "../")):
        path = posixpath.normpath(posixpath.join(parent.path, address))
        return f"{parent.scheme}://{parent.netloc}{path}"
    if match := _SSH.fullmatch(address) or _SCP.fullmatch(address):
        return f"https://{match[1]}/{match[2]}"
    return address
