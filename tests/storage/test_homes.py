"""Homes are made once, whole, and then left alone."""

import os
import threading
from pathlib import Path

import pytest
from smalldisk import leave_free, small_disk

from binderhub_ext.core.errors import Conflict
from binderhub_ext.core.launch import Files, Launch
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.storage.homes import (
    check_owner,
    ensure_home,
    ensure_mount_points,
    ensure_state,
)
from binderhub_ext.storage.mounts import PRIVATE, STATE_HOME, mounts_for


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


@pytest.fixture
def layout(tmp_path: Path) -> DataDirectory:
    return DataDirectory(tmp_path / "data")


def test_home_is_private_and_made_once(layout: DataDirectory) -> None:
    home = ensure_home(layout, "ann")
    (home / "file").write_text("mine")
    home.chmod(0o750)
    assert ensure_home(layout, "ann") == home == layout.home("ann")
    assert (home / "file").read_text() == "mine"
    assert home.stat().st_mode & 0o777 == 0o750
    assert names(layout.homes) == [home.name]


def test_new_home_is_private(layout: DataDirectory) -> None:
    old = os.umask(0)
    try:
        assert ensure_home(layout, "ann").stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(old)


def test_who_has_the_hash_of_another_gets_nothing_of_theirs(layout: DataDirectory) -> None:
    """Both names are `ana-x---6388caf2` in the data directory."""
    ana, other = "ana.__~.#x", "ana_ +@__x"
    (ensure_home(layout, ana) / "file").write_text("mine")
    assert layout.home(other) == layout.home(ana)
    for ask in (ensure_home, check_owner):
        with pytest.raises(Conflict, match="Ask the administrator for another name"):
            ask(layout, other)
    assert ensure_home(layout, ana) == layout.home(ana)


def test_a_home_of_an_earlier_version_is_whose_it_was(layout: DataDirectory) -> None:
    home = layout.home("ana@example.org")
    home.mkdir(parents=True)
    assert ensure_home(layout, "ana@example.org") == home
    check_owner(layout, "ana@example.org")


def test_a_full_disk_keeps_nobody_from_their_home(layout: DataDirectory) -> None:
    with small_disk(layout.root):
        for name in ("ana@example.org", "bo@example.org"):
            layout.home(name).mkdir(parents=True)
        check_owner(layout, "bo@example.org")
        leave_free(layout.root, 0)
        assert ensure_home(layout, "ana@example.org") == layout.home("ana@example.org")
        assert names(layout.homes / ".owners")[-1] == layout.home("bo@example.org").name


@needs_root
def test_owner_of_what_is_new_only(layout: DataDirectory) -> None:
    home = ensure_home(layout, "ann", 1234, 1235)
    assert (home.stat().st_uid, home.stat().st_gid) == (1234, 1235)
    ensure_home(layout, "ann", 4321, 4321)
    assert (home.stat().st_uid, home.stat().st_gid) == (1234, 1235)


def test_state_twice(layout: DataDirectory) -> None:
    for _ in range(2):
        state = ensure_state(layout, "ann", "projects/o/n")
        assert names(state) == sorted(["home", *PRIVATE])
    assert state == layout.state("ann", "projects/o/n")
    assert (state / ".local").stat().st_mode & 0o777 == 0o700


@needs_root
def test_state_stays_ours_and_its_parts_are_theirs(layout: DataDirectory) -> None:
    state = ensure_state(layout, "ann", "projects/o/n", 1234, 1234)
    assert state.stat().st_uid == state.parent.stat().st_uid == 0
    assert {(state / name).stat().st_uid for name in names(state)} == {1234}


@pytest.mark.parametrize("kind", ["link", "file"])
def test_never_through_a_link(layout: DataDirectory, tmp_path: Path, kind: str) -> None:
    (outside := tmp_path / "outside").mkdir(mode=0o755)
    layout.homes.mkdir(parents=True)
    if kind == "link":
        layout.home("ann").symlink_to(outside)
    else:
        layout.home("ann").touch()
    with pytest.raises(Conflict, match="is not a folder"):
        ensure_home(layout, "ann")
    assert outside.stat().st_mode & 0o777 == 0o755


def test_what_a_killed_attempt_left_is_taken_up(layout: DataDirectory) -> None:
    layout.homes.mkdir(parents=True)
    (layout.homes / ".making-ann").mkdir()
    ensure_home(layout, "ann")
    assert names(layout.homes) == [layout.home("ann").name]


def test_many_at_once_make_one(layout: DataDirectory) -> None:
    layout.homes.mkdir(parents=True)
    seen: list[int] = []

    def start() -> None:
        seen.append(ensure_home(layout, "ann").stat().st_ino)

    threads = [threading.Thread(target=start) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 16
    assert len(set(seen)) == 1


def project_launch(files: Files) -> Launch:
    return Launch("ann", "s", None, project="projects/owner/name", image="i", files=files)


@pytest.mark.parametrize("files", [Files.PROJECT, Files.HOME])
def test_places_of_mounts_belong_to_their_person(layout: DataDirectory, files: Files) -> None:
    uid = 54321 if os.geteuid() == 0 else None
    launch = project_launch(files)
    home = ensure_home(layout, "ann", uid, uid)
    state = ensure_state(layout, "ann", launch.project, uid, uid)
    for _ in range(2):
        ensure_mount_points(mounts_for(launch, layout), uid, uid)
    root = home if files is Files.HOME else state / STATE_HOME
    places = [*PRIVATE, *(("projects", "projects/owner/name") if files is Files.PROJECT else ())]
    assert {(root / place).stat().st_uid for place in places} == {uid or os.geteuid()}


@pytest.mark.parametrize("place", ["projects", "projects/owner", ".local"])
def test_no_place_of_a_mount_is_made_behind_a_link(
    layout: DataDirectory, tmp_path: Path, place: str
) -> None:
    launch = project_launch(Files.PROJECT)
    home = ensure_state(layout, "ann", launch.project) / STATE_HOME
    (tmp_path / "elsewhere").mkdir()
    (home / place).parent.mkdir(exist_ok=True)
    (home / place).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Conflict):
        ensure_mount_points(mounts_for(launch, layout))
    assert names(tmp_path / "elsewhere") == []


def test_nothing_kept_needs_no_places(layout: DataDirectory) -> None:
    ensure_mount_points(mounts_for(project_launch(Files.NONE), layout))
    assert not layout.root.exists()
