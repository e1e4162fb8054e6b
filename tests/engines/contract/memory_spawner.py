"""The least that an engine's spawner can be: servers see nothing, and run as the Hub.

Whatever a start of it does besides is what every engine gets without doing anything.
"""

from __future__ import annotations

import asyncio
import subprocess
from hashlib import sha256
from typing import Any

from jupyterhub.spawner import SimpleLocalProcessSpawner

from binderhub_ext.core.launch import Launch
from binderhub_ext.engines import rundir
from binderhub_ext.engines.preparing import Prepared
from binderhub_ext.engines.rundir import Owner
from binderhub_ext.engines.spawner import BinderSpawnerMixin
from binderhub_ext.housekeeping import tidy_away
from binderhub_ext.storage.homes import ensure_home
from binderhub_ext.storage.sync import call
from binderhub_ext.storage.sync.words import Request

IMAGE = "the-one-there-is"


class RunDirectory(rundir.RunDirectory):
    async def remove(self) -> None:
        tidy_away(self.path)


class MemorySpawner(BinderSpawnerMixin, SimpleLocalProcessSpawner):
    """Runs whatever `cmd` is."""

    @property
    def run_directory(self) -> RunDirectory:
        name = sha256(f"{self.user.name}\0{self.name}".encode()).hexdigest()
        return RunDirectory(self.layout.run / "memory" / name)

    async def begin(self) -> None:
        pass

    async def find_image(self, launch: Launch) -> Any:
        return launch.image if launch.image == IMAGE else None

    async def ensure_person(self, launch: Launch) -> Owner:
        ensure_home(self.layout, launch.user)
        return Owner()

    async def run_sync(self, prepared: Prepared, requests: tuple[Request, ...]) -> list[bytes]:
        return [await self._sync(request) for request in requests]

    async def _sync(self, request: Request) -> bytes:
        done = await asyncio.to_thread(
            subprocess.run, call.command(request), stdout=subprocess.PIPE, check=True
        )
        return bytes(done.stdout)

    async def start_server(self) -> Any:
        self.home_dir = str(self.run_directory.path)
        return await super().start_server()

    async def clean_up(self) -> None:
        await SimpleLocalProcessSpawner.stop(self, now=True)
        await self.run_directory.remove()

    async def stop(self, now: bool = False) -> None:
        await self.clean_up()

    async def explain_failure(self) -> str:
        return ""
