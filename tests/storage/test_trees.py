"""Deep, wide, closed and hostile trees: gone over and removed, and nothing besides."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import pytest
from hostiletrees import DEEP, make_deep

from binderhub_ext.storage.trees import (
    empty_beneath,
    folders_beneath,
    folders_in,
    remove_beneath,
    remove_tree,
)

pytestmark = pytest.mark.usefixtures("cleared")

WIDE = 5_000
NOBODY = 65534


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Be an ordinary user, whose folders that are; modes mean nothing to root."""
    if os.geteuid():
        yield
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    for parent in folder.parents:
        if parent.owner() == "root" and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o111)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def found(folder: Path, **options: bool) -> set[str]:
    told = set()
    for one in folders_in(folder, **options):
        above = PurePosixPath(one.path)
        told |= {str(above), *(str(above / entry.name) for entry in one.entries)}
    return told


def test_every_folder_and_file_once(tmp_path: Path) -> None:
    for name in ("a/b/c", "a/d", "e"):
        (tmp_path / "tree" / name).mkdir(parents=True)
    (tmp_path / "tree/a/file").touch()
    (tmp_path / "tree/link").symlink_to(tmp_path)
    names = ["a", "a/b", "a/b/c", "a/d", "a/file", "e", "link"]
    assert found(tmp_path / "tree") == {".", *names}
    # also for whoever looks at no entry
    assert len(list(folders_in(tmp_path / "tree"))) == 6


def test_deep(tmp_path: Path) -> None:
    make_deep(tmp_path / "tree")
    depths = [one.path.count("/") for one in folders_in(tmp_path / "tree")]
    assert len(depths) == DEEP + 1 and max(depths) == DEEP - 1
    assert len(os.listdir("/proc/self/fd")) < 60  # noqa: PTH208
    assert remove_tree(tmp_path / "tree")
    assert list(tmp_path.iterdir()) == []


def test_siblings_on_the_way_back_from_the_deep(tmp_path: Path) -> None:
    """Folders that were closed on the way down are found again on the way up."""
    here = tmp_path / "tree"
    for _ in range(200):
        here /= "d"
        here.mkdir(parents=True)
        (here.parent / "sibling").mkdir()
    assert len(found(tmp_path / "tree")) == 401


def test_wide(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    for number in range(WIDE):
        (tmp_path / "tree" / str(number)).touch()
    assert len(found(tmp_path / "tree")) == WIDE + 1
    assert remove_tree(tmp_path / "tree")


def test_closed_folders(tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "tree"
    for name in ("open/closed/in it", "no way through", "only to read/in it"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").touch()
    with as_nobody(tmp_path / "mine"):
        (folder / "open/closed").chmod(0)
        (folder / "no way through").chmod(0)
        (folder / "only to read").chmod(0o400)
        folder.chmod(0o500)
        assert "open" in found(folder) and "open/closed/in it" not in found(folder)
        assert remove_tree(folder)
    assert list((tmp_path / "mine").iterdir()) == []


def test_force_opens_what_is_ours(tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "tree"
    (folder / "closed/in it").mkdir(parents=True)
    with as_nobody(tmp_path / "mine"):
        (folder / "closed").chmod(0)
        assert "closed/in it" in found(folder, force=True)


def test_links_and_what_they_point_to_stay(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").touch()
    (tmp_path / "tree/in").mkdir(parents=True)
    for place in ("link", "tree/link", "tree/in/link"):
        (tmp_path / place).symlink_to(tmp_path / "precious")
    with pytest.raises(NotADirectoryError):
        found(tmp_path / "link")
    assert remove_tree(tmp_path / "link") and remove_tree(tmp_path / "tree")
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
    assert (tmp_path / "precious/file").exists()


def test_places_that_are_none(tmp_path: Path) -> None:
    assert remove_tree(tmp_path / "nothing") and remove_tree(tmp_path / "nothing" / "here")
    (tmp_path / "file").touch()
    assert remove_tree(tmp_path / "file" / "below") and remove_tree(tmp_path / "file")
    for path in ("..", ".", "a/../b", "/etc"):
        with pytest.raises(ValueError):
            remove_beneath(tmp_path, path)
    for name in ("-rf", "a b\\n", "\udcff"):
        (tmp_path / name / "in").mkdir(parents=True)
        assert remove_tree(tmp_path / name)


def test_a_folder_is_emptied_and_stays(tmp_path: Path) -> None:
    (tmp_path / "tree/in/it").mkdir(parents=True)
    (tmp_path / "tree/file").touch()
    assert empty_beneath(tmp_path / "tree")
    assert list((tmp_path / "tree").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_what_is_mounted_stays(tmp_path: Path) -> None:
    """A home that a container sees is mounted in a folder of ours, from the same disk."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home/file").touch()
    (tmp_path / "run/a b/mounts").mkdir(parents=True)
    mount = ["mount", "--bind", str(tmp_path / "home"), str(tmp_path / "run/a b/mounts")]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        assert not remove_tree(tmp_path / "run")
    finally:
        subprocess.run(["umount", str(tmp_path / "run/a b/mounts")], check=True)
    assert (tmp_path / "home/file").exists()
    assert remove_tree(tmp_path / "run")


def test_a_folder_that_is_moved_away_meanwhile(tmp_path: Path) -> None:
    make_deep(tmp_path / "tree", 100)
    (tmp_path / "elsewhere/precious").mkdir(parents=True)
    with pytest.raises(OSError, match="moved away"):
        for number, _ in enumerate(folders_in(tmp_path / "tree")):
            if number == 100:
                place = tmp_path.joinpath("tree", *["d"] * 20)
                place.rename(tmp_path / "elsewhere" / "d")
                assert any(tmp_path.joinpath("elsewhere").iterdir())


SWAPPER = """
import os, sys
tree, outside = sys.argv[1:]
os.chdir(tree)
print("ready", flush=True)
steps = (
    lambda: os.rename("a", "b"), lambda: os.symlink(outside, "a"), lambda: os.unlink("a"),
    lambda: os.mkdir("b"), lambda: os.mkdir("b/c"), lambda: os.rename("b", "a"),
)
while True:
    for step in steps:
        try:
            step()
        except FileNotFoundError:
            if not os.path.exists("../here"):
                sys.exit()
        except OSError:
            pass
"""


def test_race_with_a_process_that_swaps_folders_and_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "c").mkdir(parents=True)
    (outside / "c/precious").touch()
    (tmp_path / "here").touch()
    (tmp_path / "tree").mkdir()
    argv = [sys.executable, "-c", SWAPPER, str(tmp_path / "tree"), str(outside)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline()
        for _ in range(50):
            for one in folders_beneath(tmp_path, "tree", force=True):
                assert "precious" not in {entry.name for entry in one.entries}
            empty_beneath(tmp_path / "tree")
        for _ in range(50):
            if remove_beneath(tmp_path, "tree"):
                break
        (tmp_path / "here").unlink()
        process.kill()
    assert (outside / "c/precious").exists()
