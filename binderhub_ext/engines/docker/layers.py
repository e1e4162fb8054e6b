"""How far a transfer of an image's layers is, from what the engine says of each. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_DONE = ("Pull complete", "Already exists", "Pushed", "Layer already exists", "Mounted from")
_MOVING = ("Downloading", "Pushing")
_MOVED = "Download complete"
_BEGUN = ("Pulling fs layer", "Waiting", "Preparing", "Verifying Checksum", "Extracting")

_UNPACKING = 0.2
"""The share of a layer's work that is left when all of it has arrived."""


@dataclass
class _Layer:
    moved: int = 0
    size: int = 0
    arrived: bool = False
    done: bool = False

    @property
    def share(self) -> float:
        if self.done:
            return 1
        if self.arrived:
            return 1 - _UNPACKING
        return (1 - _UNPACKING) * min(self.moved / self.size, 1) if self.size else 0


@dataclass
class Layers:
    """Counts what was told of a pull or a push.

    Attributes:
        percent: how much of it is done; never goes back.
    """

    percent: int = 0
    _layers: dict[str, _Layer] = field(default_factory=dict)

    def add(self, told: Mapping[str, Any]) -> None:
        """Take one message of the engine's stream; those that are of no layer change nothing."""
        status, name = str(told.get("status", "")), str(told.get("id", ""))
        if not name or not status.startswith((*_DONE, *_MOVING, _MOVED, *_BEGUN)):
            return
        layer = self._layers.setdefault(name, _Layer())
        if status.startswith(_MOVING):
            detail = told.get("progressDetail") or {}
            layer.moved = _number(detail.get("current")) or layer.moved
            layer.size = _number(detail.get("total")) or layer.size
        layer.arrived = layer.arrived or status == _MOVED
        layer.done = layer.done or status.startswith(_DONE)
        if layer.arrived or layer.done:
            layer.moved = max(layer.moved, layer.size)
        shares = [layer.share for layer in self._layers.values()]
        self.percent = max(self.percent, int(100 * sum(shares) / len(shares)))

    def to_fields(self) -> dict[str, int | float]:
        """How far it is, in figures."""
        layers = self._layers.values()
        return {
            "percent": self.percent,
            "done": sum(layer.done for layer in layers),
            "layers": len(layers),
            "megabytes": round(sum(layer.moved for layer in layers) / 1e6, 1),
        }


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
