"""Where conda's packages come from, and which of them environments share. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ...core.errors import BuildFailed

_DEFAULTS = ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")
"""What conda itself means by `defaults`."""

_NONE = "nodefaults"
_USUAL = "https://conda.anaconda.org/"
"""Where channels are that are called by a name, for who has no mirror."""

_NAME = re.compile(r"/?\w[\w.-]*(?:/\w[\w.-]*)*/?")


@dataclass(frozen=True)
class Channels:
    """What an administrator says of channels.

    Attributes:
        alias: address below which channels are that are called by a name.
        shared: names and addresses of those whose packages environments share.
        credentials: file with credentials for private ones, or empty.
    """

    alias: str
    shared: tuple[str, ...]
    credentials: str = ""

    def addresses(self, named: Iterable[str]) -> list[str]:
        """The addresses of channels that a file names.

        Raises:
            BuildFailed: a name is neither a name nor an address.
        """
        addresses = [address for name in named for address in self._of(name.strip())]
        return list(dict.fromkeys(addresses))

    def are_shared(self, addresses: Iterable[str]) -> bool:
        """Whether packages of these may be kept for everybody: the administrator says so of all."""
        return {*addresses} <= {*self.addresses(self.shared)}

    def folders(self, addresses: Sequence[str]) -> list[Path]:
        """Folders of this machine among them, where the administrator named them."""
        beneath = f"{self.alias.rstrip('/')}/"
        own = (
            address
            for address in addresses
            if address.startswith(beneath) or self.are_shared([address])
        )
        parts = map(urlsplit, own)
        paths = [Path(unquote(part.path)) for part in parts if part.scheme == "file"]
        return [path for path in paths if ".." not in path.parts]

    def mirrored(self, url: str) -> str:
        """An address with the administrator's mirror in place of the usual host."""
        if not url.startswith(_USUAL):
            return url
        return f"{self.alias.rstrip('/')}/{url.removeprefix(_USUAL)}"

    def _of(self, name: str) -> tuple[str, ...]:
        if name in ("", _NONE):
            return ()
        if name == "defaults":
            return _DEFAULTS
        if "://" not in name and _NAME.fullmatch(name):
            return (f"{self.alias.rstrip('/')}/{name.strip('/')}",)
        if urlsplit(name).scheme not in ("https", "http", "file"):
            raise BuildFailed(
                "environment.yml names the channel {name}, which is no name and no address.",
                name=name[:200],
            )
        return (self.mirrored(name.rstrip("/")),)
