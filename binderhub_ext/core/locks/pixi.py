"""`pixi.toml` (https://pixi.sh/latest/reference/pixi_manifest/): what its default environment has.

Pure. Taken as it is where nothing is locked; with a lock it says what that has to fulfil. What is
for tasks, for other environments and for building packages is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from packaging.specifiers import SpecifierSet

from ..errors import BuildFailed
from ..tomltext import parse_toml
from .condafile import CondaPart, on, spec, there
from .model import Locked, address, asking, index, named, place

NAME = "pixi.toml"
_FAMILIES = ("unix", "linux")
_KINDS = ("build-dependencies", "host-dependencies", "dependencies")
"""All are in one environment; of two that name a package the later counts."""

_SOURCES = ("git", "path", "url")

_Table = Mapping[str, Any]


def manifest(content: bytes | None, project: _Table) -> _Table:
    """The tables of a manifest, or those that `pyproject.toml` has in its place.

    Raises:
        BuildFailed: it cannot be read.
    """
    if content is None:
        found = project.get("tool", {}).get("pixi", {})
        return found if isinstance(found, dict) else {}
    try:
        return parse_toml(content)
    except ValueError as error:
        raise BuildFailed(
            "pixi.toml cannot be read ({error}). Correct it in the repository.", error=error
        ) from error


def locked(content: bytes, _project: _Table) -> Locked:
    """What the default environment asks for; nothing of it is locked."""
    tables = manifest(content, {})
    workspace = tables.get("workspace") or tables.get("project") or {}
    platforms = tuple(map(_platform, workspace.get("platforms", ())))
    features = _features(tables)
    channels = [channel for each in (workspace, *features) for channel in each.get("channels", ())]
    conda = CondaPart(
        platforms,
        specs=specs(tables, there(platforms)),
        channels=tuple(dict.fromkeys(map(_channel, channels))),
        variables=variables(tables),
    )
    return Locked(tuple(_of_pypi(features, there(platforms))), (), conda=conda)


def specs(tables: _Table, platforms: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """What the default environment asks of conda on each platform."""
    features = _features(tables)
    return {
        platform: tuple(
            spec(_of_conda(name, entry))
            for feature in features
            for name, entry in _wanted(feature, platform).items()
        )
        for platform in platforms
    }


def variables(tables: _Table) -> dict[str, str]:
    """What a server finds in its environment."""
    found: dict[str, str] = {}
    for feature in _features(tables):
        set_there = feature.get("activation", {}).get("env", {})
        found |= {str(name): str(value) for name, value in set_there.items()}
    return found


def _features(tables: _Table) -> list[_Table]:
    """The tables that make up the default environment."""
    wanted = tables.get("environments", {}).get("default", ())
    fields = wanted if isinstance(wanted, dict) else {"features": wanted}
    own = [] if fields.get("no-default-feature") else [tables]
    return own + [tables["feature"][name] for name in dict.fromkeys(fields.get("features", ()))]


def _wanted(feature: _Table, platform: str) -> dict[str, Any]:
    """What a feature asks for by name, with what it asks for on a platform alone in its place."""
    targets = feature.get("target", {})
    found: dict[str, Any] = {}
    for table in (feature, *(targets.get(name, {}) for name in (*_FAMILIES, platform))):
        for kind in _KINDS:
            found |= table.get(kind, {})
    return found


def _of_conda(name: str, entry: Any) -> str:
    if isinstance(entry, str):
        return named(name) if entry in ("", "*") else f"{named(name)} {entry}"
    if any(source in entry for source in _SOURCES):
        raise BuildFailed(
            "pixi.toml asks for {name} to be built from source, which is not done here. Ask for a "
            "package of a channel, or use a Dockerfile.",
            name=named(name),
        )
    words = [f"{key}='{entry[key]}'" for key in ("version", "build", "channel") if key in entry]
    if any("'" in str(entry.get(key, "")) for key in ("version", "build", "channel")):
        raise ValueError(f"a quotation mark in what {name} has to be")
    return f"{named(name)}[{','.join(words)}]" if words else named(name)


def _of_pypi(features: list[_Table], platforms: list[str]) -> Iterator[str]:
    """Lines that ask for packages of Python; what one platform alone wants has a marker."""
    for feature in features:
        options = feature.get("pypi-options", {})
        for url in (options.get("index-url"), *options.get("extra-index-urls", ())):
            yield from index(url) if url else ()
        for name, entry in feature.get("pypi-dependencies", {}).items():
            yield _line(name, entry, "")
        for target, table in feature.get("target", {}).items():
            where = "" if target in _FAMILIES else on(target) if target in platforms else None
            if where is not None:
                for name, entry in table.get("pypi-dependencies", {}).items():
                    yield _line(name, entry, where)


def _line(name: str, entry: Any, where: str) -> str:
    fields = {"version": entry} if isinstance(entry, str) else entry
    end = f" ; {where}" if where else ""
    if path := fields.get("path"):
        return place(path, editable=bool(fields.get("editable")))
    if git := fields.get("git"):
        ref = next((fields[key] for key in ("rev", "tag", "branch") if fields.get(key)), "")
        below = (
            f"#subdirectory={address(fields['subdirectory'])}" if "subdirectory" in fields else ""
        )
        return f"{named(name)} @ git+{address(git)}{f'@{address(ref)}' if ref else ''}{below}{end}"
    if url := fields.get("url"):
        return f"{named(name)} @ {address(url)}{end}"
    version = "" if fields.get("version", "*") == "*" else str(fields["version"])
    limited = asking(name, fields.get("extras", ()))
    return f"{limited}{_versions(version)}{end}"


def _versions(text: str) -> str:
    """What versions are asked for; one alone means exactly that one."""
    return str(SpecifierSet(text if not text[:1].isdigit() else f"=={text}"))


def _platform(entry: Any) -> str:
    return str(entry["platform"] if isinstance(entry, dict) else entry)


def _channel(entry: Any) -> str:
    return spec(entry["channel"] if isinstance(entry, dict) else entry)
