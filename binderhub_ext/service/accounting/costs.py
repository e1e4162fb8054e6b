"""What servers are expected to cost, before they are started."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.launch import Launch
from ...core.policy import Size
from ...core.sentences import NOTHING, Sentence
from ...core.spending import Prices
from .settings import Given


class Costs:
    """Knows prices and what servers get.

    Args:
        prices: the price list.
        given: what servers get.
    """

    def __init__(self, prices: Prices, given: Given) -> None:
        self._prices, self._given = prices, given

    def words(self, launch: Launch) -> Sentence:
        """What an hour of a launch's server costs; empty where nothing has a price."""
        memory, cpu, gpu = self._given.of(launch)
        return self._words(launch.size, memory, cpu, gpu)

    def of_sizes(self, sizes: Mapping[str, Size]) -> dict[str, Sentence]:
        """What an hour of each size costs, by its name; nothing where nothing has a price."""
        default = self._given.default
        costs = {
            name: self._words(
                name,
                size.memory or default.memory,
                size.cpu or default.cpu,
                self._given.gpus.get(name, 0),
            )
            for name, size in sizes.items()
        }
        return {name: words for name, words in costs.items() if words}

    def _words(self, size: str, memory: int, cpu: float, gpu: float) -> Sentence:
        if not self._prices:
            return NOTHING
        cost = self._prices.hour(size=size, memory=memory, cpu=cpu, gpu=gpu)
        figure = f"{cost:.2f}" if cost >= 0.1 else f"{cost:.4f}".rstrip("0").rstrip(".")
        price = " ".join(filter(None, [figure, self._prices.currency]))
        return Sentence("{price} an hour", price=price)
