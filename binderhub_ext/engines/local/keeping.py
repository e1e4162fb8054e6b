"""What of environments and caches is kept: as little as the administrator says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from pathlib import Path

from ...housekeeping import alone
from ...programs import output
from ..base import Image
from . import uv
from .settings import Settings
from .store import Store, unique_bytes


def remove_unused(
    settings: Settings, store: Store, keep: Collection[str], removed: list[Image]
) -> None:
    """Remove environments that nobody used for long, or of which there are too many.

    Args:
        keep: keys of those that stay in any case.
        removed: gets those that are gone.
    """
    total: int | None = None
    for record in (each for each in store.records() if each.key not in keep):
        if time.time() - store.last_use(record) <= settings.max_age:
            # Only where age does not decide: it takes a look at every file of all.
            total = store.disk_usage() if total is None else total
            if total <= settings.max_total_size:
                return  # what follows was used later
        with alone(f"Removing the environment {record.key}"):
            if store.remove(record.key):
                removed.append(record.image)
                total = None


async def trim_caches(settings: Settings, store: Store, cache: Path) -> None:
    """Empty the caches of packages that have become too large.

    Args:
        cache: of uv.
    """
    if await asyncio.to_thread(unique_bytes, cache, set()) > settings.max_cache_size:
        # uv waits for whoever is using its cache before it empties it.
        argv = [uv.executable(), "cache", "clean", "--quiet"]
        await output(argv, env=uv.environment(settings.layout.cache, cache))
    if await asyncio.to_thread(unique_bytes, store.conda, set()) > settings.max_cache_size:
        await asyncio.to_thread(store.empty_conda)
