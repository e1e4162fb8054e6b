"""What pods of servers use, by the cluster's own metrics (`metrics.k8s.io`), where it has any."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from ...core.using import Use
from . import labels

_QUANTITY = re.compile(r"(\d{1,20}(?:\.\d{1,9})?)(|[numkMGT]|[KMGT]i)", re.ASCII)
_UNITS = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGT", 1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGT", 1)},
}


def uses_in(pods: Iterable[Mapping[str, Any]]) -> dict[str, Use]:
    """What the cluster's figures say, by the names of servers' run directories."""
    return {
        name: _use(pod.get("containers") or ())
        for pod in pods
        if (name := (pod["metadata"].get("labels") or {}).get(labels.RUN))
    }


def _use(containers: Iterable[Mapping[str, Any]]) -> Use:
    figures = [container.get("usage") or {} for container in containers]
    memory = sum(quantity(each.get("memory", "")) for each in figures)
    processors = sum(quantity(each.get("cpu", "")) for each in figures)
    return Use(memory=int(memory) or None, processors=float(processors))


def quantity(text: str) -> Decimal:
    """A number as Kubernetes writes it: `123n`, `5m`, `64Mi`; 0 if it is none."""
    match = _QUANTITY.fullmatch(text)
    return Decimal(match[1]) * _UNITS.get(match[2], Decimal(0)) if match else Decimal(0)
