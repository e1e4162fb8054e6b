"""How a build's Job ended, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.errors import (
    BinderError,
    BuildFailed,
    BuildTimeout,
    ImageRefused,
    NoSpace,
    RegistryUnavailable,
    Unsupported,
)
from ...core.jsontext import parse_json
from ...core.quantities import write_bytes
from ..containers.complaints import complaint
from .daemon import in_words
from .jobs import BUILD, PUSH, BuildOptions
from .pods import ended

_KINDS: Mapping[str, type[BinderError]] = {
    each.code: each for each in (BuildFailed, Unsupported, NoSpace)
}


def conditions(status: Mapping[str, Any]) -> dict[str, str]:
    """The conditions of a Job that hold, each with its reason."""
    held = (each for each in status.get("conditions") or () if each.get("status") == "True")
    return {each["type"]: str(each.get("reason") or "") for each in held}


def failure(
    job: Mapping[str, Any] | None,
    pod: Mapping[str, Any] | None,
    log: str,
    image: str,
    options: BuildOptions,
) -> BinderError:
    """The error for a build that did not succeed.

    Args:
        job: its status; `None` if the Job is gone.
        pod: the last of its pods; `None` if there is none.
        log: the end of what was said.
        image: what would have been pushed.
        allowed: what the build might have.
    """
    if job is None:
        return BuildFailed(
            "The build was ended from outside: its Job is gone from the cluster. Launch again.",
            detail=log,
        )
    if conditions(job).get("Failed") == "DeadlineExceeded":
        return timeout(options, log)
    if error := _of_pod(pod or {}, log, options):
        return error
    return _of_container(pod or {}, log, image, options)


def timeout(options: BuildOptions, log: str) -> BuildTimeout:
    """The error for a build that took too long."""
    return BuildTimeout(
        "The build took longer than {minutes:.0f} minutes and was ended. "
        "Make it do less, or ask the administrator for more time.",
        minutes=options.seconds / 60,
        detail=log,
    )


def _of_pod(pod: Mapping[str, Any], log: str, options: BuildOptions) -> BinderError | None:
    """For a pod that the cluster ended."""
    status = pod.get("status") or {}
    reason, message = str(status.get("reason") or ""), str(status.get("message") or "")
    if reason == "Evicted" and ("storage" in message or "disk" in message.lower()):
        said = f"{message}\n{log}"
        if not options.disk:
            return NoSpace(
                "The build needed more disk than there is for it on its node and was ended. Make it"
                " write less, or ask the administrator.",
                detail=said,
            )
        return NoSpace(
            "The build needed more disk than there is for it on its node ({limit}) and was ended."
            " Make it write less, or ask the administrator.",
            limit=f"{write_bytes(options.disk)}B",
            detail=said,
        )
    if reason:
        return BuildFailed(
            "The cluster ended the build: its node went away or had no room left for it. Launch"
            " again.",
            detail=f"{reason}: {message}\n{log}",
        )
    return None


def _of_container(
    pod: Mapping[str, Any], log: str, image: str, options: BuildOptions
) -> BinderError:
    built, pushed = ended(pod, BUILD) or {}, ended(pod, PUSH) or {}
    if "OOMKilled" in (built.get("reason"), pushed.get("reason")):
        return BuildFailed(
            "The build wanted more memory than it may have ({memory}B) and"
            " was ended. Make it need less, or ask the administrator for more.",
            memory=write_bytes(options.memory),
            detail=log,
        )
    # What of the daemon and the registry is believed of the one alone in which no repository runs.
    told = _told(pushed)
    if fault := str(told.get("daemon", "")):
        return in_words(fault, str(told.get("said", "")))
    if said := str(told.get("push", "")):
        return _not_pushed(image, said)
    told = told or _told(built)
    kind, message = _KINDS.get(str(told.get("code", ""))), str(told.get("message", ""))
    if kind and message:
        return kind(message, detail=str(told.get("detail", "")))
    if NoSpace.in_text(log):
        return NoSpace("The disk filled up during the build, which was ended.", detail=log)
    return BuildFailed(
        "The image could not be built. The end of the log says what failed; mend it in the "
        "repository and launch again.",
        detail=log,
    )


def _not_pushed(image: str, said: str) -> BinderError:
    error = complaint(image, said)
    if error.status in (403, 404):
        return ImageRefused(
            "The image was built, and the registry does not let this hub keep it there. The"
            " administrator has to give the hub credentials for pushing, or newer ones.",
            detail=said,
        )
    if isinstance(error, RegistryUnavailable):
        return RegistryUnavailable(
            "The image was built, and the registry did not take it. Launch again in a moment; if it"
            " stays so, tell the administrator.",
            detail=said,
        )
    return error


def _told(status: Mapping[str, Any]) -> dict[str, Any]:
    try:
        told = parse_json(str(status.get("message") or ""))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
