"""Work of which every part fails alone: one broken thing does not keep the rest from being done."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

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
