"""Environments kept by key: whole or not there, never removed while in use."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.bytecode import lend_bytecode, place_bytecode
from binderhub_ext.engines.local.sealing import seal
from binderhub_ext.engines.local.store import (
    RECORD,
    SERVER_LOCK,
    USED,
    Record,
    Store,
    read_record,
    remove_tree,
)

KEYS = [f"{n:032x}" for n in range(4)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "environments", tmp_path / "run")


def make(
    store: Store, key: str, *, unused: float = 0, size: int = 10_000, system: str = ""
) -> Record:
    path = store.begin(key)
    (path / "bin").mkdir()
    (path / "bin" / "python").write_bytes(os.urandom(size))
    total, own = seal(path)
    record = Record(
        key=key,
        kind="Python",
        files=("a",),
        path=str(path),
        prefix="/usr",
        builder="local 1",
        created=time.time(),
        repo="https://example.org/x",
        commit="0" * 40,
        provides=("lab",),
        size=total,
        own=own,
        system=system,
    )
    store.finish(record)
    last = time.time() - unused
    os.utime(path / USED, (last, last))
    return record


@contextmanager
def in_use(store: Store, key: str) -> Iterator[None]:
    """A read lock as bubblewrap's `--lock-file` holds it, in another process."""
    program = (
        "import fcntl, struct, sys; f = open(sys.argv[1]);"
        "fcntl.fcntl(f, fcntl.F_SETLK, struct.pack('hhqqi4x', fcntl.F_RDLCK, 0, 0, 0, 0));"
        "print(flush=True); sys.stdin.read()"
    )
    argv = [sys.executable, "-c", program, str(store.path(key) / SERVER_LOCK)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout
        server.stdout.readline()
        yield


def test_what_is_whole_is_found(store: Store) -> None:
    record = make(store, KEYS[0], unused=1000)
    assert store.find(KEYS[0]) == record
    assert time.time() - store.last_use(record) < 500
    assert store.find(KEYS[1]) is None


def test_half_an_environment_is_none(store: Store) -> None:
    path = store.begin(KEYS[0])
    (path / "bin").mkdir()
    assert store.find(KEYS[0]) is None
    assert store.records() == []
    assert store.sweep() == KEYS[:1]
    assert not path.exists()
    assert store.sweep() == []


async def test_a_build_that_runs_is_not_swept(store: Store) -> None:
    async with store.building(KEYS[0]):
        path = store.begin(KEYS[0])
        assert store.is_building(KEYS[0])
        assert store.sweep() == []
        assert path.exists()
    assert not store.is_building(KEYS[0])


async def test_builders_wait_for_each_other(store: Store) -> None:
    order: list[str] = []

    async def one(name: str) -> None:
        async with store.building(KEYS[0]):
            order.append(name)
            await asyncio.sleep(0.05)
            order.append(name)

    await asyncio.gather(one("a"), one("b"))
    assert order in (["a", "a", "b", "b"], ["b", "b", "a", "a"])


def test_a_moved_environment_is_none(store: Store) -> None:
    make(store, KEYS[0])
    store.path(KEYS[0]).rename(store.path(KEYS[1]))
    assert store.find(KEYS[1]) is None


@pytest.mark.parametrize("key", ["", "..", "a/b", "A" * 32, "0" * 31, "0" * 33, "../" + "0" * 29])
def test_only_keys_are_names(store: Store, key: str) -> None:
    with pytest.raises(ValueError, match="not an environment key"):
        store.path(key)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"key": 1}', "\0"])
def test_a_broken_record_is_none(store: Store, content: str) -> None:
    make(store, KEYS[0])
    file = store.path(KEYS[0]) / RECORD
    file.chmod(0o644)
    file.write_text(content)
    assert read_record(store.path(KEYS[0])) is None


def test_what_a_server_uses_stays(store: Store) -> None:
    make(store, KEYS[0])
    with in_use(store, KEYS[0]):
        assert not store.remove(KEYS[0])
        assert store.find(KEYS[0])
    assert store.remove(KEYS[0])
    assert not store.path(KEYS[0]).exists()
    assert store.remove(KEYS[0])


async def test_what_is_being_built_stays(store: Store) -> None:
    async with store.building(KEYS[0]):
        assert not store.remove(KEYS[0])


async def test_garbage_goes_by_age(tmp_path: Path) -> None:
    builder = LocalBuilder(data_dir=str(tmp_path), max_age=100)
    for key, unused in zip(KEYS, (50, 500, 900, 0), strict=True):
        make(builder.store, key, unused=unused)
    builder.store.begin("f" * 32)
    with in_use(builder.store, KEYS[2]):
        removed = await builder.collect_garbage()
    assert [image.name for image in removed] == [KEYS[1]]
    assert [image.name for image in await builder.images()] == [KEYS[2], KEYS[0], KEYS[3]]
    assert not builder.store.path("f" * 32).exists()


async def test_what_is_pinned_stays(tmp_path: Path) -> None:
    builder = LocalBuilder(data_dir=str(tmp_path), max_age=100, max_total_size=1_500_000)
    for key, unused in zip(KEYS, (50, 500, 900, 0), strict=True):
        make(builder.store, key, unused=unused, size=1_000_000)
    kept = {KEYS[2], KEYS[3]}
    removed = await builder.collect_garbage(kept)
    assert [image.name for image in removed] == [KEYS[1], KEYS[0]]
    assert {image.name for image in await builder.images()} == kept


async def test_garbage_goes_by_size(tmp_path: Path) -> None:
    builder = LocalBuilder(data_dir=str(tmp_path), max_total_size=2_500_000)
    for key, unused in zip(KEYS, (50, 500, 900, 0), strict=True):
        make(builder.store, key, unused=unused, size=1_000_000)
    assert [image.name for image in await builder.collect_garbage()] == [KEYS[2], KEYS[1]]


async def test_a_system_that_nobody_uses_any_more_costs_no_other_environment(
    tmp_path: Path,
) -> None:
    builder = LocalBuilder(data_dir=str(tmp_path), max_total_size=1_500_000)
    layer = builder.store.systems / "layers" / KEYS[3]
    layer.mkdir(parents=True)
    (layer / "program").write_bytes(os.urandom(2_000_000))
    make(builder.store, KEYS[0], unused=500, size=500_000, system=str(layer))
    make(builder.store, KEYS[1], unused=50, size=500_000)
    assert [image.name for image in await builder.collect_garbage()] == [KEYS[0]]


def test_shared_files_count_once(store: Store) -> None:
    make(store, KEYS[0], size=1_000_000)
    path = store.begin(KEYS[1])
    (path / "python").hardlink_to(store.path(KEYS[0]) / "bin" / "python")
    assert store.disk_usage() < 1_500_000


def test_a_build_leaves_no_rights_to_what_we_put_there_later(tmp_path: Path) -> None:
    entries = [(1, 7, -1), (2, 7, 1234), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
    rights = b"".join(struct.pack("<HHi", *entry) for entry in entries)
    try:
        os.setxattr(tmp_path, "system.posix_acl_default", struct.pack("<I", 2) + rights)
    except OSError:
        pytest.skip("this disk has no lists of rights")
    seal(tmp_path)
    tmp_path.chmod(0o755)
    later = tmp_path / "later"
    later.mkdir()
    assert os.listxattr(later) == []


def test_sealing(tmp_path: Path) -> None:
    path = tmp_path / "environment"
    (path / "a").mkdir(parents=True)
    (path / "a" / "plain").write_text("")
    (path / "a" / "plain").chmod(0o600)
    (path / "a" / "program").write_text("")
    (path / "a" / "program").chmod(0o4755)
    (path / "out").symlink_to("/etc")
    os.mkfifo(path / "fifo")
    (path / "hidden").mkdir(mode=0)
    seal(path)
    modes = {p.name: p.lstat().st_mode & 0o7777 for p in path.rglob("*") if not p.is_symlink()}
    assert modes == {"a": 0o555, "plain": 0o444, "program": 0o555, "hidden": 0o555}
    assert (path / "out").is_symlink()
    assert Path("/etc").stat().st_mode & 0o200
    remove_tree(path)
    assert not path.exists()


def test_a_build_cannot_choose_where_the_record_goes(store: Store, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    record = make(store, KEYS[0])
    path = store.begin(KEYS[0])
    (path / ".binder").symlink_to(elsewhere)
    (path / ".lock").symlink_to(elsewhere / "lock")
    seal(path)
    store.finish(record, {"start": b"x"})
    assert list(elsewhere.iterdir()) == []
    assert store.find(KEYS[0])


def test_bytecode_goes_into_the_environment_only(tmp_path: Path) -> None:
    environment, bytecode = tmp_path / "environment", tmp_path / "bytecode"
    root = bytecode / str(environment).lstrip("/")
    for folder in (environment / "lib", root / "lib" / "sub", root / "out", tmp_path / "elsewhere"):
        folder.mkdir(parents=True)
    (environment / "out").symlink_to(tmp_path / "elsewhere")
    for folder in ("lib", "lib/sub", "out"):
        (root / folder / "x.cpython-311.pyc").write_text("x")
    (root / "lib" / "link.pyc").symlink_to("/etc/passwd")
    place_bytecode(bytecode, environment)
    assert [p.name for p in (environment / "lib").rglob("*.pyc")] == ["x.cpython-311.pyc"]
    assert not list((tmp_path / "elsewhere").iterdir())


def test_bytecode_is_lent_for_shared_files_only(tmp_path: Path) -> None:
    model, environment = tmp_path / "model", tmp_path / "environment"
    for path in (model / "lib" / "__pycache__", environment / "lib"):
        path.mkdir(parents=True)
    for name in ("same", "other"):
        (model / "lib" / f"{name}.py").write_text("")
        (model / "lib" / "__pycache__" / f"{name}.cpython-311.pyc").write_text("")
    (environment / "lib" / "same.py").hardlink_to(model / "lib" / "same.py")
    (environment / "lib" / "other.py").write_text("")
    lend_bytecode(model, environment, tmp_path / "bytecode", link=True)
    assert [p.name for p in (tmp_path / "bytecode").rglob("*.pyc")] == ["same.cpython-311.pyc"]


def test_the_lock_is_what_bubblewrap_takes(store: Store) -> None:
    """fcntl locks, which are not flock's: both programs must mean the same."""
    make(store, KEYS[0])
    with (
        in_use(store, KEYS[0]),
        (store.path(KEYS[0]) / SERVER_LOCK).open("r+") as file,
        pytest.raises(BlockingIOError),
    ):
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
