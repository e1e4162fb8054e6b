"""Figures for Prometheus, under BinderHub's names and with its buckets.

The label `repo` is left out: it would publish who launches what, without bound (PROTOCOL 1.9).
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_INF = float("inf")

BUILD_TIME = Histogram(
    "binderhub_build_time_seconds",
    "Histogram of build times",
    ["status"],
    buckets=(60, 120, 300, 600, 1800, 3600, 7200, _INF),
)
LAUNCH_TIME = Histogram(
    "binderhub_launch_time_seconds",
    "Histogram of launch times",
    ["status", "retries"],
    buckets=(2, 5, 10, 20, 30, 60, 120, 300, 600, _INF),
)
BUILD_COUNT = Counter(
    "binderhub_build_count", "Counter of builds by status and provider", ["status", "provider"]
)
LAUNCH_COUNT = Counter(
    "binderhub_launch_count", "Counter of launches by status and provider", ["status", "provider"]
)
INPROGRESS_BUILDS = Gauge("binderhub_inprogress_builds", "Builds currently in progress")
INPROGRESS_LAUNCHES = Gauge("binderhub_inprogress_launches", "Launches currently in progress")


def build_ended(provider: str, result: str, seconds: float) -> None:
    """Count a build; `result` is `success` or an error's code."""
    status = _status(result)
    BUILD_TIME.labels(status=status).observe(seconds)
    BUILD_COUNT.labels(status=status, provider=provider).inc()


def launch_ended(provider: str, result: str, seconds: float) -> None:
    """Count a launch; `result` is `success` or an error's code."""
    status = _status(result)
    retries = "0" if status == "success" else "-1"
    LAUNCH_TIME.labels(status=status, retries=retries).observe(seconds)
    LAUNCH_COUNT.labels(status=status, provider=provider).inc()


def _status(result: str) -> str:
    return "success" if result == "success" else "failure"
