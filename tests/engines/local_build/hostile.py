"""What hostile repositories are made of, and how to see that nothing came of them."""

from __future__ import annotations

import io
import marshal
import os
import stat
import zipfile
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

_HEAD = 16
"""Bytes of a `.pyc` before its code."""


EVIL_MODULE = """
import importlib.util, marshal, os, sys
source = importlib.util.find_spec("jupyter_server.serverapp").origin
target = importlib.util.cache_from_source(source)
os.makedirs(os.path.dirname(target), exist_ok=True)
code = compile("print('of eve')", source, "exec")
open(target, "wb").write(importlib.util.MAGIC_NUMBER + b"\\1" + bytes(11) + marshal.dumps(code))
"""
"""Bytecode that Python never compares with its source."""

IMPORTED = ("notebook_shim.py", "usercustomize.py", "jupyter_lsp/__init__.py", "typing.py")
"""Names by which the server's own packages import something that may be missing."""


def wheel(name: str, version: str, files: dict[str, str]) -> tuple[str, bytes]:
    """File name and content of a wheel with these files."""
    info = f"{name}-{version}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return f"{name}-{version}-py3-none-any.whl", content.getvalue()


def snapshot(folder: Path, *, without: Iterable[str] = ()) -> dict[str, tuple[Any, ...]]:
    """Kind, mode, owner and content of everything beneath a folder, by relative path.

    Args:
        without: names of files and folders that are left out.
    """
    left_out, root = set(without), str(folder)
    found = {"": _facts(root)}
    for path, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in left_out]
        for name in [*folders, *names]:
            if name not in left_out:
                file = f"{path}/{name}"
                found[file[len(root) + 1 :]] = _facts(file)
    return found


def _facts(path: str) -> tuple[Any, ...]:
    status = os.lstat(path)
    content = ""
    if stat.S_ISLNK(status.st_mode):
        content = os.readlink(path)  # noqa: PTH115  a hundred thousand files
    elif stat.S_ISREG(status.st_mode):
        content = _digest(path, (status.st_dev, status.st_ino, status.st_ctime_ns))
    return (status.st_mode, status.st_uid, status.st_gid, content)


_digests: dict[tuple[int, int, int], str] = {}


def _digest(path: str, inode: tuple[int, int, int]) -> str:
    """Of its content, which is read again only if the inode changed: nobody can set that time."""
    if inode not in _digests:
        _digests[inode] = sha256(Path(path).read_bytes()).hexdigest()
    return _digests[inode]


def dishonest_bytecode(environment: Path) -> list[Path]:
    """Bytecode of the server that is not what its source compiles to."""
    server = next(environment.glob("lib/python3.*/site-packages/jupyter_server"))
    found = list(server.glob("__pycache__/*.pyc"))
    assert any(compiled.name.startswith("serverapp.") for compiled in found)
    return [compiled for compiled in found if not _is_honest(compiled)]


def _is_honest(compiled: Path) -> bool:
    source = compiled.parent.parent / f"{compiled.name.partition('.')[0]}.py"
    code = marshal.loads(compiled.read_bytes()[_HEAD:])
    return bool(code == compile(source.read_bytes(), code.co_filename, "exec", dont_inherit=True))
