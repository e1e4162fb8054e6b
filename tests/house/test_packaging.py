"""A wheel, installed into an empty environment, runs from any folder."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
import requests
from hubprocess import up
from packaging.requirements import Requirement
from patience import SOON

import binderhub_ext

ROOT = Path(binderhub_ext.__file__).parents[1]


def files_below(*folders: str) -> set[Path]:
    return {
        path.relative_to(ROOT)
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--installer", "uv", "--outdir", str(out)]
    # Through the source archive, as a release is.
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True, text=True)
    assert len(list(out.glob("*.tar.gz"))) == 1
    [wheel] = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("an environment") / "of its own"
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, home], check=True)
    python = home / "bin" / "python"
    # As its documentation says: with Node.js from the index where the machine has none.
    extra = "" if shutil.which("node") else "[node]"
    wanted = f"binder-at-home{extra} @ {wheel.as_uri()}"
    subprocess.run([uv, "pip", "install", "-q", "--python", python, wanted], check=True)
    return home


@pytest.mark.parametrize(
    ("name", "weak"),
    [
        # a hundred letters of a header keep it busy for ever, before anybody has signed in
        ("multipart", "1.3.0"),
        # a form may have any number of fields: seconds for a few megabytes, likewise
        ("tornado", "6.5.7"),
        # an answer of any host is unpacked at once, be it a thousand times as large
        ("aiohttp", "3.13.2"),
    ],
)
def test_no_library_is_taken_that_strangers_can_hold_up(name: str, weak: str) -> None:
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "setup.cfg")
    needed = map(Requirement, settings["options"]["install_requires"].strip().splitlines())
    [specifier] = [one.specifier for one in needed if one.name == name]
    assert not specifier.contains(weak) and specifier.contains(version(name))


def test_the_wheel_has_every_file(wheel: Path) -> None:
    packed = {Path(name) for name in zipfile.ZipFile(wheel).namelist()}
    assert files_below("binderhub_ext") <= packed
    [data] = {path.parents[-2] for path in packed if path.parent.name == "templates"}
    share = data / "data" / "share" / "binderhub_ext"
    assert {share / path for path in files_below("templates", "static")} <= packed


def test_it_runs_from_any_folder(environment: Path, tmp_path: Path, free_ports: int) -> None:
    program = environment / "bin" / "binder-at-home"
    version = subprocess.run([program, "--version"], cwd=tmp_path, capture_output=True, text=True)
    assert version.stdout.strip() == binderhub_ext.__version__

    python = str(environment / "bin" / "python")
    arguments = ["--engine", "local"]
    with (
        up(tmp_path / "data", free_ports, *arguments, cwd=tmp_path, python=python) as running,
        requests.Session() as browser,
    ):
        browser.trust_env = False
        service = f"{running.url}/services/binder"
        assert browser.get(f"{service}/health", timeout=SOON).json()["ok"] is True
        for path in files_below("static"):
            response = browser.get(f"{service}/{path}", timeout=SOON)
            assert response.content == (ROOT / path).read_bytes()
        assert running.stop() == 0
