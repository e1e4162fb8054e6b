"""Below a directory somebody else controls: no link is followed, at no moment."""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import pytest
from patience import SOON

from binderhub_ext.beneath import (
    beneath,
    exists_beneath,
    lstat_beneath,
    mkdir_beneath,
    open_beneath,
    open_file,
    parts_of,
    read_beneath,
    rename_new,
    write_beneath,
)

SWAPPER = """
import os, sys
inside, outside = sys.argv[1:]
os.chdir(inside)
print("ready", flush=True)
while True:
    os.rename("a/b", "a/real"); os.symlink(outside, "a/b")
    os.unlink("a/b"); os.rename("a/real", "a/b")
"""


@contextmanager
def swapping(inside: Path, outside: Path) -> Iterator[None]:
    """A process that turns `a/b` into a link to `outside` and back as fast as it can."""
    command = [sys.executable, "-c", SWAPPER, str(inside), str(outside)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        (".", []),
        ("", []),
        (PurePosixPath("a/b"), [b"a", b"b"]),
        (b"a/\xff", [b"a", b"\xff"]),
        ("a\nb/-c", [b"a\nb", b"-c"]),
    ],
)
def test_plain_relative_paths(path: str, parts: list[bytes]) -> None:
    assert parts_of(path) == parts


@pytest.mark.parametrize("path", ["/etc", "a/../b", "..", "a//b", "a/./b", "a/", "a\0b"])
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="plain relative path"):
        parts_of(path)


def test_open_needs_the_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_beneath(tmp_path, "a")


def test_open_creates_on_request_twice(tmp_path: Path) -> None:
    for _ in range(2):
        mkdir_beneath(tmp_path, "a/b/c", 0o700)
    assert (tmp_path / "a/b/c").stat().st_mode & 0o777 == 0o700


def test_a_descriptor_serves_as_root_and_stays_open(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    with beneath(tmp_path, "a") as root, beneath(root, "b") as directory:
        assert os.path.samestat(os.fstat(directory), (tmp_path / "a/b").stat())
        os.fstat(root)


@pytest.mark.parametrize("path", ["link", "link/b", "dir/link", "file", "dir/up"])
@pytest.mark.parametrize("create", [False, True])
def test_links_and_files_are_not_directories(tmp_path: Path, path: str, create: bool) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (outside / "b").mkdir(parents=True)
    (root / "dir").mkdir(parents=True)
    (root / "link").symlink_to(outside)
    (root / "dir/link").symlink_to(outside / "new")
    (root / "dir/up").symlink_to("..")
    (root / "file").touch()
    with pytest.raises(NotADirectoryError):
        open_beneath(root, path, create=create)
    assert [p.name for p in outside.iterdir()] == ["b"]


def test_descriptors_are_closed_also_after_errors(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in ("a", "a/b/../c", "x"):
        with pytest.raises((OSError, ValueError)):
            open_beneath(tmp_path, path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_exists_sees_dangling_links_but_does_not_pass_them(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "up").symlink_to(".")
    assert exists_beneath(tmp_path, "link")
    assert not exists_beneath(tmp_path, "up/link")
    assert not exists_beneath(tmp_path, "nothing/below")
    assert lstat_beneath(tmp_path, ".") is not None


def test_read_and_write(tmp_path: Path) -> None:
    write_beneath(tmp_path, "a", b"one")
    write_beneath(tmp_path, "a", b"two")
    assert read_beneath(tmp_path, "a") == b"two"
    assert read_beneath(tmp_path, "a", 1) == b"t"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_write_replaces_a_link_and_spares_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "record").symlink_to("precious")
    (tmp_path / "record.new").symlink_to("precious")
    write_beneath(tmp_path, "record", b"ours")
    assert (tmp_path / "precious").read_text() == "mine"
    assert not (tmp_path / "record").is_symlink()


def test_read_refuses_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe")
    for name, code in (("link", errno.ELOOP), ("pipe", errno.EINVAL), (".", errno.EINVAL)):
        with beneath(tmp_path, ".") as directory, pytest.raises(OSError) as error:
            open_file(directory, name.encode())
        assert error.value.errno == code
    with pytest.raises(FileNotFoundError):
        read_beneath(tmp_path, "link/x")


def test_race_with_a_hostile_process(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    (inside / "a/b").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret").write_text("secret")
    opened = refused = 0
    with swapping(inside, outside):
        least, most = (time.monotonic() + seconds for seconds in (1.5, SOON))
        # what it meets depends on who has the processor
        while time.monotonic() < (least if opened and refused else most):
            try:
                with beneath(inside, "a/b") as directory:
                    assert not exists_beneath(directory, "secret")
                opened += 1
            except (NotADirectoryError, FileNotFoundError):
                refused += 1
            assert lstat_beneath(inside, "a/b/secret") is None
    assert opened and refused


@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_renamed_but_never_onto_something(tmp_path: Path, there: str) -> None:
    (tmp_path / "mine").write_text("mine")
    place = tmp_path / "place"
    if there == "file":
        place.touch()
    elif there == "folder":
        place.mkdir()
    else:
        place.symlink_to("nowhere")
    with beneath(tmp_path, ".") as folder:
        with pytest.raises(FileExistsError):
            rename_new(folder, b"mine", folder, b"place")
        with pytest.raises(FileNotFoundError):
            rename_new(folder, b"nothing", folder, b"free")
        rename_new(folder, b"mine", folder, b"free")
    assert (tmp_path / "free").read_text() == "mine"
