"""Repositories that come with the service: an example, and an empty notebook to begin with.

They are at no address, and are written as if they were below a host that can never be
(`.invalid`, RFC 2606), so that all that tells repositories apart by their address holds for them.
"""

from __future__ import annotations

from .errors import BadLink
from .plain import plain, shown
from .provider import Provider
from .repo import Repo

EXAMPLE = "tides"
EMPTY = "scratch"
NAMES = (EXAMPLE, EMPTY)

_PLACE = "https://hub.invalid/shipped/"


class _Shipped(Provider):
    def repo(self, name: str) -> Repo:
        if plain(name, "repository") not in NAMES:
            raise BadLink(
                "No repository called {name} comes with this hub. There are: {names}.",
                name=shown(name),
                names=", ".join(NAMES),
            )
        return Repo(self.id, name, f"{_PLACE}{name}")


SHIPPED = _Shipped(
    "shipped",
    "Comes with this hub",
    label="Name of the repository",
    placeholder=f"example: {EXAMPLE}",
    pattern=r"[^/]+",
    has_ref=False,
    fetcher="binderhub_ext.repos.shipped:ShippedProvider",
)
