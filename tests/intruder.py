"""An attacker's and a victim's server side by side, and the means to try things."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from patience import SOON, START
from sandboxhub import Answer, Client, SandboxHub

TRIES = (Path(__file__).parent / "tries.py").read_text()
MEMORY = 768 << 20
"""Bytes that eve's server has: more than all the processes that it may have take."""


@dataclass
class Attack:
    """A victim with something to lose, and what an attacker may know of the host.

    Attributes:
        secret: stands in a file in ana's home.
        host_port: something listens there on the host's loopback interface.
        open_port: something listens there on every address of the host.
        abstract: name of an abstract socket that listens on the host.
        spoiled: whether eve needs another server after this test.
    """

    hub: SandboxHub
    client: Client
    secret: str
    host_port: int
    open_port: int
    abstract: str
    spoiled: bool = False

    async def try_(self, expression: str, seconds: float = START) -> Any:
        """Let eve evaluate an expression of `tries.py`."""
        code = f"{TRIES}\nprint('RESULT', repr({expression}))"
        answer = await self.run("eve", code, seconds)
        assert "RESULT " in answer.output, answer
        return ast.literal_eval(answer.output.rpartition("RESULT ")[2].splitlines()[0])

    async def run(self, user: str, code: str, seconds: float = SOON) -> Answer:
        """Run code; in a kernel of its own where one may end of what is tried."""
        return await self.client.run(user, code, seconds=seconds, kept=not self.spoiled)

    async def spoil(self) -> None:
        """Before what eve's server does not survive: all that she may have is hers for it."""
        self.spoiled = True
        await self.client.end_kept_kernel("eve")

    def init(self, user: str) -> int:
        """Host pid of the first process of a person's sandbox."""
        (state,) = self.hub.query(
            "select spawners.state from spawners join users on users.id = spawners.user_id"
            " where users.name = ? and spawners.name = 'one'",
            user,
        )[0]
        return int(json.loads(state)["init"][0])

    async def all_is_well(self) -> None:
        """The Hub, ana's server and eve's own work as before."""
        assert self.hub.alive
        assert set(await self.client.servers("ana")) == {"one"}
        answer = await self.run("ana", "print(open('secret.txt').read())")
        assert self.secret in answer.output


def processes_of(init: int) -> list[int]:
    """Host pids of a sandbox."""
    namespace = Path(f"/proc/{init}/ns/pid").readlink()
    found = []
    for pid in psutil.pids():
        try:
            if Path(f"/proc/{pid}/ns/pid").readlink() == namespace:
                found.append(pid)
        except OSError:
            continue
    return found
