"""Deleted is gone for the eye, whole in the trash, and only its own."""

import os
import subprocess
import sys
import time
from pathlib import Path, PurePosixPath

import pytest
from hostiletrees import make_deep
from patience import SOON

from binderhub_ext.core.errors import Conflict, NotFound
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.storage import trash
from binderhub_ext.storage.homes import ensure_home
from binderhub_ext.storage.trash import doom_old, empty_trash, list_trash, move_to_trash, restore

pytestmark = pytest.mark.usefixtures("cleared")

NOW = 1_700_000_000.0
DAY = 24 * 3600.0
PROJECT = PurePosixPath("projects/o/n")


@pytest.fixture
def layout(tmp_path: Path) -> DataDirectory:
    return DataDirectory(tmp_path / "data")


@pytest.fixture
def path(layout: DataDirectory) -> PurePosixPath:
    """A project of Ann's with a file in it, relative to `homes`."""
    home = ensure_home(layout, "ann")
    (home / PROJECT).mkdir(parents=True)
    (home / PROJECT / "file").write_text("mine")
    return PurePosixPath(home.name) / PROJECT


def delete(layout: DataDirectory, path: PurePosixPath, now: float = NOW) -> str:
    return move_to_trash(layout, layout.homes, path, owner="ann", now=now).id


def keep_house(layout: DataDirectory, before: float, now: float) -> list[str]:
    """Two days of it; gives what was doomed."""
    doomed = [doom_old(layout, before, now), doom_old(layout, before, now + DAY)]
    empty_trash(layout, now + DAY)
    return [thing.id for things in doomed for thing in things]


def test_delete_and_restore(layout: DataDirectory, path: PurePosixPath) -> None:
    id = delete(layout, path)
    assert not (layout.homes / path).exists()
    assert [(t.id, t.owner, t.path, t.time) for t in list_trash(layout, "ann")] == [
        (id, "ann", str(path), NOW)
    ]
    assert restore(layout, id, "ann") == path
    assert (layout.homes / path / "file").read_text() == "mine"
    assert list(layout.trash.iterdir()) == []


def test_delete_twice_is_told(layout: DataDirectory, path: PurePosixPath) -> None:
    delete(layout, path)
    with pytest.raises(NotFound):
        delete(layout, path)
    assert len(list_trash(layout)) == 1


def test_same_name_may_be_deleted_again_and_both_are_kept(
    layout: DataDirectory, path: PurePosixPath
) -> None:
    first = delete(layout, path)
    (layout.homes / path).mkdir()
    second = delete(layout, path, NOW + 1)
    assert [thing.id for thing in list_trash(layout)] == [second, first]


def test_nobody_else_sees_or_restores_it(layout: DataDirectory, path: PurePosixPath) -> None:
    id = delete(layout, path)
    assert list_trash(layout, "bob") == []
    with pytest.raises(NotFound):
        restore(layout, id, "bob")
    assert layout.trash.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("id", ["", "..", "../homes", "nothing", "a/b"])
def test_hostile_ids(layout: DataDirectory, path: PurePosixPath, id: str) -> None:
    delete(layout, path)
    with pytest.raises(NotFound):
        restore(layout, id, "ann")


@pytest.mark.parametrize("there", ["file", "folder"])
def test_restore_replaces_nothing(layout: DataDirectory, path: PurePosixPath, there: str) -> None:
    id = delete(layout, path)
    if there == "file":
        (layout.homes / path).write_text("new")
    else:
        (layout.homes / path).mkdir()
    with pytest.raises(Conflict, match="Something else"):
        restore(layout, id, "ann")
    assert len(list_trash(layout)) == 1


def test_restore_makes_the_way_again_for_its_owner(
    layout: DataDirectory, path: PurePosixPath
) -> None:
    if os.geteuid() == 0:
        os.chown(layout.home("ann"), 1234, 1235)
    id = delete(layout, path)
    (layout.homes / path).parent.rmdir()
    (layout.homes / path).parent.parent.rmdir()
    restore(layout, id, "ann")
    assert (layout.homes / path).parent.stat().st_uid == layout.home("ann").stat().st_uid


@pytest.mark.parametrize("at", ["projects", "projects/o", "projects/o/n"])
def test_links_are_not_followed(
    layout: DataDirectory, path: PurePosixPath, tmp_path: Path, at: str
) -> None:
    outside = tmp_path / "outside"
    (outside / "o/n").mkdir(parents=True)
    (outside / "n").mkdir()
    place = layout.home("ann") / at
    place.rename(tmp_path / "away")
    place.symlink_to(outside)
    with pytest.raises(NotFound):
        delete(layout, path)
    assert (outside / "o/n").is_dir()
    assert (outside / "n").is_dir()


def test_restore_does_not_follow_links(
    layout: DataDirectory, path: PurePosixPath, tmp_path: Path
) -> None:
    (outside := tmp_path / "outside").mkdir()
    id = delete(layout, path)
    (layout.home("ann") / "projects/o").rmdir()
    (layout.home("ann") / "projects/o").symlink_to(outside)
    with pytest.raises(Conflict):
        restore(layout, id, "ann")
    assert list(outside.iterdir()) == []


def test_emptied_after_its_time(layout: DataDirectory, path: PurePosixPath) -> None:
    old = delete(layout, path)
    (layout.homes / path).mkdir()
    young = delete(layout, path, NOW + 10)
    assert keep_house(layout, NOW + 5, NOW + 30 * DAY) == [old]
    assert [entry.name for entry in layout.trash.iterdir()] == [young]
    assert keep_house(layout, NOW + 5, NOW + 32 * DAY) == []


def test_a_clock_that_jumps_takes_nothing(layout: DataDirectory, path: PurePosixPath) -> None:
    """Forward by a year and back, as often as it likes, and backward from the day of deletion."""
    id = delete(layout, path)
    for now in (NOW + 365 * DAY, NOW + DAY, NOW + 366 * DAY, NOW + 2 * DAY, NOW - 400 * DAY):
        assert doom_old(layout, now - 30 * DAY, now) == []
        empty_trash(layout, now)
    assert restore(layout, id, "ann") == path
    # a laptop that is on for an hour every week
    id = delete(layout, path)
    weeks = [doom_old(layout, NOW + 7 * n * DAY - 30 * DAY, NOW + 7 * n * DAY) for n in range(8)]
    assert [[thing.id for thing in things] for things in weeks] == [[]] * 6 + [[id], []]


@pytest.mark.parametrize("hostile", ["deep", "closed", "wide"])
def test_one_hostile_folder_keeps_nobody_from_having_theirs_removed(
    layout: DataDirectory, path: PurePosixPath, hostile: str
) -> None:
    if hostile == "deep":
        make_deep(layout.homes / path)
    elif hostile == "wide":
        for number in range(3000):
            (layout.homes / path / str(number)).touch()
    else:
        (layout.homes / path / "a/b").mkdir(parents=True)
        (layout.homes / path / "a").chmod(0)
    delete(layout, path)
    (layout.homes / path).mkdir()
    delete(layout, path, NOW + 1)
    assert len(keep_house(layout, NOW + 5, NOW + 30 * DAY)) == 2
    assert list(layout.trash.iterdir()) == []


def test_what_cannot_be_removed_is_told_and_keeps_nothing_else(
    layout: DataDirectory,
    path: PurePosixPath,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stuck = delete(layout, path)
    (layout.homes / path).mkdir()
    delete(layout, path, NOW + 1)
    really = trash.remove_beneath
    monkeypatch.setattr(
        trash, "remove_beneath", lambda root, name: name != stuck and really(root, name)
    )
    keep_house(layout, NOW + 5, NOW + 30 * DAY)
    assert [entry.name for entry in layout.trash.iterdir()] == [stuck]
    assert f"Removing {stuck} from the trash failed" in caplog.text


def test_emptying_spares_what_links_point_to(
    layout: DataDirectory, path: PurePosixPath, tmp_path: Path
) -> None:
    (precious := tmp_path / "precious").mkdir()
    (precious / "file").write_text("mine")
    (layout.homes / path / "link").symlink_to(precious)
    delete(layout, path)
    keep_house(layout, NOW + 1, NOW + 30 * DAY)
    assert (precious / "file").read_text() == "mine"


def test_what_a_killed_delete_left(layout: DataDirectory, path: PurePosixPath) -> None:
    """Killed before the move: nothing is in the trash, and the rest goes in time."""
    (layout.trash / "1-x").mkdir(parents=True)
    (layout.trash / "2-y").mkdir()
    (layout.trash / "2-y/about.json").write_text("{")
    os.utime(layout.trash / "1-x", (0, 0))
    os.utime(layout.trash / "2-y", (NOW, NOW))
    assert list_trash(layout) == []
    empty_trash(layout, NOW + 3600)
    assert [entry.name for entry in layout.trash.iterdir()] == ["2-y"]


def test_what_a_killed_emptying_left_is_not_restored(
    layout: DataDirectory, path: PurePosixPath
) -> None:
    id = delete(layout, path)
    (layout.trash / id / "content").rename(layout.trash / id / "doomed")
    assert list_trash(layout) == []
    with pytest.raises(NotFound):
        restore(layout, id, "ann")
    empty_trash(layout, 0)
    assert list(layout.trash.iterdir()) == []


SWAPPER = """
import os, sys
home, outside = sys.argv[1:]
os.chdir(home)
print("ready", flush=True)
steps = (
    lambda: os.rename("projects/o", "projects/real"),
    lambda: os.symlink(outside, "projects/o"),
    lambda: os.unlink("projects/o"),
    lambda: os.rename("projects/real", "projects/o"),
)
while True:
    # A step that fails because we came in between must not end the game.
    for step in steps:
        try:
            step()
        except OSError:
            pass
"""


def test_race_with_a_hostile_process(
    layout: DataDirectory, path: PurePosixPath, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    (outside / "n").mkdir(parents=True)
    (outside / "n/precious").write_text("mine")
    argv = [sys.executable, "-c", SWAPPER, str(layout.home("ann")), str(outside)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline()
        done = tried = 0
        deadline = time.monotonic() + SOON
        while tried < 300 or (not done and time.monotonic() < deadline):
            tried += 1
            try:
                restore(layout, delete(layout, path), "ann")
                done += 1
            except (NotFound, Conflict):
                for thing in list_trash(layout):
                    try:
                        restore(layout, thing.id, "ann")
                    except (NotFound, Conflict):
                        continue
        process.kill()
    assert [p.name for p in outside.iterdir()] == ["n"]
    assert (outside / "n/precious").read_text() == "mine"
    assert done
