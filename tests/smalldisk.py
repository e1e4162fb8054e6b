"""A disk of its own for a data directory, which can be made as full as one likes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FILL = """
try:
    with open("junk", "ab", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
except OSError as error:
    print(error.strerror)
"""
"""Code that writes until nothing more can be written."""


@contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """Mount a disk of 16 GiB of memory at a folder; skips with words where that cannot be."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    place.mkdir(exist_ok=True)
    disk = ["mount", "-t", "tmpfs", "-o", "size=16g,mode=711", "tmpfs", str(place)]
    if (told := subprocess.run(disk, capture_output=True, text=True)).returncode:
        pytest.skip(f"no disk can be mounted here: {told.stderr}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def leave_free(place: Path, free: int) -> None:
    """Make the disk mounted at a folder so small that `free` bytes are left."""
    disk = os.statvfs(place)
    size = (disk.f_blocks - disk.f_bfree) * disk.f_frsize + free
    subprocess.run(["mount", "-o", f"remount,size={size}", str(place)], check=True)
