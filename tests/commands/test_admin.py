"""`binder-at-home admin`: volumes by hand; everything backed up, deleted and restored."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tarfile
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hostiletrees import make_deep
from patience import SOON

from binderhub_ext.__main__ import main
from binderhub_ext.core.launch import Access
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.storage.homes import ensure_home, ensure_state
from binderhub_ext.storage.trash import list_trash
from binderhub_ext.storage.volumes import FILES, VolumeStore
from binderhub_ext.up.datadir import prepare

pytestmark = pytest.mark.usefixtures("cleared")


@pytest.fixture
def layout(tmp_path: Path) -> DataDirectory:
    layout = prepare(tmp_path / "data")
    for path in (layout.secrets / "ticket", layout.secrets / "cookie_secret"):
        path.write_text("secret")
        path.chmod(0o600)
    return layout


@pytest.fixture
def admin(layout: DataDirectory, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*argv: str, status: int = 0) -> str:
        assert main(["admin", "--data-dir", str(layout.root), *argv]) == status
        told = capsys.readouterr()
        return (told.err if status else told.out).strip()

    return run


def test_a_volume_by_hand(admin: Any, layout: DataDirectory) -> None:
    id = admin("volumes", "create", "--owner", "ann", "data")
    admin("volumes", "members", "data", "--user", "bob=ro", "--group", "lab=rw")
    admin("volumes", "members", id, "--user", "bob=none", "--user", "cat=rw")
    (listed,) = json.loads(admin("volumes", "list", "--json"))
    assert listed["users"] == {"cat": "rw"} and listed["groups"] == {"lab": "rw"}
    trashed = admin("volumes", "delete", "data")
    assert admin("volumes", "list") == ""
    assert trashed in admin("volumes", "list", "--deleted")
    assert admin("volumes", "restore", trashed) == id
    assert "cat:rw" in admin("volumes", "list")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["volumes", "create", "--owner", "ann", "../x"], "cannot be the name"),
        (["volumes", "members", "nothing"], "There is no volume"),
        (["volumes", "delete", "nothing"], "There is no volume"),
        (["volumes", "restore", "nothing"], "in the trash"),
        (["--data-dir", "/nowhere", "volumes", "list"], "no data directory"),
        (["restore", "/nowhere.tar"], "not empty"),
    ],
)
def test_refusals_in_words(admin: Any, argv: list[str], words: str) -> None:
    assert words in admin(*argv, status=1)


def fill(layout: DataDirectory) -> str:
    """Something of everything that must come back; returns the id of a volume."""
    root = os.geteuid() == 0
    home = ensure_home(layout, "ann", 200_000 if root else None, 200_000 if root else None)
    ensure_state(layout, "ann", "projects/o/n")
    (home / "project").mkdir()
    (home / "project" / "a.txt").write_text("hello")
    os.link(home / "project" / "a.txt", home / "project" / "same.txt")
    (home / "link").symlink_to("/etc/passwd")
    (home / b"caf\xe9".decode("utf-8", "surrogateescape")).write_text("old name")
    script = home / "run.sh"
    script.write_text("#!/bin/sh")
    script.chmod(0o755)
    with (home / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    os.utime(script, (1e9, 1e9))
    store = VolumeStore(layout)
    volume = store.create("data", "ann", 1.0)
    (layout.volumes / volume.id / FILES / "sub").mkdir()
    (layout.volumes / volume.id / FILES / "sub" / "x").write_text("shared")
    gone = store.create("gone", "ann", 1.0)
    store.delete(gone.id, "ann", 2.0)
    for database in (layout.hub_db, layout.binder_db):
        with sqlite3.connect(database) as connection:
            connection.execute("pragma journal_mode = wal")
            connection.execute("create table facts (name text, number integer)")
            connection.execute("insert into facts values ('trust', 1)")
        connection.close()
    (layout.environments / "big").mkdir()
    (layout.environments / "big" / "file").write_text("made again")
    return volume.id


def facts(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything that can be seen of the files that have to be as before."""
    found = {}
    for top in ("homes", "states", "volumes", "secrets", "trash"):
        for folder, folders, files in os.walk(root / top):
            for name in (".", *folders, *files):
                path = Path(folder, name)
                status = path.lstat()
                content: object = None
                if path.is_symlink():
                    content = path.readlink()
                elif path.is_file() and status.st_size < 1000:
                    content = path.read_bytes()
                acl = None
                if not path.is_symlink() and path.is_dir():
                    names = os.listxattr(path)
                    acl = {x: os.getxattr(path, x) for x in names if x.startswith("system.")}
                owner = (status.st_uid, status.st_gid)
                more = (status.st_size if files and name in files else 0, status.st_nlink)
                found[str(path.relative_to(root))] = (
                    oct(status.st_mode),
                    owner,
                    content,
                    acl,
                    more,
                )
    return found


@pytest.mark.parametrize("name", ["backup.tar", "backup.tar.gz"])
def test_everything_comes_back(
    admin: Any, layout: DataDirectory, tmp_path: Path, name: str
) -> None:
    id = fill(layout)
    before = facts(layout.root)
    archive = tmp_path / name
    admin("backup", str(archive))
    assert archive.stat().st_mode & 0o777 == 0o600 and archive.stat().st_size < 1 << 20
    with tarfile.open(archive) as tar:
        assert not any("environments" in member for member in tar.getnames())
    shutil.rmtree(layout.root)

    elsewhere = DataDirectory(tmp_path / "another machine" / "data")
    assert main(["admin", "--data-dir", str(elsewhere.root), "restore", str(archive)]) == 0
    prepare(elsewhere.root)
    assert facts(elsewhere.root) == before
    home = elsewhere.home("ann")
    assert (home / "project/a.txt").samefile(home / "project/same.txt")
    assert (home / "sparse").stat().st_blocks < 100 and (home / "run.sh").stat().st_mtime == 1e9
    for database in (elsewhere.hub_db, elsewhere.binder_db):
        with sqlite3.connect(database) as connection:
            assert connection.execute("select * from facts").fetchall() == [("trust", 1)]
        connection.close()
    store = VolumeStore(elsewhere)
    assert store.get(id).owner == "ann"
    assert store.restore(list_trash(elsewhere)[0].id, "ann").name == "gone"
    later = store.create("later", "ann", 3.0)
    assert later.gid not in {0, store.get(id).gid} or os.geteuid() != 0


def test_back_up_while_everything_is_written(
    admin: Any, layout: DataDirectory, tmp_path: Path
) -> None:
    """The database of one moment, and no failure by files that come and go."""
    fill(layout)
    stop = threading.Event()

    def write() -> None:
        connection = sqlite3.connect(layout.binder_db, isolation_level=None, timeout=SOON)
        number = 0
        while not stop.is_set():
            number += 1
            connection.execute("begin immediate")
            connection.execute("insert into facts values ('left', ?)", (number,))
            connection.execute("insert into facts values ('right', ?)", (number,))
            connection.execute("commit")
            file = layout.home("ann") / f"busy-{number % 7}"
            file.write_text("x" * number * 100)
            if number % 3 == 0:
                file.unlink()
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for turn in range(3):
            admin("backup", str(tmp_path / f"{turn}.tar"))
    finally:
        stop.set()
        thread.join()
    for turn in range(3):
        restored = DataDirectory(tmp_path / f"restored-{turn}")
        argv = ["admin", "--data-dir", str(restored.root), "restore", str(tmp_path / f"{turn}.tar")]
        assert main(argv) == 0
        connection = sqlite3.connect(restored.binder_db)
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        counts = dict(connection.execute("select name, count(*) from facts group by name"))
        connection.close()
        assert counts.get("left", 0) == counts.get("right", 0)
        assert (restored.home("ann") / "project" / "a.txt").read_text() == "hello"


def test_one_hostile_home_keeps_nobody_from_a_backup_that_can_be_restored(
    admin: Any, layout: DataDirectory, tmp_path: Path
) -> None:
    fill(layout)
    make_deep(layout.home("eve") / "deep")
    make_deep(layout.home("eve") / "long", 20, "n" * 255)
    (layout.home("eve") / "closed").mkdir(mode=0)
    (layout.home("eve") / "unreadable").touch(mode=0)
    os.mkfifo(layout.home("eve") / "pipe")
    archive = tmp_path / "b.tar"
    admin("backup", str(archive))
    assert archive.stat().st_size < 32 << 20
    restored = DataDirectory(tmp_path / "restored")
    assert main(["admin", "--data-dir", str(restored.root), "restore", str(archive)]) == 0
    assert (restored.home("ann") / "project" / "a.txt").read_text() == "hello"
    assert (restored.home("eve") / "deep/d/d/d").is_dir()


def test_restoring_overwrites_nothing(
    admin: Any, layout: DataDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "b.tar"
    admin("backup", str(archive))
    assert "is there already" in admin("backup", str(archive), status=1)
    assert "not empty" in admin("restore", str(archive), status=1)
    for what, content in (
        ("nothing.tar", None),
        ("text.tar", b"hello"),
        ("empty.tar", b"\0" * 1024),
    ):
        other = tmp_path / what
        if content is not None:
            other.write_bytes(content)
        target = tmp_path / f"new-{what}"
        assert main(["admin", "--data-dir", str(target), "restore", str(other)]) == 1
        assert "no backup" in capsys.readouterr().err
        assert not target.exists()


def test_volumes_made_by_root_are_open_to_their_group_alone() -> None:
    if os.geteuid() != 0:
        pytest.skip("the tests do not run as root")
    with TemporaryDirectory() as folder:
        store = VolumeStore(DataDirectory(Path(folder)))
        one, two = (store.create(name, "ann", 1.0) for name in ("one", "two"))
        assert one.gid != two.gid
        files = Path(folder, "volumes", one.id, FILES)
        assert (files.stat().st_gid, oct(files.stat().st_mode)) == (one.gid, "0o42770")
        assert oct(files.parent.stat().st_mode & 0o777) == "0o711"
        assert oct((files.parent / "volume.json").stat().st_mode & 0o777) == "0o600"
        store.delete(two.id, "ann", 1.0)
        shutil.rmtree(Path(folder, "trash"))
        assert store.create("three", "ann", 1.0).gid not in (one.gid, two.gid)
        assert store.get(one.id).users == {} and Access.RO == "ro"
