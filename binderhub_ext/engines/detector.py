"""repo2docker's own detection, run as a program of its own.

A subprocess because the detection changes the working directory and imports half of
repo2docker. Prints one JSON object. Reads files of the repository, runs none of them.

Usage: python -m binderhub_ext.engines.detector FOLDER DEFAULT_PYTHON AVAILABLE,… MEMORY
"""

from __future__ import annotations

import json
import os
import resource
import sys
import warnings
from types import ModuleType
from typing import Any

_OF_PYTHON = (
    "PythonBuildPack",
    "PipfileBuildPack",
    "RBuildPack",
    "JuliaProjectTomlBuildPack",
)
"""Names of the buildpacks that decide on a Python."""

_UNUSED = (
    *("docker", "docker.utils", "docker.utils.build", "jinja2", "requests"),
    *("pythonjsonlogger", "repo2docker.contentproviders"),
)
"""What repo2docker imports only to fetch, to render and to build; it takes longer than the rest."""


class _Unused(ModuleType):
    """Stands for a module of which detection uses nothing."""

    def __getattr__(self, name: str) -> type[Exception]:
        if name.startswith("__"):
            raise AttributeError(name)
        # Some are named as what is caught.
        return type(name, (Exception,), {})


def leave_out() -> None:
    """Have this process load nothing of repo2docker's that detection does not use."""
    sys.modules.update((name, _Unused(name)) for name in _UNUSED)


def take_in() -> None:
    """Have it load all of repo2docker after all, which a later one may need."""
    for name in [*sys.modules]:
        if name in _UNUSED or name.partition(".")[0] == "repo2docker":
            del sys.modules[name]


def detect(folder: str, default_python: str, available: list[str]) -> dict[str, Any]:
    """What repo2docker would build.

    Args:
        folder: the repository's files.
        default_python: stands in for repo2docker's own default where the repository does not
            name a version.
        available: versions to choose from when `requires-python` excludes the default,
            lowest first.
    """
    warnings.simplefilter("ignore")
    from repo2docker.app import Repo2Docker
    from repo2docker.buildpacks.conda import CondaBuildPack
    from repo2docker.buildpacks.python import PythonBuildPack

    CondaBuildPack.major_pythons = {"2": "2.7", "3": default_python}
    sys.modules[PythonBuildPack.__module__].SUPPORTED_PYTHON_VERSION = available  # type: ignore[attr-defined]
    app = Repo2Docker()
    os.chdir(folder)
    for pack in app.buildpacks:
        picked = pack(base_image=app.base_image)
        if picked.detect():
            break
    else:
        picked = app.default_buildpack(base_image=app.base_image)
    return _describe(picked)


def _describe(picked: Any) -> dict[str, Any]:
    runtime = getattr(picked, "runtime", (None, None, None))
    kind = type(picked).__name__
    python = picked.python_version if kind in _OF_PYTHON else ""
    return {
        "buildpack": kind,
        "binder_dir": getattr(picked, "binder_dir", ""),
        "python": python or "",
        "runtime": "-".join(str(part) for part in runtime if part),
    }


def note_reads(paths: list[str]) -> None:
    """Have a list get the files that this process opens by names relative to where it is."""

    def hear(event: str, facts: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(facts[0], str) and not facts[0].startswith("/"):
            paths.append(os.path.normpath(facts[0]))

    sys.addaudithook(hear)


def main() -> None:
    folder, default_python, available, memory = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    paths: list[str] = []
    note_reads(paths)
    asked = folder, default_python, available.split(",")
    leave_out()
    try:
        try:
            answer = detect(*asked)
        except MemoryError:
            raise
        except Exception:
            take_in()
            answer = detect(*asked)
    except MemoryError:
        answer = {"error": "MemoryError: reading its files takes more memory than there is for it"}
    except Exception as error:  # anything a hostile file makes repo2docker's parsers raise
        answer = {"error": f"{type(error).__name__}: {error}"[:1000]}
        # Others are of what there is and not of what it was reading.
        if paths and not isinstance(error, RuntimeError):
            answer["file"] = paths[-1]
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
