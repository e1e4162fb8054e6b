"""What belongs to one running sandbox: a directory that is there exactly as long as it is."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir

from ...core.layout import DataDirectory
from ...housekeeping import alone, tidy_away
from ...programs import clean
from .. import rundir
from ..rundir import DIGITS, Owner
from .limits import find_controllers
from .processes import end_holders, lock_holder

_SERVERS = "servers"
_TAIL_BYTES, _TAIL_LINES = 16 << 10, 40


class RunDirectory(rundir.RunDirectory):
    """One server's directory."""

    @classmethod
    def of(cls, layout: DataDirectory, user: str, server: str) -> RunDirectory:
        return cls.among(layout.run / _SERVERS, user, server)

    @property
    def name(self) -> str:
        """No other server of this machine has it, whatever Hub it is of."""
        return f"server-{sha256(os.fsencode(self.path)).hexdigest()[:DIGITS]}"

    @property
    def lock(self) -> Path:
        """Held by the sandbox: the kernel's own record of what runs."""
        return self.path / "lock"

    @property
    def log(self) -> Path:
        """What the server says; the person reads it too."""
        return self.path / "server.log"

    @property
    def short(self) -> Path:
        """Sockets of a server without a sandbox, whose home has too long a name for them."""
        return Path(gettempdir(), self.name)

    async def make(self, owner: Owner) -> None:
        """Make it; the person reads the log."""
        await super().make(owner)
        os.close(os.open(self.lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        os.close(os.open(self.log, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        if owner.gid is not None:
            # The person's group, which is theirs alone: an owner could also change it.
            os.chown(self.log, -1, owner.gid)
            self.log.chmod(0o640)

    def tail(self) -> str:
        """The end of the log, as text that can be shown."""
        with suppress(FileNotFoundError), self.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = [line for raw in file.read().splitlines() if (line := clean(raw))]
            return "\n".join(lines[-_TAIL_LINES:])
        return ""

    async def remove(self) -> None:
        """End what runs in it and remove all of it."""
        await end_holders(self.lock)
        if controllers := find_controllers():
            await controllers.group(self.name).removed()
        for place in (self.short, self.path):
            await asyncio.to_thread(tidy_away, place)


async def sweep(layout: DataDirectory) -> list[str]:
    """Remove what servers left that no Hub knows of. Call it before a Hub starts any.

    A server is left alone if a Hub has stored it, since that Hub finds it again.

    Returns:
        The names of what was removed.
    """
    root = layout.run / _SERVERS
    removed = []
    for path in sorted(root.iterdir()) if root.is_dir() else ():
        directory = RunDirectory(path)
        with alone(f"Removing what the server in {path.name} left"):
            if not (directory.stored.exists() and lock_holder(directory.lock)):
                await directory.remove()
                removed.append(path.name)
    return removed
