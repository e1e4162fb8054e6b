"""Limits the kernel keeps, on real disks of both kinds; needs root and a kernel with quotas."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from test_asowner import Folder

from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.core.space import HOME_FULL
from binderhub_ext.core.volumes import Kind, Volume
from binderhub_ext.storage import quota
from binderhub_ext.storage.asowner.words import Owner, Question
from binderhub_ext.storage.quota import has_project_quotas, keep_limits
from binderhub_ext.storage.space import Limits, no_room

MIB = 1 << 20
ANA, BOB, CREW = 200_001, 200_002, 300_001
MAKE = {
    "ext4": ["mkfs.ext4", "-q", "-O", "quota,project", "-E", "quotatype=prjquota"],
    "xfs": ["mkfs.xfs", "-q"],
}


@pytest.fixture(params=sorted(MAKE))
def disk(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk with project quotas, in a place that people can pass through."""
    make = MAKE[request.param]
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    if shutil.which(make[0]) is None:
        pytest.skip(f"there is no {make[0]} here")
    with TemporaryDirectory(prefix="bh-quota-") as folder:
        Path(folder).chmod(0o711)
        with mounted(request.param, make, Path(folder)) as place:
            yield place


@contextmanager
def mounted(kind: str, make: list[str], folder: Path) -> Iterator[Path]:
    image, place = folder / "image", folder / "disk"
    place.mkdir()
    image.touch()
    os.truncate(image, 512 * MIB)
    subprocess.run([*make, str(image)], check=True)
    mount = ["mount", "-o", "loop,prjquota", str(image), str(place)]
    if (told := subprocess.run(mount, capture_output=True, text=True)).returncode:
        pytest.skip(f"this kernel has no project quotas on {kind}: {told.stderr}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def layout(disk: Path) -> DataDirectory:
    """A data directory with two homes and what is in them."""
    layout = DataDirectory(disk / "data")
    for user, uid in (("ana", ANA), ("bob", BOB)):
        for folder in (layout.home(user), layout.states / layout.home(user).name):
            (folder / "deep" / "er").mkdir(parents=True)
            (folder / "deep" / "old").write_bytes(b"x" * MIB)
            (folder / "link").symlink_to("/etc")
            for path in (folder, *folder.rglob("*")):
                os.chown(path, uid, uid, follow_symlinks=False)
    return layout


def write(folder: Path, size: int, uid: int, gid: int | None = None) -> int:
    """Write so many bytes as somebody; gives the error's number, or 0."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        os.setgroups([gid] if gid else [])
        os.setgid(uid)
        os.setuid(uid)
        with (folder / f"new-{uid}").open("ab", buffering=0) as file:
            for _ in range(size // 65536):
                file.write(b"y" * 65536)
            os.fsync(file.fileno())
    except OSError as error:
        os._exit(error.errno or 1)
    os._exit(0)


def test_a_home_with_what_is_in_it_already(layout: DataDirectory) -> None:
    limits = Limits(home=8 * MIB)
    for _ in range(2):
        keep_limits(layout, "ana", [], limits)
    home = layout.home("ana")
    assert write(home / "deep" / "er", 4 * MIB, ANA) == 0
    # home and state together, old and new
    state = layout.states / home.name
    assert write(state, 4 * MIB, ANA) in (errno.EDQUOT, errno.ENOSPC)
    assert no_room(layout, "ana", limits) == HOME_FULL
    assert write(layout.home("bob"), 16 * MIB, BOB) == 0
    assert no_room(layout, "bob", limits) == ""
    (home / "deep" / "old").unlink()
    (state / f"new-{ANA}").unlink()
    assert write(state, MIB, ANA) == 0
    # moved away and back, as trash does
    home.rename(layout.root / "away")
    (layout.root / "away").rename(home)

    keep_limits(layout, "ana", [], replace(limits, home=32 * MIB))
    assert write(home, 16 * MIB, ANA) == 0
    keep_limits(layout, "ana", [], replace(limits, home=0))
    assert write(home, 32 * MIB, ANA) == 0


def test_without_a_limit_nothing_is_marked(
    layout: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked: list[int] = []
    monkeypatch.setattr(quota, "_assign_all", lambda folder, project: marked.append(project))
    keep_limits(layout, "ana", [], Limits())
    assert marked == []


def test_a_volume_for_all_its_members(layout: DataDirectory) -> None:
    volume = Volume("crew-1", "crew", Kind.SHARED, "ana", 1.0, gid=CREW)
    files = layout.volumes / volume.id / "files"
    files.mkdir(parents=True)
    os.chown(files, 0, CREW)
    files.chmod(0o2775)
    keep_limits(layout, "ana", [volume], Limits(volume=8 * MIB))
    assert write(files, 4 * MIB, ANA, CREW) == 0
    assert write(files, 8 * MIB, BOB, CREW) in (errno.EDQUOT, errno.ENOSPC)


def test_what_is_uploaded_counts_too(layout: DataDirectory) -> None:
    """Root could write beyond every quota; so it is not root that does."""
    keep_limits(layout, "ana", [], Limits(home=8 * MIB))
    home = Folder(layout.home("ana"), Owner(ANA, ANA))
    assert home.write("deep", "fits", bytes(2 * MIB)) == "fits"
    refused = home.refusal(Question("write", "deep", "large", 8 * MIB), bytes(8 * MIB))
    assert refused == "full"
    assert sorted(path.name for path in (home.path / "deep").iterdir()) == ["er", "fits", "old"]


def test_a_disk_without_quotas_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = DataDirectory(tmp_path / "data")
    layout.home("ana").mkdir(parents=True)
    if has_project_quotas(tmp_path):
        pytest.skip("the tests' own disk has project quotas")
    kept: list[tuple[object, ...]] = []
    monkeypatch.setattr(quota, "keep_limit", lambda *arguments: kept.append(arguments))
    keep_limits(layout, "ana", [], Limits(home=MIB))
    assert kept == []
    monkeypatch.setattr(quota, "has_project_quotas", lambda folder: True)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    keep_limits(layout, "ana", [], Limits(home=MIB))
    assert [arguments[0] for arguments in kept] == [layout.homes, layout.states]
