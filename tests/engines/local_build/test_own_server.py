"""An environment in which the server is not: what is found in it, and what a server is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import binderhub_ext.engines.local
from binderhub_ext.core.environment import Determination, environment_key
from binderhub_ext.engines.detect import Detection
from binderhub_ext.engines.local import trial, uv
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.condabuild import CondaPackages
from binderhub_ext.engines.local.environment import Python, python_version, server_environment
from binderhub_ext.engines.local.interpreters import Interpreter, serving_interpreter
from binderhub_ext.engines.local.server import NotTogether, contradiction, register_kernels
from binderhub_ext.engines.local.support import choose_interpreter

SITE = Path(binderhub_ext.engines.local.__file__).parent / "inside" / "site"
BASE = ("jupyterhub>=4.1,<7", "jupyterlab>=3", "notebook>=6.4", "ipykernel")


@pytest.mark.parametrize(
    ("installed", "asked"),
    [
        ({"notebook": "6.0.3", "six": "1"}, "notebook 6.0.3"),
        ({"jupyterhub": "7.0"}, "jupyterhub 7.0"),
        ({"jupyterlab": "4.0.0rc1", "notebook": "6.4", "ipykernel": "4"}, ""),
        ({}, ""),
    ],
)
def test_what_conda_has_that_no_server_can_use(installed: dict[str, str], asked: str) -> None:
    assert contradiction(BASE, installed) == asked


@pytest.mark.parametrize(
    ("version", "package", "asked"),
    [
        ("2.7", "six-1.0", "Python 2.7"),
        ("3.11", "notebook-6.0.3", "notebook 6.0.3"),
        ("3.11", "notebook-of", ""),
    ],
)
def test_what_conda_has_installed_is_not_replaced(
    version: str, package: str, asked: str, tmp_path: Path
) -> None:
    path = environment(tmp_path / "e", version)
    (path / f"lib/python{version}/site-packages/{package}.dist-info").mkdir()
    anything: Any = SimpleNamespace(environment=path)
    rest: dict[str, Any] = dict.fromkeys(("read", "step", "tell", "log"))
    for together in (True, False):
        packages = CondaPackages(anything, anything, "e.yml", BASE, together=together, **rest)
        try:
            packages._check_together()
            assert not (asked and together)
        except NotTogether as why:
            assert together and why.asked == asked


def environment(folder: Path, version: str) -> Path:
    (folder / "bin").mkdir(parents=True)
    for name in ("python", f"python{version}", "python3.1", "pythonx"):
        (folder / "bin" / name).touch()
    (folder / "lib" / f"python{version}" / "site-packages").mkdir(parents=True)
    (folder / "lib" / "python3.1").symlink_to(f"python{version}")
    return folder


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.11"])
def test_the_python_of_an_environment(version: str, tmp_path: Path) -> None:
    assert python_version(environment(tmp_path / "e", version)) == version
    assert python_version(tmp_path) == ""


def test_kernels_of_the_repository_are_the_servers(tmp_path: Path) -> None:
    """Its Python takes the place of the server's; what else it has is found, wherever that leads
    to in its own files. Nothing of the model is written to.
    """
    repository = environment(tmp_path / "e", "2.7")
    server = repository / ".server"
    native = server / "share/jupyter/kernels/python3"
    native.mkdir(parents=True)
    (tmp_path / "model.json").write_text("of everybody")
    (native / "kernel.json").hardlink_to(tmp_path / "model.json")
    kernels = repository / "share/jupyter/kernels"
    for name in ("python3", "bash", "..", "not a name"):
        (kernels / name).mkdir(parents=True, exist_ok=True)
    (kernels / "bash" / "kernel.json").write_text("{}")
    register_kernels(repository, server)
    spec = json.loads((native / "kernel.json").read_text())
    assert spec["argv"][:3] == [f"{repository}/bin/python", "-m", "ipykernel_launcher"]
    assert (tmp_path / "model.json").read_text() == "of everybody"
    found = {path.name: path.resolve() for path in native.parent.iterdir()}
    assert found == {"python3": native, "python2": native, "bash": kernels / "bash"}


@pytest.mark.parametrize("link", ["share", "share/jupyter/kernels"])
def test_no_link_of_the_repository_leads_to_kernels(link: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere/jupyter/kernels/evil").mkdir(parents=True)
    repository = environment(tmp_path / "e", "3.7")
    (repository / link).parent.mkdir(parents=True, exist_ok=True)
    (repository / link).symlink_to(tmp_path / "elsewhere")
    register_kernels(repository, repository / ".server")
    kernels = repository / ".server/share/jupyter/kernels"
    assert [path.name for path in kernels.iterdir()] == ["python3"]


def test_what_a_server_finds_that_is_apart(tmp_path: Path) -> None:
    """Programs of the repository come first. What a person installs is for its Python, by a pip
    that may be too old to be told so.
    """
    path = environment(tmp_path / "e", "3.6")
    python = Python.of(path, "/opt/python3.6")
    told = server_environment(path, path / ".server", python)
    assert told["PATH"].split(":")[:2] == [f"{path}/bin", f"{path}/.server/bin"]
    assert told["NB_PYTHON_PREFIX"] == f"{path}/.server"
    assert told["KERNEL_PYTHON_PREFIX"] == str(path)
    assert told["PIP_PREFIX"] == "/home/jovyan/.local" and "PIP_PYTHON" not in told
    together = server_environment(path, path, Python(path, "/usr", "3.11"))
    assert together["PATH"].split(":")[:2] == [f"{path}/bin", "/home/jovyan/.local/bin"]
    assert "PIP_PYTHON" in together and "PIP_PREFIX" not in together


@pytest.mark.parametrize("apart", [True, False])
def test_a_server_has_nothing_that_was_installed_for_its_kernel(
    apart: bool, tmp_path: Path
) -> None:
    (tmp_path / "of_a_person.py").touch()
    asked = "import importlib.util; print(bool(importlib.util.find_spec('of_a_person')))"
    env = {
        "PYTHONPATH": f"{SITE}:{SITE.parents[1]}/../inside:{tmp_path}",
        "BINDER_INSTALLED": str(tmp_path),
        "NB_PYTHON_PREFIX": sys.prefix,
        "KERNEL_PYTHON_PREFIX": "/kernel" if apart else sys.prefix,
    }
    argv = [sys.executable, "-B", "-c", asked]
    said = subprocess.run(argv, env=env, check=True, capture_output=True, text=True).stdout
    assert said.strip() == str(not apart)


def interpreter(version: tuple[int, int, int], path: str = "/p") -> Interpreter:
    return Interpreter(version, path, "/usr")


def test_which_python_serves() -> None:
    own = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    machine = [interpreter((3, 6, 15)), interpreter((3, 11, 1), own), interpreter((3, 12, 0))]
    assert [each.serves for each in machine] == [False, True, True]
    assert serving_interpreter("3.12", machine) is machine[2]
    assert serving_interpreter("3.6", machine) is serving_interpreter("3.99", machine) is machine[1]
    detection = Detection("PythonBuildPack", "", "3.6", "", (), (), False)
    assert choose_interpreter(detection, machine) is machine[0]


def test_keys_tell_only_what_is_known_before_a_build(tmp_path: Path) -> None:
    """Those of environments that were there before servers could be apart are the same."""
    builder = LocalBuilder(data_dir=str(tmp_path))
    detection = Detection("PythonBuildPack", "", "3.11", "", (), (), False)
    together = builder._decide(detection, interpreter((3, 11, 1)), "")
    assert together.environment.notes == ()
    assert together.environment.key == key(builder, interpreter((3, 11, 1)))
    apart = builder._decide(detection, interpreter((3, 7, 1)), "")
    assert apart.environment.key != key(builder, interpreter((3, 7, 1)))
    assert "it is the kernel" in apart.environment.notes[-1]


def key(builder: LocalBuilder, python: Interpreter) -> str:
    """As it was made before."""
    return environment_key(builder._ingredients(python.identity), Determination(()), "", "")


def test_what_is_compiled_has_to_find_its_libraries(tmp_path: Path) -> None:
    subprocess.run(uv.venv(sys.executable, tmp_path), check=True)
    assert subprocess.run(trial.libraries(tmp_path), check=False).returncode == 0
    (site,) = tmp_path.glob("lib/python3.*/site-packages")
    (site / "one.so").write_text("for another system")
    assert subprocess.run(trial.libraries(tmp_path), check=False).returncode
