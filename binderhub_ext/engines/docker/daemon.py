"""The container engine's command line, as far as builds and images need it.

The command line and not a library: it is what repo2docker builds with, it speaks to Docker and
Podman alike, and it never blocks the event loop. What every launch asks is asked of Docker's socket
first, see `endpoint`.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from ...programs import CONTAINERS, ProcessFailed, output, passed_on
from ..base import EngineDown
from ..containers.caches import own_caches
from . import endpoint
from .job import build_arguments
from .sweep import NO_SERVER

_TRY = 180
"""Seconds a program of an image has to answer."""

_TRIED = "binder-at-home.tried"
"""Label of a container in which that program runs: the name of the image."""

_TRY_NAME = "binder-try-"
"""What names of these containers begin with. An image gives its labels to every container."""


_NO_GIT = {"BUILDX_GIT_INFO": "false", "GIT_DIR": os.devnull}
"""buildx asks Git about the folder it builds, and a repository's files may be such that Git takes
that folder for a repository of its own, whose configuration names programs to run."""


def cli_environment() -> dict[str, str]:
    """What programs of ours get: where the engine is, nothing of the service's secrets."""
    return {**passed_on(os.environ, "PATH", "HOME", "LANG", *CONTAINERS), **_NO_GIT}


@dataclass(frozen=True)
class _Dialect:
    """What two engines that understand the same commands call differently.

    Attributes:
        version, architecture, root, cgroups: arguments that ask for the version of the API, for
            the processor's kind, for the folder of all images, for who names control groups.
        label: how a template asks for a container's label, itself a template.
        local: what the engine puts before names of images that come from no registry.
    """

    version: tuple[str, str]
    architecture: tuple[str, str]
    root: tuple[str, str]
    cgroups: tuple[str, str]
    label: str
    local: str = ""


_DIALECTS = {
    "docker": _Dialect(
        version=("version", "{{.Server.APIVersion}}"),
        architecture=("version", "{{.Server.Arch}}"),
        root=("info", "{{.DockerRootDir}}"),
        cgroups=("info", "{{.CgroupDriver}}"),
        label='{{.Label "%s"}}',
    ),
    "podman": _Dialect(
        version=("version", "{{.Client.APIVersion}}"),
        architecture=("info", "{{.Host.Arch}}"),
        root=("info", "{{.Store.GraphRoot}}"),
        cgroups=("info", "{{.Host.CgroupManager}}"),
        label='{{index .Labels "%s"}}',
        local="localhost/",
    ),
}


class Daemon:
    """One container engine.

    Args:
        cli: `docker` or `podman`.
    """

    def __init__(self, cli: str = "docker") -> None:
        self.cli = cli
        self._dialect = _DIALECTS[cli]

    async def ask(self, *arguments: str, temporary: Path | None = None) -> str:
        """The output of one command.

        Args:
            temporary: folder for what it needs for a moment; the machine's own if not given.

        Raises:
            ProcessFailed: it failed although the engine answers.
            EngineDown: the engine does not answer.
        """
        if shutil.which(self.cli) is None:
            raise EngineDown("The program {cli} is not installed on this machine.", cli=self.cli)
        try:
            folder = {"TMPDIR": str(temporary)} if temporary else {}
            return await output([self.cli, *arguments], env={**cli_environment(), **folder})
        except ProcessFailed as error:
            raise _understood(error, self.cli) from error

    async def version(self) -> tuple[int, int]:
        """Version of the engine's API, such as `(1, 45)`.

        Raises:
            EngineDown
        """
        major, minor, *_ = (await self._told(self._dialect.version)).split(".")
        return int(major), int(minor)

    async def root(self) -> Path:
        """The folder in which the engine keeps images; it may be another machine's."""
        return Path(await self._told(self._dialect.root))

    async def cgroup_driver(self) -> str:
        """Who names control groups: `cgroupfs`, the engine itself, or `systemd`."""
        return await self._told(self._dialect.cgroups)

    async def _told(self, question: tuple[str, str]) -> str:
        command, template = question
        return await self.ask(command, "--format", template)

    async def inspect(self, image: str) -> dict[str, Any] | None:
        """Everything known of an image, or `None` where there is none."""
        if self.cli == "docker" and (socket := endpoint.socket_path()):
            with suppress(endpoint.Unanswered):
                return await endpoint.image_facts(socket, image)
        try:
            images: list[dict[str, Any]] = json.loads(await self.ask("image", "inspect", image))
        except ProcessFailed:
            return None
        return images[0]

    async def names(self, sign: str) -> list[str]:
        """Names of the images with a sign: `label=…`, or `reference=…` with a pattern."""
        listed = await self.ask(
            "image", "ls", f"--filter={sign}", "--format={{.Repository}}:{{.Tag}}"
        )
        return [self._plain(name) for name in listed.splitlines() if "<none>" not in name]

    def names_of(self, facts: dict[str, Any]) -> list[str]:
        """Names and digests of an image of which :meth:`inspect` says this."""
        listed = [*(facts.get("RepoTags") or ()), *(facts.get("RepoDigests") or ())]
        return [self._plain(name) for name in listed]

    def _plain(self, name: str) -> str:
        return name.removeprefix(self._dialect.local)

    async def in_use(self, image: str) -> bool:
        """Whether a container, running or not, was made from an image."""
        return bool(await self.ask("ps", "--all", "--quiet", f"--filter=ancestor={image}"))

    async def tag(self, image: str, name: str) -> None:
        """Give an image a further name."""
        await self.ask("tag", image, name)

    async def foreign(self, facts: dict[str, Any]) -> str:
        """The architecture of an image, if this machine has another.

        Args:
            facts: what :meth:`inspect` says of it.
        """
        here = await self._told(self._dialect.architecture)
        architecture = str(facts.get("Architecture", ""))
        return architecture if architecture != here else ""

    async def build(self, name: str, context: Path, labels: Mapping[str, str]) -> None:
        """Build a folder with a Dockerfile; see :class:`ImageTool`."""
        given = [f"--label={label}={value}" for label, value in labels.items()]
        # The image may have steps of its own for whoever builds on it (ONBUILD).
        given += build_arguments(own_caches(uuid4().hex)) if self.cli == "docker" else []
        arguments = ("--load", *given, "--tag", name, str(context))
        await self.ask("buildx", "build", *arguments, temporary=context.parent)

    async def remove(self, image: str) -> bool:
        """Remove an image unless something uses it; returns whether it is gone."""
        try:
            await self.ask("image", "rm", image)
        except ProcessFailed:
            return await self.inspect(image) is None
        return True

    async def remove_container(self, name: str) -> None:
        """Remove a container, also one that runs; harmless if there is none."""
        with suppress(ProcessFailed):
            await self.ask("rm", "--force", name)

    async def tries(self) -> dict[str, str]:
        """Containers in which images are being tried, of every hub; each with its image's name."""
        form = "{{.Names}} " + self._dialect.label % _TRIED
        listed = await self.ask("ps", "--all", f"--filter=label={_TRIED}", f"--format={form}")
        pairs = (line.split(" ", 1) for line in listed.splitlines())
        return {name: self._plain(image) for name, image in pairs if name.startswith(_TRY_NAME)}

    async def prune(self, label: str) -> None:
        """Remove images that carry a label, have no name any more and are not in use."""
        with suppress(ProcessFailed):  # somebody else may be at it
            await self.ask("image", "prune", "--force", f"--filter=label={label}")

    async def try_inside(self, image: str, *argv: str, user: str = "") -> str | None:
        """What a short program of an image prints, without network; `None` if it fails.

        Args:
            user: uid as which it runs; the image's own if empty.
        """
        return await self._try(image, (f"--entrypoint={argv[0]}",), argv[1:], user)

    async def try_command(self, image: str, *argv: str, user: str = "") -> str | None:
        """The same of a command handed to the image's own ENTRYPOINT."""
        return await self._try(image, (), argv, user)

    async def _try(
        self, image: str, options: Sequence[str], argv: Sequence[str], user: str
    ) -> str | None:
        name = f"{_TRY_NAME}{uuid4().hex[:12]}"
        limits = ("--memory=512m", "--pids-limit=128", "--cap-drop=ALL")
        # The engine would write what it says to the disk, however much that is.
        guarded = ("--network=none", "--security-opt=no-new-privileges", "--log-driver=none")
        labels = [f"--label={key}={value}" for key, value in {_TRIED: image, **NO_SERVER}.items()]
        run_as = (f"--user={user}",) if user else ()
        try:
            async with asyncio.timeout(_TRY):
                return await self.ask(
                    *("run", "--rm", "--name", name, *labels, *guarded, *limits, *options),
                    *(*run_as, image, *argv),
                )
        except (ProcessFailed, TimeoutError):
            return None
        finally:
            # The container outlives the program that waited for it.
            await asyncio.shield(self.remove_container(name))


def _understood(error: ProcessFailed, cli: str) -> Exception:
    said = error.tail.lower()
    if "permission denied" in said and ".sock" in said:
        return EngineDown(
            "This account may not use {cli}. Add it to the group docker, then sign in again.",
            cli=cli,
            detail=error.tail,
        )
    if "cannot connect" in said or "is the docker daemon running" in said:
        return EngineDown(
            "{cli} does not answer. Start it (systemctl start {cli}) and try again.",
            cli=cli,
            detail=error.tail,
        )
    return error
