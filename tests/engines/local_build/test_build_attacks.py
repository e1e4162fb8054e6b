"""A fork of a repository, or a build of one's own, gets nothing into what others use.

The attacks are real builds. `hostile.py` has what they are made of, and how it is looked whether
anything came of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import dishonest_bytecode, snapshot, wheel
from looked_for import NAMES, WHEELS, content
from small_repositories import MakeSource, build

from binderhub_ext.core.environment import determine
from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.engines.detect import reader
from binderhub_ext.engines.detector import detect
from binderhub_ext.engines.local.build import LocalBuilder

pytestmark = pytest.mark.skipif(
    not shutil.which("bwrap"), reason="bubblewrap is missing: apt-get install bubblewrap"
)

DOCOPT = "docopt==0.6.2\n"
"""A package without a wheel: its own code runs when it is installed."""

FORKED_WHEEL, FORKED_BYTES = wheel(
    "docopt",
    "0.6.2",
    {"docopt.py": "print('of the fork')\n", "fork.pth": "import docopt\n"},
)

SETUP = """
import marshal, os, pathlib, sys
from setuptools import setup
setup(name="mine", version="1", py_modules=[])
"""


def planted(*names: str) -> dict[str, str | bytes]:
    """Hostile files of these names, and what their settings point to."""
    return {
        **{name: content(name) for name in names},
        f"{WHEELS}/{FORKED_WHEEL}": FORKED_BYTES,
    }


# --- what the key does not name ---------------------------------------------------------------


def determined(folder: Path, files: dict[str, str]) -> object:
    """What determines the environment of a repository with these files, or why it has none."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    try:
        found = detect(str(folder), "3.11", ["3.11"])
    except Exception as error:
        return error
    return determine(found["buildpack"], found["binder_dir"], reader(folder))


@pytest.fixture
def unnamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of files that do not change the key of a repository with a `requirements.txt`."""
    monkeypatch.chdir("/")
    original = {"requirements.txt": DOCOPT}
    expected = determined(tmp_path / "original", original)
    forks = ((name, {**original, name: content(name)}) for name in NAMES)
    return [name for name, files in forks if determined(tmp_path / name, files) == expected]


async def test_no_file_counts_that_the_key_does_not_name(
    unnamed: list[str], repository: MakeSource, builder: LocalBuilder
) -> None:
    """Every file programs look for changes the key, or nothing: both are built and compared."""
    assert {"pyproject.toml", "setup.py", "postBuild"}.isdisjoint(unnamed)
    assert {"uv.toml", "pip.conf", "sitecustomize.py", "setup.cfg", ".condarc"} <= set(unnamed)
    original = {"requirements.txt": DOCOPT}
    fork = repository({**original, **planted(*unnamed)})
    built = await build(builder, fork)
    environment = builder.store.path(built.image.name)
    of_fork = snapshot(environment, without=[".binder"])
    builder.store.remove(built.image.name)
    honest = await build(builder, repository(original))
    assert honest.image.name == built.image.name
    of_original = snapshot(environment, without=[".binder"])
    differing = {k for k in of_fork.keys() | of_original.keys() if of_fork.get(k) != of_original.get(k)}
    assert not differing
