"""What servers are expected to cost, before they are started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...core.launch import Launch
from ...core.policy import Size
from ...core.sentences import NOTHING, Sentence, listing
from ...core.space import size_words
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

    def figures(self, sizes: Mapping[str, Size]) -> dict[str, Sentence]:
        """Each size with what it has, such as `large · 8.0 GiB · 2 processors`, by its name."""
        return {
            name: listing(
                [Sentence.verbatim(name), *_figures(size, self._given.gpus.get(name, 0))],
                last="{these} · {this}",
            )
            for name, size in sizes.items()
        }

    def _words(self, size: str, memory: int, cpu: float, gpu: float) -> Sentence:
        if not self._prices:
            return NOTHING
        cost = self._prices.hour(size=size, memory=memory, cpu=cpu, gpu=gpu)
        figure = f"{cost:.2f}" if cost >= 0.1 else f"{cost:.4f}".rstrip("0").rstrip(".")
        price = " ".join(filter(None, [figure, self._prices.currency]))
        return Sentence("{price} an hour", price=price)


def _figures(size: Size, gpus: float) -> Iterator[Sentence]:
    if size.memory:
        yield size_words(size.memory)
    if size.cpu == 1:
        yield Sentence("1 processor")
    elif size.cpu:
        yield Sentence("{number} processors", number=_number(size.cpu))
    if gpus == 1:
        yield Sentence("1 GPU")
    elif gpus:
        yield Sentence("{number} GPUs", number=_number(gpus))


def _number(number: float) -> float:
    return int(number) if number == int(number) else number
