"""Lock files of one small project with real versions and hashes, made by uv itself."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

from uv import find_uv_bin

PROJECT = """\
[project]
name = "course"
version = "1"
requires-python = ">=3.11"
dependencies = ["cowsay<6.1", "traitlets<5.14", "pywin32; sys_platform == 'win32'"]
[dependency-groups]
dev = ["iniconfig<2.1"]
[tool.uv]
environments = ["sys_platform == 'linux'", "sys_platform == 'win32'"]
"""
POETRY = """\
[tool.poetry.dependencies]
cowsay = "^6"
traitlets = "^5"
pywin32 = {version = "*", platform = "win32"}
[tool.poetry.group.dev.dependencies]
iniconfig = "*"
"""


def make_locks(folder: Path) -> dict[str, str]:
    """The project's locks by the names of the files.

    Args:
        folder: empty, for uv to work in.
    """
    (folder / "pyproject.toml").write_text(PROJECT)
    _run_uv(folder, "lock")
    lock = _in_public((folder / "uv.lock").read_text())
    exported = _run_uv(folder, "export", "--frozen", "--format=pylock.toml")
    return {"uv.lock": lock, "pylock.toml": _in_public(exported), "poetry.lock": _as_poetry(lock)}


def versions(lock: str) -> dict[str, str]:
    """What a lock of uv's has for this machine."""
    packages = tomllib.loads(lock)["package"]
    return {p["name"]: p["version"] for p in packages if p["name"] not in ("course", "pywin32")}


def _run_uv(folder: Path, *words: str) -> str:
    argv = [find_uv_bin(), *words, "--quiet"]
    return subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True).stdout


def _in_public(lock: str) -> str:
    """A lock as it is made without a mirror: the same files, at the public index."""
    return re.sub(r'(registry|index) = "[^"]*"', r'\1 = "https://pypi.org/simple"', lock)


def _as_poetry(lock: str) -> str:
    """What Poetry writes for the same packages."""
    lines = []
    for package in tomllib.loads(lock)["package"]:
        if "registry" in package["source"]:
            files = [*package.get("wheels", []), *filter(None, [package.get("sdist")])]
            hashes = ", ".join(f'{{file = "x", hash = "{one["hash"]}"}}' for one in files)
            lines += ["[[package]]", f'name = "{package["name"]}"', "optional = false"]
            lines += [f'version = "{package["version"]}"', f"files = [{hashes}]"]
            if package["name"] == "pywin32":
                lines += ["markers = \"sys_platform == 'win32'\""]
    return "\n".join([*lines, "[metadata]", 'lock-version = "2.1"', 'python-versions = ">=3.11"'])
