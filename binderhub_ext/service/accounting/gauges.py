"""Use and limits as figures for Prometheus, under the names of jupyterhub-usage-quotas.

They have people's names, so they are not among those that everybody may see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from ...core.spending import Resource
from ...core.usagequotas import Standing, readable_unit

_NAMES = {
    Resource.MEMORY: ("memory", "byte_hours"),
    Resource.CPU: ("cpu", "cpu_hours"),
    Resource.GPU: ("gpu", "gpu_hours"),
    Resource.BUILD: ("build", "minutes"),
    Resource.STORAGE: ("storage", "bytes"),
}
_LABELS = ("namespace", "policy_group", "username", "window", "value", "unit")


def gauges(people: Mapping[str, tuple[Iterable[str], Iterable[Standing]]], namespace: str) -> bytes:
    """The figures in Prometheus' text format.

    Args:
        people: groups and standings by name.
        namespace: of the hub, as the dashboards know it.
    """
    registry = CollectorRegistry()
    made: dict[str, Gauge] = {}
    for user, (groups, standings) in people.items():
        for one in standings:
            fields = one.to_fields()
            shared = sorted({*groups} & {*one.policy.groups})
            labels = {
                "namespace": namespace,
                "policy_group": ",".join(shared) or "none",
                "username": user,
                "window": f"{one.policy.window:g}",
                "unit": readable_unit(one.policy),
            }
            figures = {
                "usage": (one.used, fields["used"]),
                "limit": (one.policy.limit, fields["limit"]),
            }
            for what, (figure, value) in figures.items():
                gauge = _gauge(made, registry, one.policy.resource, what)
                gauge.labels(**labels, value=f"{value:.4g}").set(figure)
    return generate_latest(registry)


def _gauge(
    made: dict[str, Gauge], registry: CollectorRegistry, resource: Resource, what: str
) -> Gauge:
    word, unit = _NAMES[resource]
    name = f"jupyterhub_{word}_{what}_{unit}_total"
    if name not in made:
        about = f"{what.capitalize()} of {resource} within the window of a limit"
        made[name] = Gauge(name, about, _LABELS, registry=registry)
    return made[name]
