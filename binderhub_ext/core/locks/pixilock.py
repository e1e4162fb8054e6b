"""`pixi.lock` (https://pixi.sh/latest/workspace/lockfile/): its default environment. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..errors import BuildFailed
from . import pixi
from .condafile import CondaFile, CondaPart, conda_file, on, once, there
from .model import Locked, Pin, address, asking, counted, index, named, pin, place
from .refusals import refuse_format

NAME = "pixi.lock"
_FORMATS = ("5", "6", "7")
_ENVIRONMENT = "default"
_INDEX = "https://files.pythonhosted.org/"

_Table = Mapping[str, Any]


def locked(table: _Table, manifest: _Table) -> Locked:
    """What the lock installs.

    Args:
        manifest: see :func:`.pixi.manifest`.

    Raises:
        as :func:`.uvlock.locked`.
    """
    if table.get("version") not in _FORMATS:
        refuse_format(NAME, table.get("version"), int(_FORMATS[-1]))
    environment = table["environments"][_ENVIRONMENT]
    packages = {_where(package): package for package in counted(table["packages"])}
    wanted = environment["packages"]
    platforms = tuple(map(str, wanted))
    indexes = [line for url in environment.get("indexes", ()) for line in index(url)]
    lines: dict[str, None] = dict.fromkeys(indexes)
    files: dict[str, list[CondaFile]] = {platform: [] for platform in there(platforms)}
    pins: list[Pin] = []
    for platform, found in files.items():
        # each once, however often it is named: what it needs may be a long list
        for where, entry in {_where(entry): entry for entry in wanted[platform]}.items():
            package = {**entry, **packages[where]}
            if _is_pypi(entry):
                lines[_of_pypi(package, platform, pins)] = None
            else:
                found.append(_of_conda(package, platform))
    conda = CondaPart(
        platforms,
        {platform: once(each) for platform, each in files.items()},
        specs=pixi.specs(manifest, files),
        variables=pixi.variables(manifest),
    )
    return Locked(tuple(lines), tuple(pins), conda=conda)


def _where(entry: _Table) -> str:
    """What an entry of an environment and one of the list of packages have in common."""
    known = (entry.get(key) for key in ("conda", "pypi", "url", "path", "conda_source"))
    return next(str(text) for text in known if text)


def _is_pypi(entry: _Table) -> bool:
    return "pypi" in entry


def _of_conda(package: _Table, platform: str) -> CondaFile:
    url = package.get("conda", "")
    if not url or "://" not in url or url.startswith("git+"):
        raise BuildFailed(
            "pixi.lock has packages that are built from source, which is not done here. Use "
            "packages of a channel, or a Dockerfile."
        )
    return conda_file(url, package, package.get("depends", ()), platform)


def _of_pypi(package: _Table, platform: str, pins: list[Pin]) -> str:
    """The line for a package of Python; of an index, its pin is added."""
    url, name, where = str(package["pypi"]), named(package["name"]), on(platform)
    if "://" not in url:
        return place(url.removeprefix("./") or ".", editable=package.get("editable") == "true")
    if url.startswith("git+"):
        return f"{name} @ {_of_git(url)} ; {where}"
    digest = str(package["sha256"])
    if url.startswith(_INDEX):
        pins.append(pin(name, package["version"], where, [f"sha256:{digest}"]))
        return asking(name, (), where)
    checked = f" --hash=sha256:{address(digest)}"
    return f"{name} @ {address(url.removeprefix('direct+'))} ; {where}{checked}"


def _of_git(url: str) -> str:
    """`git+https://host/path?rev=asked&subdirectory=x#commit` as pip writes it."""
    parts = urlsplit(address(url))
    subdirectory = parse_qs(parts.query).get("subdirectory", [""])[0]
    below = f"#subdirectory={address(subdirectory)}" if subdirectory else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}@{address(parts.fragment)}{below}"
