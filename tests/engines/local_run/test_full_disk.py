"""A start on a disk that is full: the project stays as it is, and the server comes all the same."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from gitserver import _git
from sandboxhub import sandbox_missing

from binderhub_ext.core.errors import NoSpace
from binderhub_ext.core.launch import Launch
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.engines.local import seeding
from binderhub_ext.engines.local.people import ensure_person
from binderhub_ext.engines.projects import ProjectsMixin
from binderhub_ext.storage.sync.words import Request

REPO = Repo("git", "o/r", "https://example.org/o/r")
FOLDER = "projects/example.org/o/r"


class Spawner(ProjectsMixin):
    """The part of a spawner that is tried here, with what it tells."""

    def __init__(self, layout: DataDirectory) -> None:
        super().__init__()
        self.told: list[str] = []
        self._layout = layout

    @property
    def layout(self) -> DataDirectory:
        return self._layout

    def tell(self, progress: int, message: str, **data: Any) -> None:
        self.told.append(message)

    async def bring(self, commit: Commit) -> None:
        launch = Launch("ana", "one", commit, FOLDER, "image")
        person = ensure_person(self.layout, "ana")
        home = self.layout.home("ana")

        async def run(requests: tuple[Request, ...]) -> list[bytes]:
            return [await seeding.run(each, person) for each in requests]

        await self.bring_projects(launch, home, run)


@pytest.fixture
def layout() -> Iterator[DataDirectory]:
    """A data directory whose one home is a disk of 2 MiB."""
    if os.geteuid() != 0 or (problem := sandbox_missing()):
        pytest.skip("only root can mount a small disk" if os.geteuid() else problem)
    with TemporaryDirectory(prefix="bh-") as folder:
        Path(folder).chmod(0o711)
        layout = DataDirectory(Path(folder))
        person = ensure_person(layout, "ana")
        home = str(layout.home("ana"))
        options = f"size=2m,uid={person.uid},gid={person.uid},mode=700"
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", home])
        if made.returncode:
            pytest.skip("this machine lets not even root mount anything")
        try:
            yield layout
        finally:
            subprocess.run(["umount", home], check=True)


def grow(home: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m", str(home)], check=True)


def fetched(layout: DataDirectory, work: Path, content: bytes) -> Commit:
    """A commit of one file, kept as a bundle."""
    if not work.exists():
        work.mkdir()
        _git(work, "init", "-q", "-b", "main")
    (work / "a.bin").write_bytes(content)
    _git(work, "add", "-A")
    _git(work, "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "-m", "x")
    commit = Commit(REPO, "main", _git(work, "rev-parse", "HEAD"))
    bundle = layout.bundle(commit)
    bundle.parent.mkdir(parents=True, exist_ok=True)
    _git(work, "bundle", "create", "-q", str(bundle), "HEAD")
    return commit


async def test_an_update_that_does_not_fit(layout: DataDirectory, tmp_path: Path) -> None:
    small = fetched(layout, tmp_path / "work", b"small")
    large = fetched(layout, tmp_path / "work", os.urandom(3 << 20))
    spawner = Spawner(layout)
    await spawner.bring(small)
    project = layout.home("ana") / FOLDER
    (project / "mine").write_bytes(b"mine")
    await spawner.bring(large)
    assert "full" in spawner.told[-1] and "as they are" in spawner.told[-1]
    assert (project / "a.bin").read_bytes() == b"small"
    assert (project / "mine").read_bytes() == b"mine"
    # and once there is room, the next start does it
    grow(layout.home("ana"))
    await Spawner(layout).bring(large)
    assert (project / "a.bin").stat().st_size == 3 << 20
    assert (project / "mine").read_bytes() == b"mine"


async def test_a_first_launch_that_does_not_fit(layout: DataDirectory, tmp_path: Path) -> None:
    large = fetched(layout, tmp_path / "work", os.urandom(3 << 20))
    spawner = Spawner(layout)
    await spawner.bring(large)
    assert "full" in spawner.told[-1]
    project = layout.home("ana") / FOLDER
    assert list(project.iterdir()) == [] and project.stat().st_uid == project.parent.stat().st_uid
    # an empty folder gives way
    grow(layout.home("ana"))
    await Spawner(layout).bring(large)
    assert (project / "a.bin").stat().st_size == 3 << 20


def test_a_full_disk_by_the_words_of_programs() -> None:
    assert NoSpace.in_text("E: You don't have enough free space in /var/cache/apt/archives/.")
    assert not NoSpace.in_text("E: Unable to locate package space")
