"""How long a server, and what runs beside it, may take for its end: the same on every engine."""

from __future__ import annotations

from math import ceil

from traitlets import Float
from traitlets.config import Configurable

_MARGIN = 3
"""Seconds in which the first process of a container, which counts the others, ends itself."""


class EndingMixin(Configurable):
    """What an administrator says of the end of servers."""

    term_timeout = Float(
        2.0,
        min=0,
        help="""Seconds a server has to end by itself when it is stopped (default 2), with its
        kernels and terminals; then all that still runs is asked to end.""",
    ).tag(config=True)

    services_timeout = Float(
        20.0,
        min=0,
        help="""Seconds that what runs beside a server, such as a database of its repository's
        `start`, has to end by itself after the server has (default 20); then the kernel ends
        it.""",
    ).tag(config=True)

    @property
    def end_timeout(self) -> int:
        """Seconds after which an engine of containers ends all that still runs."""
        return ceil(self.term_timeout + self.services_timeout) + _MARGIN
