"""For which kind of processor an image is, and whether this node is of another."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}

HERE = _MACHINES.get(platform.machine(), platform.machine())
"""This node's, as images name it."""


def foreign(facts: Mapping[str, Any]) -> str:
    """The architecture of an image, if this node has another.

    Args:
        facts: what is known of the image, in Docker's words.
    """
    architecture = str(facts.get("Architecture", ""))
    return architecture if architecture != HERE else ""
