"""A person's secrets in a real sandbox, under a Hub of root and of an ordinary user."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from keeper import keeping
from sandboxhub import Failed, SandboxHub

from binderhub_ext.core.secretnames import Secret

HUSH = "hush-7e11"
KEPT = {
    "API_KEY": Secret("API_KEY", HUSH),
    "KEY": Secret("KEY", f"{HUSH}\n{HUSH}\n", file=True),
    # what a service of an earlier version may have taken
    "PATH": Secret("PATH", HUSH),
}
CODE = """
import os
path = os.environ["KEY"]
print(os.environ["API_KEY"], path, os.access(path, os.W_OK), open(path).read().split())
print("hush" in os.environ["PATH"])
"""


async def test_there_and_nowhere_else(sandbox_hub: SandboxHub) -> None:
    launch = sandbox_hub.launch("sela", secrets=("API_KEY", "KEY", "PATH"))
    async with sandbox_hub.client() as client:
        # without the service nothing starts, and says so
        with pytest.raises(Failed, match="could not be had from the hub's service"):
            await client.start(launch)
        async with keeping(sandbox_hub, KEPT):
            told = [event["message"] for event in await client.start(launch)]
            assert "Your server is given your secrets: API_KEY, KEY, PATH." in told
            with pytest.raises(Failed, match="your secret GONE, which you have not stored"):
                await client.start(sandbox_hub.launch("sela", "two", secrets=("GONE",)))
        seen = await client.run("sela", CODE)
        path = "/run/binder/secrets/KEY"
        assert seen.output == f"{HUSH} {path} False ['{HUSH}', '{HUSH}']\nFalse\n", seen
        # not in what makes the sandbox, as root it may be: only in what runs inside
        ours = Path("/proc/self/ns/pid").readlink()
        for process in Path("/proc").glob("[0-9]*"):
            if HUSH.encode() in read(process / "environ"):
                with suppress(FileNotFoundError):  # it has ended meanwhile
                    assert (process / "ns/pid").readlink() != ours
            assert HUSH.encode() not in read(process / "cmdline")
        kept = [sandbox_hub.log, *(p for p in sandbox_hub.data.rglob("*") if p.is_file())]
        assert [file for file in kept if HUSH.encode() in read(file)] == []
        await client.stop("sela")


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
