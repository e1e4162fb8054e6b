"""Buildah in a pod: for repo2docker, by its own interface for engines (an entry point), and for us.

Steps run with `chroot` isolation: a pod without privileges can make no other. They are kept from
nothing in their container, so that holds nothing of value: no credentials for pushing, no token,
no other build.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from repo2docker.engine import ContainerEngine
from repo2docker.engine import Image as KnownImage
from repo2docker.utils import execute_cmd

from ...programs import ProcessFailed, output
from .architecture import foreign

_TRY = 180
_BUILD = ("build", "--layers", "--isolation=chroot", "--format=docker", "--pull=missing")
AS_IT_IS: Any = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
"""How to unpack what repo2docker packed; the Python of Debian 12 knows no filters."""


class BuildahEngine(ContainerEngine):
    """Builds for repo2docker."""

    string_output = True

    def build(
        self,
        *,
        tag: str = "",
        buildargs: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        dockerfile: str = "",
        fileobj: BinaryIO | None = None,
        path: str = "",
        **_unused: Any,
    ) -> Iterator[str]:
        """Build a folder, or what is in a tar file; see repo2docker."""
        options = [f"--tag={tag}"]
        options += [f"--build-arg={name}={value}" for name, value in (buildargs or {}).items()]
        options += [f"--label={name}={value}" for name, value in (labels or {}).items()]
        if fileobj is None:
            file = [f"--file={Path(path, dockerfile)}"] if dockerfile else []
            yield from execute_cmd(["buildah", *_BUILD, *options, *file, path], capture=True)
            return
        with TemporaryDirectory() as folder:
            with tarfile.open(fileobj=fileobj) as tar:
                tar.extractall(folder, **AS_IT_IS)
            yield from execute_cmd(["buildah", *_BUILD, *options, folder], capture=True)

    def inspect_image(self, image: str) -> KnownImage | None:
        """What is known of an image; see repo2docker."""
        asked = ["buildah", "inspect", "--type=image", image]
        told = subprocess.run(asked, capture_output=True, text=True)
        if told.returncode:
            return None
        config = json.loads(told.stdout)["Docker"]["config"]
        return KnownImage(tags=[image], config={"WorkingDir": "", **config})


class Buildah:
    """An :class:`ImageTool`."""

    async def ask(self, *arguments: str) -> str:
        """The output of one command.

        Raises:
            ProcessFailed
        """
        return await output(["buildah", *arguments], env=os.environ)

    async def inspect(self, image: str) -> dict[str, Any] | None:
        """See :class:`ImageTool`."""
        try:
            facts = json.loads(await self.ask("inspect", "--type=image", image))["Docker"]
        except ProcessFailed:
            return None
        # Docker's own names for what its configuration of an image calls otherwise.
        config = facts.get("config") or {}
        return {"Config": config, "Architecture": facts.get("architecture", "")}

    async def foreign(self, facts: dict[str, Any]) -> str:
        """See :class:`ImageTool`."""
        return foreign(facts)

    async def try_inside(self, image: str, *argv: str, user: str = "") -> str | None:
        """See :class:`ImageTool`."""
        return await self._try(image, argv, user)

    async def try_command(self, image: str, *argv: str, user: str = "") -> str | None:
        """See :class:`ImageTool`."""
        config = (await self.inspect(image) or {}).get("Config") or {}
        return await self._try(image, (*(config.get("Entrypoint") or ()), *argv), user)

    async def _try(self, image: str, argv: tuple[str, ...], user: str) -> str | None:
        container = ""
        try:
            async with asyncio.timeout(_TRY):
                # Before its name comes what the image does for whoever builds on it (ONBUILD).
                container = (await self.ask("from", "--pull=never", image)).splitlines()[-1]
                options = ["--isolation=chroot", *([f"--user={user}"] if user else ())]
                return await self.ask("run", *options, container, "--", *argv)
        except (ProcessFailed, TimeoutError):
            return None
        finally:
            if container:
                await asyncio.shield(self.ask("rm", container))

    async def build(self, name: str, context: Path, labels: Mapping[str, str]) -> None:
        """See :class:`ImageTool`."""
        given = [f"--label={label}={value}" for label, value in labels.items()]
        await self.ask(*_BUILD, *given, f"--tag={name}", str(context))

    async def save(self, image: str, folder: Path) -> None:
        """Write an image to a folder, from which :mod:`.push` takes it.

        Layers as they are: it compresses those alone that the registry has not.

        Raises:
            ProcessFailed
        """
        await self.ask("push", "--disable-compression", image, f"dir:{folder}")
