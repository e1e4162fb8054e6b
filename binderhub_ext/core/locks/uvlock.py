"""`uv.lock` (https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile). Pure.

What is asked for is what `uv sync` installs: the project's own dependencies and its default groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from packaging.utils import canonicalize_name

from .model import Locked, Pin, address, asking, counted, either, index, named, pin, place
from .refusals import refuse_format

NAME = "uv.lock"
_FORMAT = 1
_LOCAL = ("virtual", "editable", "directory", "path")
_DEFAULT_GROUPS = ("dev",)

_Package = Mapping[str, Any]


def locked(table: Mapping[str, Any], project: Mapping[str, Any]) -> Locked:
    """What the lock installs.

    Args:
        table: of the lock.
        project: of the `pyproject.toml` beside it.

    Raises:
        BuildFailed: it is of another version of the format.
        ValueError, TypeError, KeyError, AttributeError: it is no lock.
    """
    if table.get("version") != _FORMAT:
        refuse_format(NAME, table.get("version"), _FORMAT)
    packages = counted(table.get("package", []))
    roots = [package for package in packages if _is_root(package)]
    lines = [line for root in roots for line in _asked(root, _groups(root, project))]
    # Without a project in the lock's own folder, uv's workspace is all there is.
    members = [] if roots else [package for package in packages if _place_of(package)]
    reached = _reached([*roots, *members], packages, project)
    indexes: dict[str, None] = {}
    pins: list[Pin] = []
    for package in reached:
        source = package["source"]
        if "registry" in source:
            indexes |= dict.fromkeys(_indexes(source["registry"]))
            pins.append(_pin(package))
        elif package not in roots:
            lines += _elsewhere(package, project)
    return Locked(
        asked=(*indexes, *dict.fromkeys(lines)),
        pins=tuple(pins),
        python=str(table.get("requires-python", "")),
        environments=tuple(str(marker) for marker in table.get("supported-markers", ())),
        elsewhere=frozenset(
            canonicalize_name(package["name"])
            for package in reached
            if "registry" not in package["source"]
        ),
    )


def _is_root(package: _Package) -> bool:
    return _place_of(package) == "."


def _place_of(package: _Package) -> str:
    """Where in the repository a package lies; empty for one that comes from elsewhere."""
    return next((str(package["source"][kind]) for kind in _LOCAL if kind in package["source"]), "")


def _groups(package: _Package, project: Mapping[str, Any]) -> list[str]:
    """The groups of a package that are installed without being named."""
    known = package.get("dev-dependencies", {})
    wanted = project.get("tool", {}).get("uv", {}).get("default-groups", _DEFAULT_GROUPS)
    return [group for group in known if wanted == "all" or group in wanted]


def _needs(package: _Package, groups: Iterable[str], extras: Iterable[str]) -> Iterator[_Package]:
    yield from package.get("dependencies", ())
    for group in groups:
        yield from package["dev-dependencies"][group]
    for extra in extras:
        yield from package.get("optional-dependencies", {}).get(extra, ())


def _asked(package: _Package, groups: Iterable[str]) -> list[str]:
    return [
        asking(need["name"], need.get("extra", ()), need.get("marker", ""))
        for need in _needs(package, groups, ())
    ]


def _reached(
    roots: list[_Package], packages: list[_Package], project: Mapping[str, Any]
) -> list[_Package]:
    """Those packages that roots need, somewhere or other, and the roots."""
    by_name: dict[str, list[_Package]] = {}
    for package in packages:
        by_name.setdefault(named(package["name"]), []).append(package)
    seen: dict[tuple[str, str], None] = {}
    waiting = [(str(root["name"]), "") for root in roots]
    own = {name for name, _ in waiting}
    while waiting:
        if (here := waiting.pop()) in seen:
            continue
        seen[here] = None
        name, extra = here
        for package in by_name.get(name, ()):
            groups = _groups(package, project) if name in own else ()
            for need in _needs(package, groups, [extra] if extra else []):
                waiting += [
                    (str(need["name"]), str(further)) for further in ("", *need.get("extra", ()))
                ]
    names = {name for name, _ in seen}
    return [package for package in packages if package["name"] in names]


def _indexes(registry: str) -> list[str]:
    """Lines for where a package comes from."""
    return index(registry) if "://" in registry else [f"--find-links ./{address(registry)}"]


def _pin(package: _Package) -> Pin:
    files = [*package.get("wheels", ()), *filter(None, [package.get("sdist")])]
    hashes = dict.fromkeys(file["hash"] for file in files if file.get("hash"))
    where = either(package.get("resolution-markers", ()))
    return pin(package["name"], package["version"], where, hashes)


def _elsewhere(package: _Package, project: Mapping[str, Any]) -> list[str]:
    """Lines for a package that comes from no index."""
    source = package["source"]
    if "git" in source:
        return [f"{named(package['name'])} @ {_of_git(source['git'])}"]
    if "url" in source:
        hashes = [file["hash"] for file in package.get("wheels", ()) if "hash" in file]
        hashes += [package["sdist"]["hash"]] if "hash" in package.get("sdist", {}) else []
        checked = "".join(f" --hash={address(digest)}" for digest in hashes)
        return [f"{named(package['name'])} @ {address(source['url'])}{checked}"]
    if "virtual" in source:
        return _asked(package, ())
    return [place(_place_of(package), editable="editable" in source)]


def _of_git(url: str) -> str:
    """uv's `https://host/path?rev=asked&subdirectory=x#commit` as pip writes it."""
    parts = urlsplit(address(url))
    subdirectory = parse_qs(parts.query).get("subdirectory", [""])[0]
    below = f"#subdirectory={address(subdirectory)}" if subdirectory else ""
    return f"git+{parts.scheme}://{parts.netloc}{parts.path}@{parts.fragment}{below}"
