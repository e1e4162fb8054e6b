"""KubeSpawner, which sees its pods without asking for each: and goes on to see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubespawner import KubeSpawner


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
        known = self.reflectors.get(self._get_reflector_key(kind))
        begun = known is not None and known.first_load_future.done()
        lost = begun and (known.watch_task is None or known.watch_task.done())
        return await super()._start_reflector(kind, reflector_class, replace or lost, **kwargs)

    def seen_pod(self) -> dict[str, Any] | None:
        """Our pod as the Hub sees it, without asking anybody."""
        if self.pod_reflector is None:
            return None
        name = f"{self.namespace}/{self.pod_name}"
        pod: dict[str, Any] | None = self.pod_reflector.pods.get(name)
        return pod
