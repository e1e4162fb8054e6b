"""Moving images between the engine and registries."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from ...core.progress import Event, Phase
from ..process import Log, ProcessFailed, program, run
from .complaints import complaint
from .daemon import cli_environment

_HUB = re.compile(r"^(?:(?:index\.)?docker\.io/)(?:library/)?")


def familiar(reference: str) -> str:
    """An image's name as the engine lists it: without its default registry, with a tag or digest.

    Several spellings are one image (`python`, `docker.io/library/python:latest`); a digest is
    stronger than a tag beside it.
    """
    name = _HUB.sub("", reference)
    repository, at, digest = name.partition("@")
    slash = repository.rfind("/")
    colon = repository.rfind(":")
    untagged = repository[:colon] if colon > slash else repository
    if at:
        return f"{untagged}@{digest}"
    return repository if colon > slash else f"{repository}:latest"


class Registry:
    """Pulls and pushes.

    Args:
        cli: the engine's program.
        credentials: a file in the form of Docker's `config.json`; empty for the account's own.
            Its content is read by the program that moves the image, and by nothing else.
    """

    def __init__(self, cli: str = "docker", credentials: str = "") -> None:
        self._cli = cli
        self._credentials = credentials

    def pull(self, name: str) -> AsyncGenerator[Event]:
        """Get an image, telling how far it is.

        Raises:
            ImageNotFound, RegistryUnavailable, TooMany, Unsupported, NoSpace, EngineDown.
        """
        return self._move("pull", name, Phase.FETCHING, f"Pulling {name}")

    def push(self, name: str) -> AsyncGenerator[Event]:
        """Put an image into its registry, telling how far it is. What is there is not sent again.

        Raises:
            ImageNotFound, RegistryUnavailable, TooMany, EngineDown.
        """
        return self._move("push", name, Phase.PUSHING, "Keeping the image in the registry")

    async def _move(self, verb: str, name: str, phase: Phase, words: str) -> AsyncGenerator[Event]:
        yield Event(phase, f"{words} …", {"progress": 0})
        argv = self._command(verb, name)
        last, log = "", Log()
        try:
            async with aclosing(run(program(argv, env=cli_environment()), log=log)) as lines:
                async for line in lines:
                    told = _read(line)
                    if "told" in told and line != last:
                        message = f"{words}: {told['told']}"
                        yield Event(phase, message, {"progress": told["percent"]})
                    last = line
        except ProcessFailed as error:
            said = str(_read(log.tail[-1] if log.tail else "").get("error") or log.end)
            raise complaint(name, said) from error

    def _command(self, verb: str, name: str) -> list[str]:
        if self._cli == "podman":
            given = [f"--authfile={self._credentials}"] if self._credentials else []
            return ["podman", verb, *given, name]
        given = [self._credentials] if self._credentials else []
        return [sys.executable, "-P", "-m", f"{__package__}.transfer", verb, name, *given]


def _read(line: str) -> dict[str, object]:
    with suppress(ValueError):
        if isinstance(told := json.loads(line), dict):
            return told
    return {}
