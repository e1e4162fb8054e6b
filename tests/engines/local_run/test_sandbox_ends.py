"""When a program in a sandbox has ended, nothing of it runs any more."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path, PurePosixPath

import pytest

from binderhub_ext.engines.local.buildsandbox import BUILD_UID
from binderhub_ext.engines.local.environment import hub_python
from binderhub_ext.engines.local.running import prepared
from binderhub_ext.engines.local.sandbox import Bind, Person, Sandbox
from binderhub_ext.programs import Log, run

pytestmark = pytest.mark.skipif(
    not shutil.which("bwrap"), reason="bubblewrap is missing: apt-get install bubblewrap"
)

LEAVING = """
import os
for _ in range(60):
    if os.fork() == 0:
        os.setsid()
        kept = b"x" * (8 << 20)
        os.closerange(0, 3)
        while True:
            with open("/shown/written", "a") as file:
                file.write("x")
            os.sched_yield()
os._exit(0)
"""


async def test_what_a_build_leaves_behind_writes_nothing_afterwards(tmp_path: Path) -> None:
    work, uid = tmp_path / "work", BUILD_UID if os.geteuid() == 0 else None
    work.mkdir()
    work.chmod(0o777)
    prefix = Path(hub_python()).parents[1]
    shown = () if prefix.is_relative_to("/usr") else (Bind(prefix, PurePosixPath(prefix)),)
    sandbox = Sandbox(
        argv=(hub_python(), "-c", LEAVING),
        env={"PATH": "/usr/bin:/bin"},
        cwd="/",
        binds=(*shown, Bind(work, PurePosixPath("/shown"), read_only=False)),
        person=Person(uid),
        python=hub_python(),
        ends_with_hub=True,
    )
    async with prepared(sandbox) as command:
        await run(command.start, Log(lambda line: None))
    # The first process of a sandbox is the last to go.
    assert not (await command.init).alive
    # Whatever still runs makes it anew.
    (work / "written").unlink(missing_ok=True)
    await asyncio.sleep(0.1)
    assert not (work / "written").exists()
