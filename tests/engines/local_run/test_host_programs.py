"""A package with a program named like one of ours gains nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PurePosixPath

import pytest

from binderhub_ext.engines.local.buildsandbox import BUILD_UID
from binderhub_ext.engines.local.environment import hub_python
from binderhub_ext.engines.local.network import Network, online
from binderhub_ext.engines.local.running import prepared
from binderhub_ext.engines.local.sandbox import Bind, Person, Sandbox
from binderhub_ext.programs import Log, host_program, run

NAMES = ("bwrap", "nsenter", "setpriv", "ip", "cat", "pasta", "python3")

pytestmark = pytest.mark.skipif(
    not shutil.which("bwrap"), reason="bubblewrap is missing: apt-get install bubblewrap"
)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """An environment's folder of programs, each of which tells as whom it was run."""
    folder = tmp_path / "environment" / "bin"
    folder.mkdir(parents=True)
    for parent in (folder, folder.parent, tmp_path):
        parent.chmod(0o755)
    for name in NAMES:
        (folder / name).write_text(f"#!/bin/sh\necho {name} ran as $(/usr/bin/id -u)\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize("network", [Network.NONE, Network.PRIVATE])
async def test_an_environment_cannot_replace_what_makes_the_sandbox(
    hostile: Path, network: Network
) -> None:
    if network is Network.PRIVATE and not (shutil.which("pasta") and online()):
        pytest.skip("pasta or a network is missing")
    prefix = Path(hub_python()).parents[1]
    shown = [hostile] if prefix.is_relative_to("/usr") else [hostile, prefix]
    uid = BUILD_UID if os.geteuid() == 0 else None
    sandbox = Sandbox(
        argv=("/bin/sh", "-c", "echo inside as $(id -u)"),
        env={"PATH": f"{hostile}:/usr/bin:/bin"},
        cwd="/",
        binds=tuple(Bind(path, PurePosixPath(path)) for path in shown),
        person=Person(uid),
        network=network,
        python=hub_python(),
        ends_with_hub=True,
    )
    said: list[str] = []
    async with prepared(sandbox) as command:
        await run(command.start, Log(said.append))
    assert said == [f"inside as {Person(uid).inside_uid}"]


def test_a_missing_program_is_not_looked_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert host_program("bwrap") == "/usr/bin/bwrap"
