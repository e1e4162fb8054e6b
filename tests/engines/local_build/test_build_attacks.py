"""A fork of a repository, or a build of one's own, gets nothing into what others use.

The attacks are real builds. `hostile.py` has what they are made of, and how it is looked whether
anything came of them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hostile import EVIL_MODULE, IMPORTED, dishonest_bytecode, snapshot, wheel
from looked_for import NAMES, WHEELS, content
from small_repositories import MakeSource, build

from binderhub_ext.core.environment import determine
from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.engines.configuration import reader
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


def planted(*names: str) -> dict[str, str | bytes]:
    """Hostile files of these names, and what their settings point to."""
    return {
        **{name: content(name) for name in names},
        f"{WHEELS}/{FORKED_WHEEL}": FORKED_BYTES,
    }


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
    assert of_fork == of_original


async def test_no_module_of_a_repository_runs_in_the_trial(
    repository: MakeSource, builder: LocalBuilder
) -> None:
    """Who has no configuration files makes the environment that all others begin from."""
    source = repository(dict.fromkeys(IMPORTED, EVIL_MODULE))
    model = await builder.plan(source)
    assert model.key == (await builder.plan(repository({}))).key
    builder.store.remove(model.key)
    built = await build(builder, source)
    assert not dishonest_bytecode(builder.store.path(built.image.name))


SETUP = """
import os
os.unlink("/srv/repo/postBuild")
os.symlink({canary!r}, "/srv/repo/postBuild")
from setuptools import setup
setup(name="mine", version="1", py_modules=[])
"""

POST_BUILD = """#!/usr/bin/env python3
import contextlib, glob, os, shutil, sys
canary, module = {canary!r}, {module!r}
def put(path):
    with contextlib.suppress(OSError):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)
        os.symlink(canary, path)
scratch = os.path.dirname(os.environ["TMPDIR"])
site = glob.glob(sys.prefix + "/lib/python3.*/site-packages")[0]
own = os.path.expanduser("~/.local/lib/python%d.%d/site-packages" % sys.version_info[:2])
os.makedirs(own)
for folder in (own, "/srv/repo"):
    for name in ("usercustomize.py", "sitecustomize.py", "notebook_shim.py"):
        open(os.path.join(folder, name), "w").write(module)
for name in ("bytecode", "made", "own", "wanted", "repo", "home", "cache", "tmp", "empty"):
    put(os.path.join(scratch, name))
for name in ("share/man", ".lock", ".binder", "share/linked"):
    put(os.path.join(sys.prefix, name))
for name in ("jupyter_server/__pycache__", "jupyterlab/__pycache__", "linked", "tornado/test"):
    put(os.path.join(site, name))
os.makedirs("/srv/repo/data")
for name in ("data/linked", "linked"):
    put(os.path.join("/srv/repo", name))
open("/srv/repo/data/made.txt", "w").write("made")
print("planted")
"""


@pytest.fixture
def canary(builder: LocalBuilder) -> Path:
    """Another person's home, which only root can open."""
    home = builder.layout.homes / "ana"
    (home / "secrets").mkdir(parents=True, exist_ok=True)
    (home / "secrets" / "key").write_text("of ana")
    for path in (home / "secrets" / "key", home / "secrets", home):
        path.chmod(0o600 if path.is_file() else 0o700)
    return home


async def test_a_hostile_build_leaves_everything_shared_as_it_was(
    repository: MakeSource, builder: LocalBuilder, canary: Path
) -> None:
    """Environments, the cache they are made from, plans and homes: byte for byte."""
    await build(builder, repository({}))
    await build(builder, repository({"requirements.txt": "six==1.16.0\n"}))
    hostile = POST_BUILD.format(canary=str(canary), module=EVIL_MODULE)
    swapped = {"setup.py": SETUP.format(canary=str(canary / "secrets")), "postBuild": "true\n"}
    fork = {"requirements.txt": "six==1.16.0\n", **planted("uv.toml"), "postBuild": hostile}
    sources = [repository(fork), repository(swapped)]
    plans = [await builder.plan(source) for source in sources]
    own = [plan.key for plan in plans]
    # Our own uv notes anew what the index says; what is in packages lies in `archive`.
    lists = [path.name for path in builder.cache.iterdir() if "archive" not in path.name]
    assert len(lists) < len(list(builder.cache.iterdir()))
    changing = [*own, *lists, "used"]
    before = snapshot(Path(builder.data_dir), without=changing)

    built = await build(builder, sources[0])
    assert "planted" in built.log
    record = builder.store.find(built.image.name)
    assert record and record.made
    assert "repo/data/made.txt" in snapshot(record.made)
    assert "linked" not in str(snapshot(record.made).keys())
    with pytest.raises(BuildFailed):
        await build(builder, sources[1])
    assert snapshot(Path(builder.data_dir), without=changing) == before
