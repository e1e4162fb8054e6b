"""The five steps of a launch, and where on its progress bar each of their events is."""

from __future__ import annotations

from enum import StrEnum
from math import exp
from time import time

from ...core.progress import Event, Tell


class Step(StrEnum):
    """The steps, in their order.

    What is only prepared ends with `PREPULL`, which no other launch has.
    """

    RESOLVE = "resolve"
    ADMIT = "admit"
    IMAGE = "image"
    PREPULL = "prepull"
    SERVER = "server"
    REDIRECT = "redirect"


_RANGES = {
    Step.RESOLVE: (0, 5),
    Step.ADMIT: (5, 6),
    Step.IMAGE: (6, 75),
    Step.PREPULL: (75, 99),
    Step.SERVER: (75, 97),
    Step.REDIRECT: (97, 99),
}
"""Per cent of the bar. A build without figures of its own creeps through its share."""

_PATIENCE = 150
"""Events after which a creeping bar has gone most of its way."""


class ProgressBar:
    """The progress bar of one launch.

    Args:
        tell: is told the launch's events with their step, place on the bar and time.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._reached = 0

    def step(self, step: Step) -> Tell:
        """What the work of a step tells its events to."""
        count = 0

        def tell(event: Event) -> None:
            nonlocal count
            count += 1
            own = event.data.get("progress")
            done = own / 100 if isinstance(own, int | float) else 1 - exp(-count / _PATIENCE)
            self._tell(Event(event.phase, event.message, {**event.data, **self._place(step, done)}))

        return tell

    def _place(self, step: Step, done: float) -> dict[str, str | int | float]:
        low, high = _RANGES[step]
        # a bar never goes back
        self._reached = max(self._reached, round(low + (high - low) * min(max(done, 0), 1)))
        return {"step": str(step), "progress": self._reached, "time": round(time(), 3)}
