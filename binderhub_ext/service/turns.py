"""Turns at what takes a while and is wanted by many: a few for each person, so many in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

from ..core.errors import BinderError


class Turns:
    """Turns that people take as they come.

    Once half of all are taken, nobody gets more than one: while no more people than half the turns
    are at it, however much they want, there is one for whoever comes.

    Args:
        each: how many one person may have at a time.
        everybody: how many there are; as many as are wanted if nothing is said.
    """

    def __init__(self, each: int, everybody: float = inf) -> None:
        self._each, self._everybody = each, everybody
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, user: str, none: BinderError) -> Iterator[None]:
        """A turn of somebody's, in the block.

        Args:
            none: raised if there is none for them.
        """
        if not self._free_for(user):
            raise none
        self._taken[user] += 1
        try:
            yield
        finally:
            self._taken[user] -= 1
            self._taken += Counter()

    def _free_for(self, user: str) -> bool:
        taken = self._taken.total()
        each = self._each if 2 * taken < self._everybody else 1
        return self._taken[user] < each and taken < self._everybody
