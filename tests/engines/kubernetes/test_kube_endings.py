"""How builds end, in words, from what a cluster says of their Jobs and pods."""

from __future__ import annotations

import json
from typing import Any

import pytest

from binderhub_ext.core.errors import (
    BinderError,
    BuildFailed,
    BuildTimeout,
    ImageRefused,
    NoSpace,
    RegistryUnavailable,
    Unsupported,
)
from binderhub_ext.engines.kubernetes.endings import failure
from binderhub_ext.engines.kubernetes.jobs import BuildOptions

ALLOWED = BuildOptions(600, 2 << 30, 2, disk=1 << 30)
FAILED = {"conditions": [{"type": "Failed", "status": "True", "reason": "PodFailurePolicy"}]}
LATE = {"conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]}


def pod(built: Any = None, pushed: Any = None, **status: Any) -> dict[str, Any]:
    def of(name: str, said: Any) -> list[dict[str, Any]]:
        return [{"name": name, "state": {"terminated": said} if said else {"waiting": {}}}]

    both = {"initContainerStatuses": of("build", built), "containerStatuses": of("push", pushed)}
    return {"status": {"phase": "Failed", **both, **status}}


def told(exit_code: int = 1, reason: str = "Error", **message: Any) -> dict[str, Any]:
    said = json.dumps(message) if message else ""
    return {"exitCode": exit_code, "reason": reason, "message": said}


GONE = {"reason": "Evicted", "message": "The node was low on resource: memory."}
FULL = {"reason": "Evicted", "message": "Pod ephemeral local storage usage exceeds the total limit"}


@pytest.mark.parametrize(
    ("job", "last", "log", "kind", "words"),
    [
        (None, None, "", BuildFailed, "ended from outside"),
        (LATE, pod(), "", BuildTimeout, "longer than 10 minutes"),
        (FAILED, pod(told(137, "OOMKilled")), "", BuildFailed, r"more memory.*\(2GB\)"),
        (FAILED, pod(**GONE), "", BuildFailed, "its node went away or had no room"),
        (FAILED, pod(**FULL), "", NoSpace, r"more disk.*\(1GB\)"),
        (FAILED, pod(told(1)), "E: because", BuildFailed, "The end of the log says"),
        (FAILED, pod(told(1, code="build-failed")), "", BuildFailed, "The end of the log"),
        (FAILED, pod(told(1)), "No space left on device", NoSpace, "disk filled up"),
        (
            FAILED,
            pod(told(1, code="unsupported-environment", message="The image is for arm64.")),
            "",
            Unsupported,
            "arm64",
        ),
        (
            FAILED,
            pod(told(0), told(1, push="denied: requested access to the resource is denied")),
            "",
            ImageRefused,
            "does not let this hub keep it",
        ),
        (
            FAILED,
            pod(told(0), told(1, push="dial tcp 10.0.0.1:5000: connect: connection refused")),
            "",
            RegistryUnavailable,
            "did not take it",
        ),
        # What a step of a repository can write speaks for no daemon and no registry.
        (FAILED, pod(told(1, daemon="silent", said="x")), "", BuildFailed, "The end of the log"),
        (FAILED, pod(told(1, push="denied")), "", BuildFailed, "The end of the log"),
    ],
)
def test_words(job: Any, last: Any, log: str, kind: type[BinderError], words: str) -> None:
    error = failure(job, last, log, "registry.example.org/binder:abc", ALLOWED)
    assert type(error) is kind
    with pytest.raises(kind, match=words):
        raise error
    assert log in error.detail
