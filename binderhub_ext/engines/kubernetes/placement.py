"""Where servers may run: what the spawner is told of nodes, as far as the service reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue

_SPAWNERS = ("KubeSpawner", "BinderKubeSpawner")
"""The spawner's classes; what is said of the second holds."""


@dataclass(frozen=True)
class Placement:
    """Which nodes a pod may be on.

    Attributes:
        selector: labels they have.
        terms: of a node affinity that is required, of which one has to hold.
        tolerations: of their taints.
    """

    selector: Mapping[str, str] = field(default_factory=dict)
    terms: Sequence[Mapping[str, Any]] = ()
    tolerations: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def of_size(cls, config: Config, size: str) -> Placement:
        """That of servers of a size; of those of none, or of one that says nothing of nodes."""
        said: dict[str, Any] = {}
        for spawner in _SPAWNERS:
            said.update(config[spawner])
        said.update(_plain(said.get("sizes"), {}).get(size, {}))
        return cls(
            _plain(said.get("node_selector"), {}),
            _listed(said.get("node_affinity_required")),
            _listed(said.get("tolerations")),
        )

    @property
    def spec(self) -> dict[str, Any]:
        """What a pod says of it."""
        affinity: dict[str, Any] = {}
        if self.terms:
            required = {"nodeSelectorTerms": [dict(each) for each in self.terms]}
            affinity = {
                "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}
            }
        said = {
            "nodeSelector": dict(self.selector),
            "affinity": affinity,
            "tolerations": [dict(each) for each in self.tolerations],
        }
        return {name: value for name, value in said.items() if value}


def _plain(value: Any, nothing: Any) -> Any:
    """A setting, also one that a file only adds to (`c.KubeSpawner.tolerations.append(…)`)."""
    return (value.get_value(nothing) if isinstance(value, LazyConfigValue) else value) or nothing


def _listed(value: Any) -> list[Mapping[str, Any]]:
    """What KubeSpawner takes as a list, or as a map of whatever names in their order."""
    value = _plain(value, [])
    return [value[name] for name in sorted(value)] if isinstance(value, Mapping) else list(value)
