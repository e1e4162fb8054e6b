"""Moving images between the engine and registries."""

from __future__ import annotations

import json
import re
import sys
from contextlib import suppress

from ...core.progress import Event, Phase, Tell
from ...core.sentences import Sentence
from ...programs import Log, ProcessFailed, program, run
from ..containers.complaints import complaint
from .daemon import cli_environment
from .settings import Settings

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

    What the file with credentials holds is read by the program that moves the image, and by nothing
    else.

    Args:
        settings: what an administrator set; read whenever it is needed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def pull(self, name: str, tell: Tell) -> None:
        """Get an image, telling how far it is.

        Raises:
            ImageNotFound, RegistryUnavailable, TooMany, Unsupported, NoSpace, EngineDown.
        """
        progress = _Progress(Phase.FETCHING, Sentence("Pulling {name}", name=name), tell)
        await self._move("pull", name, progress)

    async def push(self, name: str, tell: Tell) -> None:
        """Put an image into its registry, telling how far it is. What is there is not sent again.

        Raises:
            ImageNotFound, RegistryUnavailable, TooMany, EngineDown.
        """
        progress = _Progress(Phase.PUSHING, Sentence("Keeping the image in the registry"), tell)
        await self._move("push", name, progress)

    async def _move(self, verb: str, name: str, progress: _Progress) -> None:
        progress.begin()
        log = Log(progress.hear)
        try:
            await run(program(self._command(verb, name), env=cli_environment()), log)
        except ProcessFailed as error:
            said = str(_read(log.tail[-1] if log.tail else "").get("error") or log.end)
            raise complaint(name, said) from error

    def _command(self, verb: str, name: str) -> list[str]:
        credentials = self._settings.registry_credentials
        if self._settings.cli == "podman":
            given = [f"--authfile={credentials}"] if credentials else []
            return ["podman", verb, *given, name]
        given = [credentials] if credentials else []
        return [sys.executable, "-P", "-m", f"{__package__}.transfer", verb, name, *given]


class _Progress:
    """Tells how far a transfer is, from the lines of the program that does it.

    Args:
        what: is done.
    """

    def __init__(self, phase: Phase, what: Sentence, tell: Tell) -> None:
        self._phase, self._what, self._tell = phase, what, tell
        self._last = ""

    def begin(self) -> None:
        message = Sentence("{what} …", what=self._what)
        self._tell(Event(self._phase, message, {"progress": 0}))

    def hear(self, line: str) -> None:
        progress = _read(line)
        if "layers" in progress and line != self._last:
            message = Sentence(
                "{what}: {done} of {layers} layers, {megabytes:.1f} MB so far",
                what=self._what,
                done=progress["done"],
                layers=progress["layers"],
                megabytes=progress["megabytes"],
            )
            self._tell(Event(self._phase, message, {"progress": progress["percent"]}))
        self._last = line


def _read(line: str) -> dict[str, object]:
    with suppress(ValueError):
        if isinstance(told := json.loads(line), dict):
            return told
    return {}
