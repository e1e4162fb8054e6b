"""What a launch opens and uses, as the page that asks says it. Pure."""

from __future__ import annotations

from urllib.parse import urlencode

from ...core.launch import LaunchRequest
from ...core.parameters import PARAMETERS
from ...core.sentences import NOTHING, Sentence
from ...core.targets import Targets

_SHOWN = (
    *("target", "files", "volume", "content", "image", "environment", "share", "class"),
    "secrets",
)
"""Parameters that have a place of their own on the page."""


def resources(request: LaunchRequest, targets: Targets, cost: str) -> list[dict[str, str]]:
    """Each with its title."""
    asked = [
        (Sentence("Opens"), _opens(request, targets)),
        (Sentence("Passed on to it"), urlencode(request.extra)),
        *((p.title, p.words(request)) for p in PARAMETERS.values() if p.name not in _SHOWN),
        (
            Sentence("Resources"),
            NOTHING if _asks_for_more(request) else Sentence("As much as any server here"),
        ),
        (Sentence("Costs"), cost),
    ]
    return [{"title": title, "value": value} for title, value in asked if value]


def _opens(request: LaunchRequest, targets: Targets) -> str:
    """What is seen first, and in what; a path of the server says that itself."""
    target = targets.get(request.target)
    title = target.title if target else request.target
    if request.filepath and title:
        return Sentence("{file} in {program}", file=request.filepath, program=title)
    return request.filepath or request.urlpath or title


def _asks_for_more(request: LaunchRequest) -> bool:
    return bool(request.size or request.memory or request.cpu)
