"""What servers of a size get of the cluster besides memory and processors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kubespawner import KubeSpawner

from ...traits import Table
from .watching import WatchingKubeSpawner


def _check(_name: str, settings: Any) -> None:
    for setting in settings:
        trait = KubeSpawner.class_traits(config=True).get(setting)
        if trait is None:
            raise ValueError(f"KubeSpawner has no setting {setting}")


class SizedKubeSpawner(WatchingKubeSpawner):
    """KubeSpawner some of whose settings are others for servers of a size."""

    sizes = Table(
        _check,
        help="""Settings of KubeSpawner for servers of a size, by its name in
        `c.LaunchPolicy.sizes`, such as `{"gpu": {"extra_resource_limits": {"nvidia.com/gpu": "1"},
        "node_selector": {"pool": "gpu"}, "tolerations": […], "priority_class_name": "low"}}`.
        Default: none.""",
    ).tag(config=True)

    @contextmanager
    def of_size(self, size: str) -> Iterator[None]:
        """Have the settings of a size, and then again one's own."""
        settings = (self.sizes or {}).get(size, {})
        before = {name: getattr(self, name) for name in settings}
        try:
            for name, value in settings.items():
                setattr(self, name, value)
            yield
        finally:
            for name, value in before.items():
                setattr(self, name, value)
