"""A link that is put in the place of a folder leads nothing elsewhere, and nothing else there."""

from __future__ import annotations

import array
import asyncio
import fcntl
import os
import shutil
import termios
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

import pytest
from patience import SOON

from binderhub_ext.core.errors import LaunchFailed
from binderhub_ext.core.launch import Access
from binderhub_ext.engines.local.binds import file_binds
from binderhub_ext.engines.local.environment import hub_python
from binderhub_ext.engines.local.mounted import check_mounted, mounts_of
from binderhub_ext.engines.local.processes import ProcessId
from binderhub_ext.engines.local.running import prepared
from binderhub_ext.engines.local.sandbox import HOME, Bind, Person, Sandbox
from binderhub_ext.programs import Log, ProcessFailed, run
from binderhub_ext.storage.mounts import Mount

bubblewrap = pytest.mark.skipif(
    not shutil.which("bwrap"), reason="bubblewrap is missing: apt-get install bubblewrap"
)
UID = 200_701 if os.geteuid() == 0 else None


def sandbox(root: Path, files: ExitStack, shown: dict[str, str], *argv: str) -> Sandbox:
    """One that sees folders of a root at places in the home."""
    mounts = (
        Mount(root, PurePosixPath(name), PurePosixPath(place), Access.RW)
        for name, place in shown.items()
    )
    prefix = Path(hub_python()).parents[1]
    ours = () if prefix.is_relative_to("/usr") else (Bind(prefix, PurePosixPath(prefix)),)
    return Sandbox(
        argv=argv,
        env={"PATH": "/usr/bin:/bin"},
        binds=(*ours, *file_binds(files, mounts)),
        person=Person(UID),
        python=hub_python(),
        ends_with_hub=True,
    )


def give(root: Path) -> None:
    for path in (root, *root.rglob("*")):
        path.chmod(0o777)
        os.chown(path, *(2 * [-1 if UID is None else UID]))


@bubblewrap
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
    give(tmp_path)
    if link:
        place.symlink_to(link)
    with ExitStack() as files:
        places = {"home": ".", "volume": "shared/a b"}
        asked = sandbox(
            tmp_path, files, places, "/bin/sh", "-c", f"id -u > '{HOME}/shared/a b/ran'"
        )
        async with prepared(asked) as command:
            if not link:
                await run(command.start, Log(lambda line: None))
            else:
                with pytest.raises((ProcessFailed, LaunchFailed)):
                    await run(command.start, Log(lambda line: None))
            async with asyncio.timeout(SOON):
                await asyncio.wait([command.init])
            why = command.init.exception()
    assert ran.exists() == (not link)
    assert why is None if not link else "~/shared/a b is not a folder" in str(why)


@bubblewrap
async def test_nothing_begins_with_another_folder_than_was_opened(tmp_path: Path) -> None:
    """Bubblewrap asks for the name of what is handed to it open, and then mounts by that name."""
    project, hidden = tmp_path / "home" / "project", tmp_path / "hidden"
    for folder in (tmp_path / "state", project, hidden):
        folder.mkdir(parents=True)
    give(tmp_path)
    places = {"state": ".", "home/project": "project"}
    with ExitStack() as files:
        asked = sandbox(
            tmp_path, files, places, "/bin/sh", "-c", f": > '{HOME}/project/ran'; exit 3"
        )
        waits, goes_on = os.pipe()
        async with prepared(asked) as command:
            command.argv[1:1] = ["--ro-bind-data", str(waits), "/held"]
            command.fds += (waits,)
            os.write(goes_on, b"1")
            ends = asyncio.create_task(run(command.start, Log(lambda line: None)))
            async with asyncio.timeout(SOON):
                while left(waits):  # noqa: ASYNC110 (the kernel tells nobody)
                    await asyncio.sleep(0.01)
            os.close(waits)
            project.rename(tmp_path / "home" / "away")
            project.symlink_to(f"/oldroot{hidden}")
            os.close(goes_on)
            with pytest.raises((ProcessFailed, LaunchFailed)):
                await ends
            async with asyncio.timeout(SOON):
                await asyncio.wait([command.init])
            why = command.init.exception()
    assert not [*hidden.iterdir()]
    assert "~/project is not a folder" in str(why)


def left(pipe: int) -> int:
    """Bytes that nobody has read yet."""
    number = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, number)
    return number[0]


async def test_what_is_mounted_is_what_was_opened(tmp_path: Path) -> None:
    """Compared with what this process sees: as a sandbox that shows the system's own `/proc`."""
    own = ProcessId.of(os.getpid())
    assert own
    odd = tmp_path / "a \n\\\r b"
    odd.mkdir()
    for path, same in (("/proc", True), (odd, False)):
        opened = os.open(path, os.O_RDONLY)
        try:
            wanted = mounts_of(Sandbox((), {}, binds=(Bind(opened, PurePosixPath("/proc")),)))
        finally:
            os.close(opened)
        if same:
            await check_mounted(own, wanted, 0)
        else:
            with pytest.raises(LaunchFailed):
                await check_mounted(own, wanted, 0)
