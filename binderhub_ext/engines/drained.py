"""The one adapter between builders that yield their events and the interface, which tells them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..core.progress import Event, Tell
from .base import Image


async def drained(items: AsyncGenerator[Event | Image], tell: Tell) -> Image:
    """Tell the events of a generator whose last item is an image; gives that image."""
    async with aclosing(items):
        async for item in items:
            if isinstance(item, Image):
                return item
            tell(item)
    raise RuntimeError("the build ended without an image")
