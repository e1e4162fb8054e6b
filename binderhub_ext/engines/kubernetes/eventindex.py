"""Events of a namespace, found by the pod they are about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Event = Mapping[str, Any]


class EventIndex(dict[str, Event]):
    """Events by their own names, as KubeSpawner puts them in and takes them out.

    Args:
        events: those that are there.
    """

    def __init__(self, events: Mapping[str, Event]) -> None:
        super().__init__()
        self._by_pod: dict[str, dict[str, Event]] = {}
        for name, event in events.items():
            self[name] = event

    def __setitem__(self, name: str, event: Event) -> None:
        super().__setitem__(name, event)
        self._by_pod.setdefault(_pod(event), {})[name] = event

    def pop(self, name: str, default: Any = None) -> Any:
        if name not in self:
            return default
        event = super().pop(name)
        mine = self._by_pod[_pod(event)]
        del mine[name]
        if not mine:
            del self._by_pod[_pod(event)]
        return event

    def of(self, pod: str) -> list[Event]:
        """Those about a pod, in their order."""
        mine = self._by_pod.get(pod, {}).values()
        return sorted(mine, key=lambda event: event["lastTimestamp"] or event["eventTime"])


class EventsOfPod:
    """A pod's events, in the place of a whole namespace's.

    Args:
        index: has all.
        pod: its name.
    """

    def __init__(self, index: EventIndex, pod: str) -> None:
        self._index, self._pod = index, pod

    @property
    def events(self) -> list[Event]:
        """As KubeSpawner's reflector has them, in their order."""
        return self._index.of(self._pod)


def _pod(event: Event) -> str:
    return str(event["involvedObject"]["name"])
