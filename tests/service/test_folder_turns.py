"""Uploads and downloads of many people: what one claims, and for how long."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import cast

from binderhub_ext.core.errors import NoSpace
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.service.hub import Person
from binderhub_ext.service.person.folders import HOME, PersonFolders
from binderhub_ext.service.person.space import DiskUsage
from binderhub_ext.service.person.volumes import PersonVolumes
from binderhub_ext.service.web.handlers.receiving import Pace
from binderhub_ext.storage.space import Limits

MIB = 1 << 20


def test_who_is_too_slow_keeps_nobody_waiting() -> None:
    """Whatever size a file is said to have, or has without a byte on the disk."""
    pace = Pace(100)
    assert pace.until(100) == 160, "nothing has come"
    assert pace.until(110, 500 * MIB) == 170, "much came at once, and then nothing"
    slow = Pace(100)
    assert slow.until(130, MIB) > 160 and slow.until(160, MIB) > 190, "a little now and then"
    assert slow.until(190, MIB) > 220 and slow.until(220, MIB) < 250
    quick = Pace(100)
    assert all(quick.until(100 + second, MIB) == 160 + second for second in range(1, 1000))


async def test_uploads_at_once_have_room_for_all_of_them(tmp_path: Path) -> None:
    layout = DataDirectory(tmp_path)
    home = layout.home("ana")
    home.mkdir(parents=True)
    layout.run.mkdir(exist_ok=True)
    tmp_path.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(home, 200_611, 200_611)
    space = DiskUsage(layout, Limits(home=2 * MIB))
    nobody = cast(PersonVolumes, None)
    folders = PersonFolders(layout, volumes=nobody, space=space, limit=10 * MIB)
    ana = Person("ana", "")
    begin = (folders.upload(ana, HOME, "", f"{number}", 3 * MIB // 2) for number in range(3))
    begun = await asyncio.gather(*begin, return_exceptions=True)
    try:
        assert sum(isinstance(upload, NoSpace) for upload in begun) == 2
    finally:
        for upload in begun:
            if not isinstance(upload, BaseException):
                await upload.close()
        space.close()
    assert not list(home.iterdir())
    upload = await folders.upload(ana, HOME, "", "x", 1)
    await upload.write(b"x")
    assert await upload.finish() == "x", "what was given up claims nothing"
