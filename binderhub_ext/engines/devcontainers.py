"""A repository's `devcontainer.json`: where it is, and whether it counts.

It does where nothing else says what to install: nothing that repo2docker reads, no lock file. What
it asks for is read as if the repository had it in files for repo2docker.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..core.devcontainer import FILE, FOLDER, NAME, DevContainer, read_devcontainer
from ..core.environment import Determination, Read
from ..core.sentences import Sentence

_PROJECT = "pyproject.toml"
"""Says nothing of what to install unless the repository is a package."""

_FOLDERS = 1_000


def devcontainer(
    checkout: Path, buildpack: str, binder_dir: str, determination: Determination, read: Read
) -> DevContainer | None:
    """What a repository asks for by its `devcontainer.json`, or `None` if it has none.

    One that does not count asks for nothing and says why.

    Args:
        buildpack, binder_dir, determination: of the repository without that.
        read: reads its files.

    Raises:
        BuildFailed: it cannot be read, or names what is no package.
    """
    paths = _places(checkout)
    if not paths:
        return None
    if first := _counts_first(buildpack, binder_dir, determination):
        text = "{path} does not count beside {files}"
        return DevContainer("", {}, (Sentence(text, path=paths[0], files=first),))
    content = read(paths[0])
    if len(paths) > 1 or content is None:
        text = "The repository has several files {name}, and none of them counts"
        return DevContainer("", {}, (Sentence(text, name=NAME),))
    return read_devcontainer(paths[0], content)


def with_files(read: Read, files: Mapping[str, str]) -> Read:
    """Reads a repository as if it had these files too."""
    contents = {name: text.encode() for name, text in files.items()}
    return lambda path: contents[path] if path in contents else read(path)


def _places(checkout: Path) -> list[str]:
    """Paths of the file that counts, or of several of which none does.

    Links are not followed: what is behind them may change without the entries that are remembered.
    """
    places = [path for path in (f"{FOLDER}/{NAME}", FILE) if _is_file(checkout, path)]
    if places or not (checkout / FOLDER).is_dir():
        return places[:1]
    names = sorted(path.name for path in (checkout / FOLDER).iterdir() if path.name.isprintable())
    paths = [f"{FOLDER}/{name}/{NAME}" for name in names[:_FOLDERS]]
    return [path for path in paths if _is_file(checkout, path)]


def _is_file(checkout: Path, path: str) -> bool:
    places = [checkout / path, *(checkout / path).parents][: len(Path(path).parts)]
    return places[0].is_file() and not any(place.is_symlink() for place in places)


def _counts_first(buildpack: str, binder_dir: str, determination: Determination) -> str:
    """The files that say what to install, if any do."""
    names = [name for name in determination.names if name != _PROJECT]
    if names:
        return ", ".join(names[:3])
    if determination.reasons and determination.names:
        return _PROJECT
    return f"{binder_dir}/" if binder_dir else "" if buildpack == "PythonBuildPack" else buildpack
