"""A BuildKit daemon, asked through its own client `buildctl`; images lie in an OCI layout here.

What a repository runs in its build runs in the daemon. Nothing here does: this process may have
certificates, and credentials for pushing. The daemon gets files of contexts and layers of images,
no certificate, and credentials for pulling alone; without entitlements, whatever a Dockerfile asks.
"""

from __future__ import annotations

import asyncio
import json
import os
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...certificates import NAMES
from ...programs import ProcessFailed, capture, passed_on
from ...storage.scratch import scratch_folder
from ..containers.caches import own_caches
from .architecture import HERE, foreign
from .daemon import failed, unanswered
from .lastwords import DaemonFailed

_PATIENCE = 30
_TRY = 300
"""Seconds for a program of an image; the image's layers may have to come to the daemon before."""

_STORE = "images"
_INDEX = "application/vnd.oci.image.index.v1+json"
_FRONTEND = (
    "--frontend=dockerfile.v0",
    # As for a frontend that was called by another: a Dockerfile cannot name one of its own
    # (`# syntax=`), which could do in the daemon what no Dockerfile can.
    "--opt=cmdline=dockerfile.v0",
    f"--opt=platform=linux/{HERE}",
)


class BuildKit:
    """An :class:`ImageTool`.

    Args:
        address: of the daemon.
        certificates: folder with those by which we know each other, if there are any.
        layout: folder for images.
        scratch: folder for contexts.
        cache: what names of caches begin with that steps ask for: else one repository writes what
            another installs.
        apart: steps ask for caches, or may: what comes of them is no other build's.
        credentials: folder with Docker's `config.json`, for pulling.
    """

    def __init__(
        self,
        address: str,
        certificates: Path | None,
        layout: Path,
        scratch: Path,
        cache: str,
        credentials: Path,
        *,
        apart: bool,
    ) -> None:
        trust = [f"--tlsdir={certificates}"] if certificates else []
        self._client = ["buildctl", f"--addr={address}", *trust]
        self._layout, self._scratch = layout, scratch
        self._caches = own_caches(cache, apart=apart)
        ours = passed_on(os.environ, "PATH", "HOME", NAMES[0])
        self._env = {**ours, "DOCKER_CONFIG": str(credentials)}
        self._known: dict[str, dict[str, Any]] = {}

    async def answers(self) -> None:
        """Make sure that the daemon answers.

        Raises:
            DaemonFailed
        """
        asked = [*self._client, "debug", "workers"]
        try:
            await capture(asked, env=self._env, patience=_PATIENCE)
        except ProcessFailed as error:
            raise DaemonFailed(unanswered(error.tail), error.tail) from None

    async def foreign(self, facts: dict[str, Any]) -> str:
        """See :class:`ImageTool`."""
        return foreign(facts)

    async def inspect(self, image: str) -> dict[str, Any] | None:
        """See :class:`ImageTool`."""
        if image not in self._known:
            return None
        config = self._blob(self._blob(self._known[image]["digest"])["config"]["digest"])
        found = config.get("config") or {}
        return {"Config": found, "Architecture": config.get("architecture", "")}

    async def try_inside(self, image: str, *argv: str, user: str = "") -> str | None:
        """See :class:`ImageTool`."""
        return await self._try(image, argv, user)

    async def try_command(self, image: str, *argv: str, user: str = "") -> str | None:
        """See :class:`ImageTool`."""
        config = (await self.inspect(image) or {}).get("Config") or {}
        return await self._try(image, (*(config.get("Entrypoint") or ()), *argv), user)

    async def build(self, name: str, context: Path, labels: Mapping[str, str]) -> None:
        """See :class:`ImageTool`.

        Raises:
            DaemonFailed: the daemon is gone or full.
        """
        await self.build_file(name, context, "Dockerfile", labels=labels)

    async def build_file(
        self,
        name: str,
        context: Path,
        file: str,
        *,
        labels: Mapping[str, str],
        arguments: Mapping[str, str] | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """Build a folder with a Dockerfile of any name.

        Args:
            file: the Dockerfile, as the folder has it.
            arguments: that it may use.
            tell: told the log.

        Raises:
            ProcessFailed
            DaemonFailed: the daemon is gone or full.
        """
        with scratch_folder(self._scratch) as folder:
            told = folder / "told.json"
            options = [f"--opt=label:{each}={value}" for each, value in labels.items()]
            options += _arguments(arguments or {})
            options += [f"--output=type=oci,tar=false,dest={self._layout}"]
            await self._build(context, file, [*options, f"--metadata-file={told}"], tell)
            made = json.loads(told.read_text())
        self._known[name] = _descriptor(made["containerimage.descriptor"])

    async def pull(
        self, reference: str, name: str, env: Mapping[str, str], *, insecure: bool
    ) -> None:
        """Have somebody's image here, as it is.

        Args:
            env: variables, such as a proxy.
            insecure: whether its registry speaks plain HTTP.

        Raises:
            ProcessFailed
        """
        options = ["--src-tls-verify=false"] if insecure else []
        login = Path(self._env["DOCKER_CONFIG"], "config.json")
        options += [f"--src-authfile={login}"] if login.exists() else []
        copy = [*options, f"docker://{reference}", f"oci:{self._layout}:pulled"]
        await capture(["skopeo", "copy", "--quiet", *copy], env={**self._env, **env})
        index = json.loads((self._layout / "index.json").read_text())
        self._known[name] = _descriptor(index["manifests"][-1])

    def save(self, image: str) -> None:
        """Let the layout have this image alone, so that it needs no name there."""
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [self._known[image]]}
        (self._layout / "index.json").write_text(json.dumps(index))

    # --- one question ---------------------------------------------------------------------

    async def _try(self, image: str, argv: Sequence[str], user: str) -> str | None:
        lines = [f"FROM {image}", *([f"USER {user}"] if user else ())]
        lines.append(f"RUN --network=none {json.dumps(list(argv))}")
        with scratch_folder(self._scratch) as folder:
            (context := folder / "context").mkdir()
            (context / "Dockerfile").write_text("\n".join([*lines, ""]))
            heard = folder / "heard.json"
            try:
                async with asyncio.timeout(_TRY):
                    # What is known from the cache says nothing any more.
                    await self._build(context, "Dockerfile", ["--no-cache", f"--trace={heard}"])
            except (ProcessFailed, TimeoutError):
                return None
            return printed(heard.read_text().splitlines())

    async def _build(
        self,
        context: Path,
        file: str,
        options: Sequence[str],
        tell: Callable[[str], None] | None = None,
    ) -> None:
        command = [
            *(*self._client, "build", "--progress=plain", *_FRONTEND),
            # The Dockerfile in the same folder: a link in its name leads nowhere else.
            *(f"--local=context={context}", f"--local=dockerfile={context}"),
            f"--opt=filename={file}",
            *(self._images() if self._known else ()),
            *options,
            # Last, as nothing else may say it.
            *_arguments(self._caches),
        ]
        try:
            await capture(command, env=self._env, tell=tell)
        except ProcessFailed as error:
            if fault := failed(error.tail):
                raise DaemonFailed(fault, error.tail) from None
            await self.answers()
            raise

    def _images(self) -> list[str]:
        """What lets a Dockerfile begin from images that are here, by their names."""
        named = [
            f"--opt=context:{name}=oci-layout://{_STORE}@{image['digest']}"
            for name, image in self._known.items()
        ]
        return [f"--oci-layout={_STORE}={self._layout}", *named]

    def _blob(self, digest: str) -> dict[str, Any]:
        kind, _, digits = digest.partition(":")
        found: dict[str, Any] = json.loads((self._layout / "blobs" / kind / digits).read_text())
        return found


def printed(statuses: Iterable[str]) -> str:
    """What steps printed, without what they complained of.

    Args:
        statuses: what the daemon told, one JSON object each.
    """
    parts = [
        b64decode(log["data"])
        for status in map(json.loads, statuses)
        for log in status.get("logs") or ()
        if log.get("stream") == 1
    ]
    lines = b"".join(parts).decode("utf-8", "replace").splitlines()
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _arguments(arguments: Mapping[str, str]) -> list[str]:
    return [f"--opt=build-arg:{name}={value}" for name, value in arguments.items()]


def _descriptor(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: said[name] for name in ("mediaType", "digest", "size")}
