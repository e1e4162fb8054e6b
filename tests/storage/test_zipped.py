"""A project as a zip archive: what people have, and nothing that a link leads to."""

from __future__ import annotations

import io
import os
from pathlib import Path
from zipfile import ZipFile

import pytest
from hostiletrees import make_deep

from binderhub_ext.storage.trees import TooDeep
from binderhub_ext.storage.zipped import zipped


def archive(root: Path) -> ZipFile:
    found = ZipFile(io.BytesIO(b"".join(zipped(root, "project"))))
    assert found.testzip() is None
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def test_all_files_are_in_it(tmp_path: Path, project: Path) -> None:
    (project / "data/Übung").mkdir(parents=True)
    large = os.urandom(3_000_000)
    (project / "data/Übung/large.bin").write_bytes(large)
    (project / "empty.txt").touch()
    (project / "old").write_text("x")
    os.utime(project / "old", (-1, -1))
    script = project / "run.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    (project / os.fsdecode(b"\xff.txt")).write_text("odd")
    found = archive(tmp_path)
    names = {"data/Übung/large.bin", "empty.txt", "old", "run.sh", "\N{REPLACEMENT CHARACTER}.txt"}
    assert set(found.namelist()) == names
    assert found.read("data/Übung/large.bin") == large
    assert found.getinfo("run.sh").external_attr >> 16 & 0o777 == 0o755
    assert found.getinfo("old").date_time == (1980, 1, 1, 0, 0, 0)


def test_nothing_else_is(tmp_path: Path, project: Path) -> None:
    (tmp_path / "secret").write_text("SECRET")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("SECRET")
    (project / "link").symlink_to("../secret")
    (project / "folder").symlink_to("../outside")
    os.mkfifo(project / "pipe")
    assert archive(tmp_path).namelist() == []


def test_no_name_leads_elsewhere_where_a_backslash_parts_folders(
    tmp_path: Path, project: Path
) -> None:
    (project / "..\\..\\evil.bat").write_text("x")
    (name,) = archive(tmp_path).namelist()
    assert name == "..\N{FULLWIDTH REVERSE SOLIDUS}..\N{FULLWIDTH REVERSE SOLIDUS}evil.bat"


def test_a_file_that_grows_ends(tmp_path: Path, project: Path) -> None:
    growing = project / "log"
    growing.write_bytes(b"x" * 2_500_000)
    got = b""
    for block in zipped(tmp_path, "project"):
        got += block
        if not block:
            continue
        with growing.open("ab") as log:
            log.write(b"y" * 2_000_000)
    assert ZipFile(io.BytesIO(got)).read("log") == b"x" * 2_500_000


@pytest.mark.usefixtures("cleared")
def test_folders_without_end_are_refused(tmp_path: Path, project: Path) -> None:
    make_deep(project)
    with pytest.raises(TooDeep):
        list(zipped(tmp_path, "project"))


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(zipped(tmp_path, "project"))
