"""Work that is done again and again, and of which every part fails alone.

One broken thing does not keep the rest from being done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from .storage.trees import remove_tree

_log = logging.getLogger(__name__)


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Tell of a failure in the log, and go on.

    Args:
        what: the part, as the log shall name it.
    """
    try:
        yield
    except Exception:
        _log.exception("%s failed; it is tried again the next time", what)


async def again(every: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do something now and again and again.

    Args:
        every: seconds from one beginning to the next, however long it takes.
    """
    while True:
        began = monotonic()
        await work()
        await asyncio.sleep(max(every - (monotonic() - began), 0))


def tidy_away(path: Path) -> bool:
    """Remove a folder of ours with what others put there; gives whether nothing of it is left.

    What cannot be removed is told in the log.
    """
    gone = remove_tree(path)
    if not gone:
        _log.error("Not all of %s could be removed; it is tried again the next time", path)
    return gone
