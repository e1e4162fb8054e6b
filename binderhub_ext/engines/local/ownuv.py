"""Our own uv: it fills an environment that it begins itself, where nobody else can write."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.locks import Target
from ...core.progress import Tell
from ...programs import Log, ProcessFailed, program, run
from . import uv
from .asked import wanted
from .choices import TRACE, Choices, installed, plain
from .environment import python_version
from .model import clone, empty_folder, is_as_pinned
from .supervised import in_thread
from .uv import COPY, OFFLINE, Requirements
from .words import network_trouble, say


@dataclass(frozen=True)
class OwnUv:
    """Our own uv, for one environment.

    Attributes:
        path: the environment.
        python: the interpreter that it gets.
        model: an environment with nothing but the server's packages, to begin from, or `None`.
        own: folder for what uv reads, seen by nobody else.
        cache: uv's cache that environments share files with.
        tell: told what happens.
        log: gets what uv says.
    """

    path: Path
    python: str
    model: Path | None
    own: Path
    cache: Path
    tell: Tell
    log: Log

    async def install(self, requirements: Requirements, link: str, log: Log | None = None) -> bool:
        """Install into an empty environment; from the cache if that will do or the net is down.

        Returns:
            Whether it was begun from the model.

        Raises:
            ProcessFailed: it could not.
        """
        log = log or self.log
        argv = uv.install(
            self.path,
            wanted(requirements, self._file),
            link=link,
            build=False,
            excludes=self._file("excludes.txt", requirements.excludes),
            options=requirements.options,
        )
        if self.model and requirements.fixed:
            cloned = await self._from_cache(argv, requirements, link, log)
            if cloned is not None:
                return cloned
        try:
            return await self._from_nothing(argv, requirements, link, log)
        except ProcessFailed as failure:
            if not network_trouble(failure):
                raise
            self.tell(say("The package index cannot be reached; trying with what is kept here"))
            return await self._from_nothing([*argv, OFFLINE], requirements, link, log)

    async def _from_cache(
        self, install: Sequence[str], requirements: Requirements, link: str, log: Log
    ) -> bool | None:
        """Install what an index has no say in without asking it, which takes most of the time.

        Returns:
            What `install` does; `None` if the index has to be asked after all: for what is not in
            the cache, or as what is there decided which version of something is taken.
        """
        said: list[str] = []
        try:
            silent = Log(said.append)
            cloned = await self._from_nothing([*install, OFFLINE], requirements, link, silent)
        except ProcessFailed:
            return None
        assert self.model
        pins = requirements.pins(Target(python_version(self.path), platform.machine()))
        if not await asyncio.to_thread(is_as_pinned, self.model, self.path, pins):
            return None
        for line in said:
            log.add(line)
        return cloned

    async def _from_nothing(
        self, install: Sequence[str], requirements: Requirements, link: str, log: Log
    ) -> bool:
        """Install into an environment that holds nothing else.

        uv runs the environment's interpreter, here as the Hub itself, and with it whatever
        start-up files an attempt before had installed.
        """
        await in_thread(empty_folder, self.path)
        cloned = link != COPY and await self._cloned(requirements, log)
        if not cloned:
            await self._run(uv.venv(self.python, self.path), log)
        await self._run(install, log)
        return cloned

    async def _cloned(self, requirements: Requirements, log: Log) -> bool:
        """Begin from the model, if there is one and this disk can, without what is unchecked."""
        if not self.model:
            return False
        try:
            await in_thread(clone, self.model, self.path)
        except OSError:
            await in_thread(empty_folder, self.path)
            return False
        if names := requirements.checked_in(await asyncio.to_thread(installed, self.model)):
            await self._run(uv.uninstall(self.path, names), log)
        return True

    def _file(self, name: str, text: str) -> str:
        """Write a file that it reads; its path."""
        path = self.own / name
        path.write_text(text)
        return str(path)

    async def _run(self, argv: Sequence[str], log: Log) -> None:
        env = uv.environment(self.own, self.cache)
        env |= TRACE if isinstance(log, Choices) else {}
        try:
            await run(program(argv, cwd=self.own, env=env), log)
        except ProcessFailed as failure:
            raise ProcessFailed(failure.status, plain(failure.tail)) from failure
