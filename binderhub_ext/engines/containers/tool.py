"""What looks into container images and builds on them: a daemon, or a program in a pod."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol


class ImageTool(Protocol):
    """As much of a container engine as making an image startable needs."""

    async def inspect(self, image: str) -> dict[str, Any] | None:
        """Everything known of an image, in Docker's words; `None` where there is none."""

    async def foreign(self, facts: dict[str, Any]) -> str:
        """The architecture of an image, if this machine has another.

        Args:
            facts: what :meth:`inspect` says of it.
        """

    async def try_inside(self, image: str, *argv: str, user: str = "") -> str | None:
        """What a short program of an image prints, without network; `None` if it fails.

        Args:
            user: uid as which it runs; the image's own if empty.
        """

    async def try_command(self, image: str, *argv: str, user: str = "") -> str | None:
        """The same of a command handed to the image's own ENTRYPOINT."""

    async def build(self, name: str, context: Path, labels: Mapping[str, str]) -> None:
        """Build a folder with a Dockerfile; the folder above it is for what is temporary.

        Args:
            name: what the image is called, in place of another of that name.
            labels: labels it gets.

        Raises:
            ProcessFailed
        """
