"""Through which hubs a build was asked for, so that none waits for itself.

A hub can hand its builds to another, which may hand them on. One that is named by itself, by
whatever name, or by one that it hands to, would join the very build that waits for it. So each
request says by which hubs it came, as HTTP's `Via` does; one that came by us is refused.

Others may wait for the same build, so whatever somebody writes there, the next hub refuses nothing
for it: no name can be made up that is a hub's, and no list is too long.
"""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

from .core.errors import AsksItself

HEADER = "X-Binder-At-Home-Via"

_US = secrets.token_hex(8)
"""This process."""

_HUB = re.compile(r"[0-9a-f]{16}")
_MOST = 8
"""Hubs that are named: nobody hands builds on in a larger circle."""

_came_by: ContextVar[tuple[str, ...]] = ContextVar("came_by", default=())


def came(header: str) -> None:
    """Keep by which hubs a request came, for what is done for it.

    Args:
        header: :data:`HEADER` of the request; empty if it came by none.

    Raises:
        AsksItself: by us.
    """
    hubs = [hub for each in header.split(",") if _HUB.fullmatch(hub := each.strip())]
    if _US in hubs:
        raise AsksItself(
            "This build was asked for by this hub itself, which would wait for itself. Its "
            "administrator has to name another one in binderhub_url."
        )
    _came_by.set(tuple(hubs[1 - _MOST :]))


def headers() -> dict[str, str]:
    """What a request says that is made for the present one."""
    return {HEADER: ", ".join((*_came_by.get(), _US))}
