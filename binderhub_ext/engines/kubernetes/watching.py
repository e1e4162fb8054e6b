"""KubeSpawner, which sees its pods without asking for each: and goes on to see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubespawner import KubeSpawner
from kubespawner.spawner import EventReflector
from traitlets import default, validate

from .eventindex import EventIndex, EventsOfPod


class PodEventReflector(EventReflector):
    """KubeSpawner's events, found by pod.

    A class makes thousands, and each of its starts looks for its own again and again.
    """

    @default("resources")
    def _nothing_yet(self) -> EventIndex:
        return EventIndex({})

    @validate("resources")
    def _index(self, proposal: Any) -> EventIndex:
        return EventIndex(proposal.value)

    def of(self, pod: str) -> EventsOfPod:
        """The events of the pod of this name."""
        return EventsOfPod(self.resources, pod)


class WatchingKubeSpawner(KubeSpawner):
    """KubeSpawner whose watch of pods and events begins again after it was given up."""

    if TYPE_CHECKING:
        namespace: str
        pod_name: str
        pod_reflector: Any

    async def _start_reflector(
        self, kind: str, reflector_class: Any, replace: bool = False, **kwargs: Any
    ) -> Any:
        """Watch, also again: without the API server for a minute KubeSpawner's watch ends itself.

        The Hub would never see a pod again.
        """
        if kind == "events":
            reflector_class = PodEventReflector
        known = self.reflectors.get(self._get_reflector_key(kind))
        begun = known is not None and known.first_load_future.done()
        lost = begun and (known.watch_task is None or known.watch_task.done())
        return await super()._start_reflector(kind, reflector_class, replace or lost, **kwargs)

    @property
    def event_reflector(self) -> EventsOfPod | None:
        """What KubeSpawner looks through for its pod's events: nobody else's are in it."""
        reflector = super().event_reflector
        return reflector.of(self.pod_name) if reflector else None

    def seen_pod(self) -> dict[str, Any] | None:
        """Our pod as the Hub sees it, without asking anybody."""
        if self.pod_reflector is None:
            return None
        name = f"{self.namespace}/{self.pod_name}"
        pod: dict[str, Any] | None = self.pod_reflector.pods.get(name)
        return pod
