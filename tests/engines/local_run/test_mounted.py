"""A link that is put in the place of a folder leads nothing elsewhere that root mounts."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

import pytest

from binderhub_ext.core.errors import LaunchFailed
from binderhub_ext.core.launch import Access
from binderhub_ext.engines.local.binds import file_binds
from binderhub_ext.engines.local.environment import hub_python
from binderhub_ext.engines.local.running import prepared
from binderhub_ext.engines.local.sandbox import HOME, Bind, Person, Sandbox
from binderhub_ext.programs import Log, ProcessFailed, run
from binderhub_ext.storage.mounts import Mount

pytestmark = pytest.mark.skipif(
    not shutil.which("bwrap"), reason="bubblewrap is missing: apt-get install bubblewrap"
)
UID = 200_701 if os.geteuid() == 0 else None


def sandbox(root: Path, files: ExitStack, *argv: str) -> Sandbox:
    """One that sees a home, and a volume in it."""
    home, volume = (Mount(root, PurePosixPath(name), PurePosixPath(place), Access.RW)
                    for name, place in (("home", "."), ("volume", "shared/a b")))  # fmt: skip
    prefix = Path(hub_python()).parents[1]
    shown = () if prefix.is_relative_to("/usr") else (Bind(prefix, PurePosixPath(prefix)),)
    return Sandbox(
        argv=argv,
        env={"PATH": "/usr/bin:/bin"},
        binds=(*shown, *file_binds(files, (home, volume))),
        person=Person(UID),
        python=hub_python(),
        ends_with_hub=True,
    )


@pytest.mark.parametrize(
    "link", ["", "elsewhere", "/newroot/usr/bin", "/newroot/run/binder/inside"]
)
async def test_nothing_begins_with_a_volume_that_a_link_led_elsewhere(
    tmp_path: Path, link: str
) -> None:
    """As whom would what lies there run? As root, or with descriptors that lead out."""
    for name in ("home/shared", "home/shared/elsewhere", "volume"):
        (tmp_path / name).mkdir(parents=True)
    place, ran = tmp_path / "home" / "shared" / "a b", tmp_path / "volume" / "ran"
    volume = ran.parent
    shutil.copy("/bin/sh", volume / "sh")
    (volume / "setpriv").write_text("#!/usr/bin/sh\n: > /usr/bin/ran\n")
    (volume / "first.py").write_text("open('/run/binder/inside/ran', 'w')\n")
    if not link:
        place.mkdir()
    for path in (tmp_path, *tmp_path.rglob("*")):
        path.chmod(0o777)
        os.chown(path, *(2 * [-1 if UID is None else UID]))
    if link:
        place.symlink_to(link)
    with ExitStack() as files:
        asked = sandbox(tmp_path, files, "/bin/sh", "-c", f"id -u > '{HOME}/shared/a b/ran'")
        async with prepared(asked) as command:
            if not link:
                await run(command.start, Log(lambda line: None))
            else:
                with pytest.raises((ProcessFailed, LaunchFailed)):
                    await run(command.start, Log(lambda line: None))
            async with asyncio.timeout(30):
                await asyncio.wait([command.init])
            why = command.init.exception()
    assert ran.exists() == (not link)
    assert why is None if not link else "~/shared/a b is not a folder" in str(why)
