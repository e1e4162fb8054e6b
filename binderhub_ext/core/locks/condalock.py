"""`conda-lock.yml` (https://conda.github.io/conda-lock/output/#unified-lockfile). Pure.

What is installed is what `conda-lock install` installs: the categories `main` and `dev`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .condafile import CondaFile, CondaPart, conda_file, on, once, there
from .model import Locked, Pin, address, asking, counted, named, pin
from .refusals import refuse_format

NAME = "conda-lock.yml"
_FORMAT = "1"
_WANTED = ("main", "dev")
_INDEX = "https://files.pythonhosted.org/"


def locked(table: Mapping[str, Any], _project: Mapping[str, Any]) -> Locked:
    """What the lock installs; see :func:`.uvlock.locked`."""
    if table.get("version") != _FORMAT:
        refuse_format(NAME, table.get("version"), int(_FORMAT))
    platforms = tuple(map(str, table["metadata"]["platforms"]))
    files: dict[str, list[CondaFile]] = {platform: [] for platform in there(platforms)}
    lines: dict[str, None] = {}
    pins: list[Pin] = []
    for package in counted(table["package"]):
        platform = package["platform"]
        if platform not in files or package.get("category", _WANTED[0]) not in _WANTED:
            continue
        if package["manager"] == "pip":
            lines[_of_pip(package, platform, pins)] = None
            continue
        needs = package.get("dependencies", {}).items()
        depends = [f"{name} {version}".strip() for name, version in needs]
        files[platform].append(conda_file(package["url"], package["hash"], depends, platform))
    conda = CondaPart(platforms, {platform: once(each) for platform, each in files.items()})
    return Locked(tuple(lines), tuple(pins), conda=conda)


def _of_pip(package: Mapping[str, Any], platform: str, pins: list[Pin]) -> str:
    """The line for a package of pip; of the index, its pin is added."""
    name, url, where = named(package["name"]), address(package["url"]), on(platform)
    if url.startswith("git+"):
        return f"{name} @ {url} ; {where}"
    digest = f"sha256:{address(package['hash']['sha256'])}"
    if url.startswith(_INDEX):
        pins.append(pin(name, package["version"], where, [digest]))
        return asking(name, (), where)
    return f"{name} @ {url} ; {where} --hash={digest}"
