"""A server for somebody whose files are over their limit, or on a disk that is full.

It starts, so that files can be deleted, and nothing new is put into them. By what the service
measured last and what the disk says now: worked out in the Hub's process at every start, for
every engine. Whatever runs out of room during a start ends here too.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from traitlets.config import LoggingConfigurable

from ..core.errors import NoSpace
from ..core.launch import Files, Launch
from ..core.layout import DataDirectory
from ..core.sentences import NOTHING
from ..core.space import FULL, FULL_START
from ..core.volumes import Volume
from ..storage.homes import ensure_place
from ..storage.quota import keep_limits
from ..storage.space import Space, is_full, no_room


class RescueMixin(LoggingConfigurable):
    """The part of a spawner that knows whether there is room."""

    if TYPE_CHECKING:
        tell: Callable[..., None]

        @property
        def layout(self) -> DataDirectory: ...

    rescue = NOTHING
    """Why this start brings nothing new, in words; empty if it may."""

    async def find_room(self, launch: Launch) -> None:
        """Work out :attr:`rescue` for this start, and tell it."""
        limits = Space(parent=self).limits()
        if launch.files is Files.NONE:
            full = await asyncio.to_thread(is_full, self.layout, limits.reserve)
            self.rescue = FULL if full else NOTHING
        else:
            self.rescue = await asyncio.to_thread(no_room, self.layout, launch.user, limits)
        if self.rescue:
            self.tell(12, self.rescue)

    async def keep_limits(self, launch: Launch, volumes: Sequence[Volume]) -> None:
        """Have the file system keep the limits too, where it can; of what is there by now."""
        limits = Space(parent=self).limits()
        try:
            await asyncio.to_thread(keep_limits, self.layout, launch.user, volumes, limits)
        except OSError as error:
            self.log.warning("The file system does not keep the limits: %s", error)

    def leave_project(self, launch: Launch, home: Path) -> None:
        """Start with the project as it is; if there is none, with an empty folder in its place.

        An empty folder gives way to the project at the next start that has room.

        Args:
            home: a directory in a place of ours.
        """
        status = home.lstat()
        owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 else (None, None)
        place = PurePosixPath(launch.project)
        ensure_place(home.parent, home.name / place, place, *owner)

    def rescue_arguments(self) -> list[str]:
        """The file browser's own trash takes as much room as what is put into it."""
        return ["--FileContentsManager.delete_to_trash=False"] if self.rescue else []

    def rescue_environment(self) -> dict[str, str]:
        """Keep what every start writes away from the disk that is full."""
        if not self.rescue:
            return {}
        places = {"JUPYTER_RUNTIME_DIR": "/tmp/jupyter-runtime", "IPYTHONDIR": "/tmp/ipython"}
        return {**places, "PYTHONDONTWRITEBYTECODE": "1"}

    def rescue_log(self, log: Path) -> Path:
        """Where the server's output goes: on a full disk nowhere.

        A program may end if it cannot say something; IPython's kernel does.
        """
        return Path(os.devnull) if self.rescue else log


def explained(error: OSError) -> NoSpace:
    """Words for a start that ran out of room; any other error as it is.

    Raises:
        OSError: it was something else.
    """
    if not NoSpace.caused(error):
        raise error
    return NoSpace(FULL_START)
