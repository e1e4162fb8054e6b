"""repo2docker's detection, what is refused, and what is remembered."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from small_repositories import Files, MakeSource, build

from binderhub_ext.core.environment import FOLDERS, NAMES, Read, determine
from binderhub_ext.core.errors import BuildFailed, Unsupported
from binderhub_ext.core.locks import Target, find_lock
from binderhub_ext.core.sentences import Sentence
from binderhub_ext.engines import configuration, detect, detector
from binderhub_ext.engines.containers.planning import Recipe, repo2docker_pythons
from binderhub_ext.engines.detect import Ask, Detection, Detector
from binderhub_ext.engines.local import conda, detecting, onebuild, rlang, support
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.channels import Channels
from binderhub_ext.engines.local.interpreters import Interpreter, find_interpreters
from binderhub_ext.engines.local.rbuild import Installing
from binderhub_ext.engines.local.systems import obstacle

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
LOCK = """\
version = 1
requires-python = ">=3.8"
[[package]]
name = "x"
version = "1"
source = { virtual = "." }
"""
CONDA_LOCK = "version: 1\nmetadata: {}\npackage: []\n"
POETRY = 'package = []\n[metadata]\nlock-version = "2.0"\npython-versions = ">=3.8"\n'
PIXI = '[workspace]\nchannels = ["conda-forge"]\nplatforms = ["linux-64", "linux-aarch64"]\n'
PACKAGE = '[project]\nname = "x"\nversion = "1"\n[build-system]\nrequires = ["setuptools"]\n'


def write(folder: Path, files: Files) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert isinstance(content, str)
        if content.startswith("-> "):
            path.symlink_to(content[3:])
        else:
            path.write_text(content)
    return folder


# files, buildpack, folder of the configuration, Python
DETECTED = [
    ({}, "PythonBuildPack", "", "3.11"),
    ({"requirements.txt": "x"}, "PythonBuildPack", "", "3.11"),
    ({"binder/requirements.txt": "x"}, "PythonBuildPack", "binder", "3.11"),
    ({".binder/requirements.txt": "x", "Dockerfile": "x"}, "PythonBuildPack", ".binder", "3.11"),
    ({"binder/start": "x", "Dockerfile": "x"}, "PythonBuildPack", "binder", "3.11"),
    ({"runtime.txt": "python-3.12"}, "PythonBuildPack", "", "3.12"),
    ({"runtime.txt": "python-3"}, "PythonBuildPack", "", "3.11"),
    ({"runtime.txt": "python-3.11.4"}, "PythonBuildPack", "", "3.11.4"),
    ({"runtime.txt": "python-2.7"}, "PythonBuildPack", "", "2.7"),
    ({"pyproject.toml": PACKAGE + ""}, "PythonBuildPack", "", "3.11"),
    (
        {"pyproject.toml": PACKAGE.replace('name = "x"', 'name = "x"\nrequires-python = ">3.11"')},
        "PythonBuildPack",
        "",
        "3.13",
    ),
    ({"setup.py": ""}, "PythonBuildPack", "", "3.11"),
    ({"Pipfile": '[requires]\npython_version = "3.12"\n'}, "PipfileBuildPack", "", "3.12"),
    ({"Pipfile.lock": "{}"}, "PipfileBuildPack", "", "3.11"),
    ({"environment.yml": "dependencies: []"}, "CondaBuildPack", "", ""),
    ({"environment.yml": "", "requirements.txt": "x"}, "CondaBuildPack", "", ""),
    ({"runtime.txt": "r-4.4-2025-01-01"}, "RBuildPack", "", "3.11"),
    ({"DESCRIPTION": "Package: x", "runtime.txt": "python-3.12"}, "RBuildPack", "", "3.12"),
    ({"default.nix": "", "requirements.txt": "x"}, "NixBuildPack", "", ""),
    ({"Project.toml": "", "requirements.txt": "x"}, "JuliaProjectTomlBuildPack", "", "3.11"),
    ({"REQUIRE": ""}, "JuliaRequireBuildPack", "", ""),
    ({"Dockerfile": "FROM x", "environment.yml": ""}, "DockerBuildPack", "", ""),
]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """repo2docker, asked in this process, which costs a tenth of one of its own."""
    _, pythons = repo2docker_pythons()
    conda, python = (sys.modules[f"repo2docker.buildpacks.{name}"] for name in ("conda", "python"))
    monkeypatch.chdir(".")
    monkeypatch.setattr(conda.CondaBuildPack, "major_pythons", {})
    monkeypatch.setattr(python, "SUPPORTED_PYTHON_VERSION", pythons)

    async def answer(checkout: Path, words: Sequence[str]) -> str:
        return json.dumps(detector.detect(str(checkout), words[0], words[1].split(",")))

    return answer


@pytest.mark.parametrize(("files", "buildpack", "folder", "python"), DETECTED)
async def test_detection(
    files: dict[str, str], buildpack: str, folder: str, python: str, tmp_path: Path, ask: Ask
) -> None:
    detector = Detector(tmp_path / "plans", "3.11", ["3.10", "3.11", "3.12", "3.13"], ask)
    found = await detector.detect("tree", write(tmp_path / "repo", files))
    assert (found.buildpack, found.binder_dir, found.python) == (buildpack, folder, python)
    assert detector.recall("tree") == found
    assert detector.recall("other tree") is None
    assert Detector(tmp_path / "plans", "3.12", ["3.12"]).recall("tree") is None


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"binder/x": "", ".binder/x": ""}, "both a 'binder' and a '.binder'"),
        ({"runtime.txt": "nonsense"}, "cannot read runtime.txt: Invalid runtime.txt"),
        ({"binder/runtime.txt": "python-x", "Dockerfile": "x"}, "cannot read binder/runtime.txt: "),
        ({"pyproject.toml": "[", "requirements.txt": "x"}, "pyproject.toml: .* Correct"),
        ({"binder/x": "", ".binder/x": "", "Dockerfile": "x"}, "cannot read the repository's conf"),
        ({"postBuild": "#!/bin/bash\r\necho\r\n"}, "postBuild cannot run.*Windows"),
        ({"binder/start": "#!/bin/bash\r\n"}, "binder/start cannot run.*Windows"),
        ({"Pipfile.lock": "[]"}, "cannot read Pipfile.lock: "),
        ({"requirements.txt": "-> /etc/passwd"}, "outside of the repository"),
        ({"runtime.txt": "-> /etc/shadow"}, "outside of the repository"),
        ({"binder": "-> /etc"}, "outside of the repository"),
        ({"binder/a": "", "binder/start/x": ""}, "is not a file"),
        ({"requirements.txt": "-> " + "../" * 40 + "etc/passwd"}, "outside of the repository"),
        ({"requirements.txt": "#" * (5 << 20)}, "larger than"),
        (
            {"pyproject.toml": PACKAGE.replace('name = "x"', 'requires-python = ">=4"')},
            "Python version",
        ),
    ],
)
async def test_nonsense(files: dict[str, str], words: str, tmp_path: Path) -> None:
    detector = Detector(tmp_path / "plans", "3.11", ["3.11"])
    with pytest.raises(BuildFailed, match=words) as caught:
        await detector.detect("tree", write(tmp_path / "repo", files))
    assert "root:" not in caught.value.detail


async def test_files_that_take_days_to_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detect, "DETECTION_TIME", 2)
    repo = write(tmp_path / "repo", {"pyproject.toml": "a" + ".a" * 10**6 + "=1"})
    with pytest.raises(BuildFailed, match="took too long"):
        await Detector(tmp_path / "plans", "3.11", [OWN]).detect("tree", repo)


async def test_empty_lines_take_no_time(tmp_path: Path) -> None:
    text = "dependencies:" + "\n" * 10**6
    repo = write(tmp_path / "repo", {"environment.yml": text})
    before = time.process_time()
    assert not (await Detector(tmp_path / "plans", "3.11", [OWN]).detect("tree", repo)).r
    assert time.process_time() - before < 3


async def test_links_inside_are_followed(tmp_path: Path) -> None:
    repo = write(tmp_path / "repo", {"requirements.txt": "-> real.txt", "real.txt": "six"})
    found = await Detector(tmp_path / "plans", "3.11", ["3.11"]).detect("tree", repo)
    assert dict(found.files).keys() == {"requirements.txt"}


async def test_code_of_the_repository_does_not_run(tmp_path: Path) -> None:
    hostile = f"open({str(tmp_path / 'ran')!r}, 'w')"
    names = ["setup.py", "sitecustomize.py", "repo2docker.py", "json.py", "warnings.py"]
    repo = write(tmp_path / "repo", dict.fromkeys(names, hostile))
    await Detector(tmp_path / "plans", "3.11", ["3.11"]).detect("tree", repo)
    assert not (tmp_path / "ran").exists()


# files, what the words must name
REFUSED = [
    ({"Dockerfile": "FROM x"}, ["Dockerfile", "docker"]),
    ({"binder/Dockerfile": "FROM x"}, ["binder/Dockerfile", "kubernetes"]),
    ({"default.nix": ""}, ["default.nix", "Nix"]),
    ({"REQUIRE": ""}, ["REQUIRE", "Julia", "Project.toml"]),
    ({"runtime.txt": "python-2.7"}, ["runtime.txt", "2.7", "of conda alone"]),
    ({"runtime.txt": "python-3.99"}, ["runtime.txt", "3.99", OWN]),
    ({"runtime.txt": "python-3.99.4"}, ["runtime.txt", "3.99.4", OWN]),
    ({"runtime.txt": "python-2.7.18"}, ["runtime.txt", "2.7.18", "environment.yml"]),
    ({"Pipfile": '[requires]\npython_version = "3.99"\n'}, ["Pipfile", "3.99"]),
]


CONDA = "channels: [conda-forge]\ndependencies:\n- numpy\n"
R = {"runtime.txt": "r-4.4-2025-01-01\n"}
SHAPES: dict[str, Files] = {
    "a notebook and nothing else": {"index.ipynb": "{}"},
    "requirements": {"requirements.txt": "numpy==1.26.4\nseaborn\n"},
    "in binder/": {"binder/requirements.txt": "numpy\n", "binder/postBuild": "#!/bin/bash\n"},
    "in .binder/": {".binder/environment.yml": CONDA},
    "from a branch": {"requirements.txt": "git+https://example.org/a/b@main\n"},
    "a package": {"setup.py": "from setuptools import setup; setup()\n"},
    "a package of today": {"pyproject.toml": PACKAGE, "src/x/__init__.py": ""},
    "a package beside its binder/": {"setup.py": "", "binder/requirements.txt": "-e .\n"},
    "an older Python": {"runtime.txt": "python-3.7\n", "requirements.txt": "numpy\n"},
    "Python 2": {"runtime.txt": "python-2.7\n", "requirements.txt": "numpy\n"},
    "Python 2 and 3": {"environment.yml": CONDA, "postBuild": "#!/bin/sh\n"},
    "Python 2 of conda": {"environment.yml": f"{CONDA}- python=2.7\n"},
    "Pipfile": {"Pipfile": '[packages]\nnumpy = "*"\n', "Pipfile.lock": '{"default": {}}'},
    "conda": {"environment.yml": f"name: x\n{CONDA}- pip:\n  - mypackage\n"},
    "conda with a channel": {"environment.yml": "channels:\n- pyviz\ndependencies: [panel]\n"},
    "conda, exported": {"environment.yml": f"{CONDA}- zlib=1.3.1=h4ab18f5_1\nprefix: /x\n"},
    "conda and R": {"environment.yml": f"{CONDA}- r-base=4.3\n- r-ggplot2\n"},
    "R": {**R, "install.R": 'install.packages("tidyverse")\n'},
    "R with Shiny": {**R, "install.R": "", "bus-dashboard/app.R": "", "index.ipynb": "{}"},
    "R and Python": {**R, "requirements.txt": "numpy\n"},
    "R and apt.txt": {**R, "apt.txt": "libgdal-dev\n"},
    "a package of R": {"DESCRIPTION": "Package: x\nImports: R6\n", "NAMESPACE": ""},
    "R in .binder/": {".binder/runtime.txt": R["runtime.txt"], ".binder/install.R": ""},
    "Julia": {"Project.toml": "[deps]\n", "Manifest.toml": "", "runtime.txt": "python-3.10"},
    "Julia in binder/": {"binder/JuliaProject.toml": "", "binder/apt.txt": "libgdal-dev\n"},
    "renv": {**R, "renv.lock": '{"Packages": {}}'},
    "LaTeX": {"apt.txt": "texlive-latex-base\ndvipng\n", "requirements.txt": "matplotlib\n"},
    "a database": {"apt.txt": "postgresql\n", "start": '#!/bin/bash\nexec "$@"\n'},
    "a desktop": {"apt.txt": "xfce4\n", "environment.yml": f"{CONDA}- websockify\n"},
    "extensions": {"environment.yml": f"{CONDA}- nodejs\n", "postBuild": "jupyter lab build\n"},
    "voila": {"requirements.txt": "voila\nbqplot\n"},
    "streamlit": {"requirements.txt": "streamlit\njupyter-server-proxy\n", "start": "#!/bin/sh\n"},
    "dask": {"binder/environment.yml": CONDA, "binder/start": '#!/bin/sh\nexec "$@"\n'},
    "data fetched by postBuild": {"postBuild": "#!/bin/bash\nwget https://example.org/x\n"},
    "another kernel": {"postBuild": "#!/bin/bash\npython -m bash_kernel.install\n"},
    "uv": {"uv.lock": LOCK, "pyproject.toml": '[project]\nname = "x"\nversion = "1"\n'},
    "pixi": {"pixi.toml": PIXI},
    "a devcontainer": {".devcontainer/devcontainer.json": '{"image": "python:3.12"}'},
    "a devcontainer of Docker's": {".devcontainer.json": '{"build": {"dockerfile": "Dockerfile"}}'},
    "a Dockerfile elsewhere": {"docker/Dockerfile": "FROM x\n", "requirements.txt": "six\n"},
    "a Dockerfile beside its binder/": {
        "Dockerfile": "FROM x\n",
        "binder/requirements.txt": "six\n",
    },
    "Octave": {"environment.yml": f"{CONDA}- octave_kernel\n", "apt.txt": "gnuplot\n"},
    "C++": {"environment.yml": f"{CONDA}- xeus-cling\n"},
    "Rust": {"apt.txt": "cargo\nlibzmq3-dev\n", "postBuild": "#!/bin/bash\ncargo install x\n"},
    "JavaScript": {"postBuild": "#!/bin/bash\nnpm install -g ijavascript\nijsinstall\n"},
    "Ruby": {"apt.txt": "ruby-dev\nlibczmq-dev\n", "postBuild": "gem install --user iruby\n"},
    "Scala": {"apt.txt": "default-jdk-headless\n", "postBuild": "#!/bin/bash\n./coursier x\n"},
    "several languages": {**R, "requirements.txt": "bash_kernel\n", "apt.txt": "octave\n"},
    "VS Code": {"environment.yml": f"{CONDA}- code-server\n", "postBuild": "#!/bin/bash\n"},
    "slides": {"requirements.txt": "rise==5.7.1\nnotebook<7\n"},
    "an old JupyterLab": {"requirements.txt": "jupyterlab==2.2.9\n"},
    "from a tag": {
        "requirements.txt": "https://example.org/a/archive/v1.zip\n-e .\n",
        "setup.cfg": "",
    },
    "a channel of one's own": {
        "environment.yml": "channels:\n- https://x.org/c\ndependencies: [b]\n"
    },
    "conda-lock": {"conda-lock.yml": CONDA_LOCK, "environment.yml": CONDA},
    "poetry": {"poetry.lock": POETRY, "pyproject.toml": "[tool.poetry.dependencies]\n"},
    "pylock": {"pylock.toml": 'lock-version = "1.0"\ncreated-by = "x"\npackages = []\n'},
    "an exact Python": {"runtime.txt": "python-3.11.9\n", "requirements.txt": "numpy\n"},
    "a Python of its package": {"pyproject.toml": f"{PACKAGE}[tool.black]\n", "binder/start": "x"},
    "a Dockerfile": {"Dockerfile": "FROM jupyter/scipy-notebook\n", "requirements.txt": "six\n"},
    "a Dockerfile in binder/": {"binder/Dockerfile": "FROM x\n", "environment.yml": CONDA},
    "Nix": {"default.nix": "", "requirements.txt": "numpy\n"},
}
"""The shapes that examples for Binder have."""

REFUSED_SHAPES = {"a Dockerfile", "a Dockerfile in binder/", "Nix"}


def test_there_are_sixty_shapes() -> None:
    assert len(SHAPES) >= 60 and SHAPES.keys() > REFUSED_SHAPES


@pytest.mark.parametrize("shape", SHAPES)
async def test_what_examples_for_binder_have_is_served(
    shape: str, tmp_path: Path, ask: Ask
) -> None:
    """Dockerfiles and Nix alone are refused, each by its name and with an engine that has it.

    The page that asks adds the plain environment and other hubs: `tests/service/test_refused.py`.
    """
    repo = write(tmp_path / "repo", SHAPES[shape])
    found = await Detector(tmp_path / "plans", "3.11", [OWN], ask).detect("tree", repo)
    packages = rlang.packages(found, ["r-base-dev"])
    if shape in REFUSED_SHAPES:
        with pytest.raises(
            Unsupported, match=r"^(binder/Dockerfile|Dockerfile|default.nix): .*docker"
        ):
            support.refuse_unsupported(found, packages, None)
        return
    support.refuse_unsupported(found, packages, None)
    assert found.is_conda or support.is_version(found.python), found


@pytest.mark.parametrize(
    ("files", "kind", "kernel"),
    [
        ({"runtime.txt": "python-2.7"}, "Python 2.7 from conda", True),
        ({"runtime.txt": "python-3.99.4"}, "Python 3.99.4 from conda", False),
    ],
)
async def test_a_python_that_only_conda_has(
    files: dict[str, str],
    kind: str,
    kernel: bool,
    repository: MakeSource,
    builder: LocalBuilder,
) -> None:
    plan = await builder._plan(repository(files))
    assert plan.environment.kind == kind and plan.conda and plan.apart is kernel
    assert len(plan.environment.notes) == kernel


@pytest.mark.parametrize(("files", "words"), REFUSED)
async def test_refused_before_anything_is_built(
    files: dict[str, str],
    words: list[str],
    repository: MakeSource,
    builder: LocalBuilder,
) -> None:
    builder.python_of_conda = False
    source = repository(files)
    for _ in range(2):
        with pytest.raises(Unsupported) as caught:
            await builder.plan(source)
        assert all(word in caught.value.message for word in words), caught.value.message
    scratch = builder.store.scratch
    assert not scratch.exists() or not list(scratch.iterdir())


@pytest.mark.parametrize(
    ("path", "more"),
    [("binder/apt.txt", {}), ("apt.txt", R), ("apt.txt", {"DESCRIPTION": "Package: x"})],
)
async def test_packages_of_the_system_are_refused_with_what_would_mend_it(
    path: str,
    more: Files,
    repository: MakeSource,
    builder: LocalBuilder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = repository({path: "graphviz", **more})
    builder.system_packages = False
    with pytest.raises(Unsupported, match=rf"^{path}: .*LocalBuilder.system_packages = True"):
        await builder.plan(source)
    builder.system_packages = True
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unsupported, match="This machine has no apt"):
        await builder.plan(source)


@pytest.mark.skipif(bool(obstacle(LocalBuilder())), reason="no systems can be made here")
async def test_packages_of_the_system_are_in_the_key(
    repository: MakeSource, builder: LocalBuilder
) -> None:
    source = repository({"apt.txt": "graphviz\nfiglet # large letters\n"})
    plan = await builder.plan(source)
    assert plan.kind.endswith("with apt.txt")
    builder.system_base = ["git"]
    assert (await builder.plan(source)).key != plan.key


def r_repository(files: Sequence[str], runtime: str = "", **fields: tuple[str, ...]) -> Detection:
    known = tuple((name, "") for name in files)
    return Detection("RBuildPack", "", "3.11", runtime, known, (), False, **fields)


def test_what_the_system_of_an_r_repository_has() -> None:
    alone = rlang.packages(r_repository(["runtime.txt"]), ["r-base-dev"])
    assert alone.path == "runtime.txt"
    assert {"r-base-core", "r-cran-irkernel", "r-base-dev"} < {*alone.asked}
    assert not alone.wished
    # The same system for all that name nothing.
    assert rlang.packages(r_repository([]), ["r-base-dev"]).asked == alone.asked
    named = r_repository(["apt.txt"], apt=("gdal-bin",), cran=("R6", "remotes"))
    both = rlang.packages(named, [])
    assert (both.path, both.wished) == ("apt.txt", ("r-cran-r6",))
    assert {"gdal-bin", "r-base-core"} < {*both.asked}


def test_shiny_is_there_where_environments_with_r_have_it(builder: LocalBuilder) -> None:
    assert builder.targets_lacking() == ("rstudio",)
    builder.r_packages = []
    assert builder.targets_lacking() == ("rstudio", "shiny")


@pytest.mark.parametrize(
    ("runtime", "has", "kind"),
    [
        ("r-4.1-2022-01-01", "4.2.2", "R 4.2.2, not R 4.1 as of 2022-01-01, and Python"),
        # The version is right, the packages are not of that day.
        ("r-4.2-2023-01-01", "4.2.2", "R 4.2.2, not R 4.2 as of 2023-01-01, and Python"),
        ("", "4.2.2", "R 4.2.2 and Python"),
        ("r-4.2", "4.2.2", "R 4.2.2 and Python"),
    ],
)
def test_nothing_claims_to_be_a_snapshot(runtime: str, has: str, kind: str) -> None:
    detection, known = r_repository(["runtime.txt"], runtime), Sentence("R {version}", version=has)
    assert rlang.kind(detection, known, "Python") == kind
    told = rlang.taken_instead(detection, known)
    assert told.startswith("runtime.txt asks for R 4.") is (" not " in kind)
    assert bool(told) is (" not " in kind)


def test_a_build_keeps_what_r_only_warns_of() -> None:
    log = Installing(lambda line: None)
    log.add("Warning: unable to access index for repository https://c.example.org/src/contrib:")
    log.add(
        "Warning: packages \u2018a\u2019, \u2018b\u2019 are not available for this version of R"
    )
    log.add("  installation of package \u2018/tmp/x/c\u2019 had non-zero exit status")
    assert log.unreachable == {"https://c.example.org"}
    log.add("  namespace \u2018d\u2019 1.0 is being loaded, but >= 2.0 is required")
    assert log.passed_over == {"a", "b", "c"}
    assert log.too_old
    for line in (
        "/bin/sh: 1: gcc: not found",
        "make: gfortran: No such file or directory",
        "code.c:1:10: fatal error: libxml/tree.h: No such file or directory",
        " * deb: libxml2-dev (Debian, Ubuntu, etc)",
    ):
        log.add(line)
    assert log.lacking == {"gcc", "gfortran", "libxml/tree.h", "libxml2-dev"}


def test_what_a_build_says_of_packages_of_r_does_not_fill_the_memory() -> None:
    log = Installing(lambda line: None)
    for number in range(5000):
        names = "\u2019, \u2018".join(f"{number}-{name}" for name in range(100))
        log.add(f"packages \u2018{names}\u2019 are not available")
        log.add(f"package \u2018{number}{'x' * 1000}\u2019 is not available")
        log.add(f"x.c:1: fatal error: {number}.h: No such file or directory")
        log.add(f"unable to access index for repository http://{number}/src/contrib")
    noted = (log.passed_over, log.lacking, log.unreachable)
    assert all(0 < len("".join(names)) < 100_000 for names in noted)


@pytest.mark.skipif(bool(obstacle(LocalBuilder())), reason="no systems can be made here")
async def test_all_that_makes_an_r_is_in_the_key(
    repository: MakeSource, builder: LocalBuilder
) -> None:
    source = repository({"runtime.txt": "r-4.1-2022-01-01", "renv.lock": '{"Packages": {}}'})
    plan, basis = await builder.plan(source), await builder.basis()
    assert re.match(r"R .*, not R 4\.1 as of 2022-01-01, and Python .* with renv\.lock$", plan.kind)
    for setting, value in (("cran_mirror", "https://c.example.org"), ("r_packages", [])):
        setattr(builder, setting, value)
        assert (await builder.plan(source)).key != plan.key
        assert await builder.basis() != basis
        plan, basis = await builder.plan(source), await builder.basis()


@pytest.mark.skipif(bool(obstacle(LocalBuilder())), reason="no systems can be made here")
async def test_a_renv_lock_that_is_none_is_told_before_r_is_installed(
    repository: MakeSource, builder: LocalBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def on_system(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(onebuild, "on_system", on_system)
    with pytest.raises(BuildFailed, match=r"renv.lock is not what renv writes"):
        await build(builder, repository({"runtime.txt": "r-4.1-2022-01-01", "renv.lock": "["}))


@pytest.mark.parametrize("line", ["-o=Dir=/", "figlet;id", "../x.deb", "a b_c"])
async def test_what_is_no_package_is_named(
    repository: MakeSource, builder: LocalBuilder, line: str
) -> None:
    with pytest.raises((BuildFailed, Unsupported), match=r"apt\.txt"):
        await builder.plan(repository({"apt.txt": line}))


async def test_an_empty_apt_file_asks_for_nothing(
    repository: MakeSource, builder: LocalBuilder
) -> None:
    await builder.plan(repository({"apt.txt": "# nothing\n\n"}))


async def test_a_second_plan_runs_no_program(
    repository: MakeSource, builder: LocalBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = repository({"requirements.txt": "six"})
    planned = await builder.plan(source)
    monkeypatch.setattr(asyncio, "create_subprocess_exec", None)
    monkeypatch.setattr(subprocess, "Popen", None)
    assert await builder.plan(source) == planned


async def test_conda_needs_nothing_of_the_machine(
    repository: MakeSource, builder: LocalBuilder
) -> None:
    planned = await builder.plan(repository({"environment.yml": "dependencies:\n- six\n"}))
    assert planned.kind == "Python from conda with environment.yml"


def test_a_lock_that_is_not_read_may_be_of_any_size(tmp_path: Path) -> None:
    """Those of pixi have every package of every environment on every platform."""
    large = "#" * (configuration.CONFIG_BYTES + 1)
    repo = write(tmp_path / "repo", {"requirements.txt": "six", "pixi.lock": large})
    asked = configuration.question(repo)
    assert asked == configuration.question(write(repo, {"pixi.lock": ""}))
    assert determine("PythonBuildPack", "", configuration.reader(repo)).lock is None


async def test_who_reads_a_lock_of_conda(
    repository: MakeSource, builder: LocalBuilder, tmp_path: Path
) -> None:
    """The `local` engine; others say what to do. With the setting off nobody does."""
    platform = Target("", os.uname().machine).platform
    lock = f"@EXPLICIT\nhttps://example.org/c/{platform}/python-3.11.4-0.conda\n"
    source = repository({"environment.lock": lock})
    planned = await builder.plan(source)
    assert planned.kind == "Python from conda with environment.lock"
    builder.lock_files = False
    assert not (await builder.plan(source)).files
    recipe = Recipe("docker", "stock", "")
    with pytest.raises(Unsupported, match="is read by the local engine alone"):
        await recipe.plan(source, builder.layout, tmp_path)
    off = await replace(recipe, locks=False).plan(source, builder.layout, tmp_path)
    assert not off.environment.files


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("conda-forge", ["https://conda.example.org/conda-forge"]),
        ("https://conda.anaconda.org/x", ["https://conda.example.org/x"]),
        ("conda-forge/label/x", ["https://conda.example.org/conda-forge/label/x"]),
        ("https://example.org/c/", ["https://example.org/c"]),
        ("nodefaults", []),
        ("defaults", ["https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r"]),
    ],
)
def test_where_channels_are(name: str, addresses: list[str]) -> None:
    channels = Channels("https://conda.example.org/", ("conda-forge",))
    assert channels.addresses([name, name]) == addresses
    assert channels.are_shared(addresses) is (name in ("conda-forge", "nodefaults"))


def test_what_pixi_asks_for() -> None:
    written = b'[workspace]\nchannels = []\nplatforms = ["linux-64"]\n[dependencies]\nsix = "*"\n'
    found = find_lock("", lambda path: written if path == "pixi.toml" else None)
    assert found
    asked = conda.asked_by(found, "linux-64", "3.12")
    assert (asked.channels, asked.specs) == (("conda-forge",), ("six", "python=3.12"))


def test_which_folders_are_seen_as_channels() -> None:
    channels = Channels("file:///srv/c", ("lab", "file:///opt/own"))
    named = ["lab", "other", "file:///opt/own", "file:///etc", "file:///srv/c/%2e./%2e./etc"]
    seen = channels.folders(channels.addresses(named))
    assert [*map(str, seen)] == ["/srv/c/lab", "/srv/c/other", "/opt/own"]
    with pytest.raises(BuildFailed, match="no name and no address"):
        channels.addresses(["../../etc"])


def test_what_an_environment_yml_asks_for() -> None:
    written = """
dependencies: [numpy=1.2, "bioconda::x", {pip: [six, -r a.txt]}]
variables: {A: it's, "B;C": x}
"""
    asked = conda.asked(written.encode(), "3.12")
    assert asked.channels == ("conda-forge", "nodefaults", "bioconda")
    assert asked.specs == ("numpy=1.2", "bioconda::x", "python=3.12")
    assert (asked.pip, asked.variables) == (("six", "-r a.txt"), {"A": "it's"})
    assert conda.activating(asked.variables) == """export A='it'"'"'s'\n"""


def interpreter(version: str, path: str = "") -> Interpreter:
    numbers = tuple(map(int, version.split(".")))
    assert len(numbers) == 3
    return Interpreter(numbers, path or f"/{version}", "/usr")


MACHINE = [*map(interpreter, ("3.10.1", "3.11.7", "3.11.2", "3.12.0"))]


@pytest.mark.parametrize(
    ("asked", "taken", "words"),
    [
        ("3.11", "3.11.7", ""),
        ("3.11.7", "3.11.7", ""),
        ("3.11.2", "3.11.2", ""),
        ("3.11.99", "3.11.7", "runtime.txt asks for Python 3.11.99; this machine has 3.11.7"),
        ("3.1.4", "", ""),
        ("3.11.x", "", ""),
    ],
)
def test_the_nearest_python(asked: str, taken: str, words: str) -> None:
    files = (("runtime.txt", ""),)
    detection = Detection("PythonBuildPack", "", asked, "", files, (), False)
    if not taken:
        with pytest.raises(Unsupported):
            support.choose_interpreter(detection, MACHINE)
        return
    chosen = support.choose_interpreter(detection, MACHINE)
    assert chosen.path == f"/{taken}"
    assert support.taken_instead(detection, chosen).startswith(words)
    assert bool(support.taken_instead(detection, chosen)) is bool(words)


async def test_detection_is_kept_from_this_machine(
    repository: MakeSource, builder: LocalBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs in a sandbox: repo2docker is made to say what it can reach."""
    seen = str(builder.layout.root / "secret")
    Path(seen).write_text("of the hub")
    code = f"import os, sys; print([os.path.exists({seen!r}), len(os.listdir('/proc/self/fd'))])"
    ours = detect.detector_command

    def command(folder: str, words: Sequence[str]) -> list[str]:
        python, *_ = ours(folder, words)
        return [python, "-c", code]

    monkeypatch.setattr(detecting, "detector_command", command)
    said = await detecting.ask_in_sandbox(Path(repository({}).bundle).parent, [])
    assert said.startswith("[False, ")


async def test_detection_has_no_more_memory_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detect, "DETECTION_MEMORY", 100 << 20)
    repo = write(tmp_path / "repo", {"Pipfile.lock": '{"x": [' + "[]," * 10**6 + "[]]}"})
    with pytest.raises(BuildFailed, match="more memory"):
        await Detector(tmp_path / "plans", "3.11", [OWN]).detect("tree", repo)


@pytest.mark.parametrize(
    ("program", "argv"),
    [
        (
            "/opt/micromamba",
            "install --yes --root-prefix /c/conda --prefix /e --file environment.yml",
        ),
        ("/opt/mamba", "env update --prefix /e --file environment.yml"),
        ("/opt/conda", "env update --prefix /e --file environment.yml"),
    ],
)
def test_conda_command(program: str, argv: str) -> None:
    command = conda.install(program, Path("/e"), "environment.yml", Path("/c"))
    assert command == [program, *argv.split()]


@pytest.mark.parametrize(
    ("written", "channels", "packages"),
    [
        ("", ["conda-forge", "nodefaults"], ["python=3.12"]),
        ("name: x", ["conda-forge", "nodefaults"], ["python=3.12"]),
        ("dependencies: [numpy]", ["conda-forge", "nodefaults"], ["numpy", "python=3.12"]),
        (
            "dependencies: [python-dateutil, pythonic]",
            ["conda-forge", "nodefaults"],
            ["python-dateutil", "pythonic", "python=3.12"],
        ),
        ("dependencies: [python]", ["conda-forge", "nodefaults"], ["python"]),
        ("dependencies: ['python >=3.10']", ["conda-forge", "nodefaults"], ["python >=3.10"]),
        (
            "dependencies: ['conda-forge::python=3.11']",
            ["conda-forge", "nodefaults"],
            ["conda-forge::python=3.11"],
        ),
        (
            "channels: [bioconda]\ndependencies: [python=3.9, {pip: [six]}]",
            ["bioconda", "nodefaults"],
            ["python=3.9", {"pip": ["six"]}, "pip"],
        ),
        (
            "channels: [defaults]\ndependencies: [python=3.9, pip>20, {pip: [six]}]",
            ["defaults"],
            ["python=3.9", "pip>20", {"pip": ["six"]}],
        ),
    ],
)
def test_what_environment_yml_leaves_out(
    written: str, channels: list[str], packages: list[object]
) -> None:
    made = json.loads(conda.completed(written.encode(), "3.12"))
    assert (made["channels"], made["dependencies"]) == (channels, packages)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"a: &a [x]\n"
            + b"".join(b"%c: &%c [%s]\n" % (n, n, b"*%c," % (n - 1) * 9) for n in b"bcdef"),
            "aliases",
        ),
        (b"dependencies: " + b"[" * 3_000, "cannot be read"),
        (b"- x\n" * 10**5, "larger"),
        (b"- x\n", "cannot be read"),
    ],
)
def test_environment_yml_that_would_fill_the_memory(content: bytes, words: str) -> None:
    with pytest.raises(BuildFailed, match=words):
        conda.completed(content, "3.11")


def test_a_sandbox_shows_what_conda_needs() -> None:
    assert conda.installation("/root/.local/bin/micromamba") == Path("/root/.local/bin/micromamba")
    assert conda.installation("/opt/miniforge3/bin/mamba") == Path("/opt/miniforge3")
    assert conda.installation("/opt/miniforge3/condabin/conda") == Path("/opt/miniforge3")
    assert conda.installation("/usr/local/bin/micromamba") is None


async def test_interpreters_are_real_files(tmp_path: Path) -> None:
    found = await find_interpreters(tmp_path)
    assert OWN in [interpreter.minor for interpreter in found]
    assert all(Path(interpreter.path).resolve() == Path(interpreter.path) for interpreter in found)
    minors = [interpreter.version[:2] for interpreter in found]
    assert minors == sorted(minors)


class Counting(Detector):
    """Counts how often files are looked at, and how often repo2docker itself is asked."""

    asked = looked = 0

    async def detect(self, tree: str, checkout: Path) -> Detection:
        self.looked += 1
        return await super().detect(tree, checkout)

    async def _ask_repo2docker(self, checkout: Path) -> dict[str, str]:
        self.asked += 1
        return await super()._ask_repo2docker(checkout)


async def test_repo2docker_is_asked_once_for_the_same_configuration(tmp_path: Path) -> None:
    detector = Counting(tmp_path / "plans", "3.11", ["3.11", "3.12"])
    files: Files = {"requirements.txt": "x", "a.ipynb": "{}"}
    first = await detector.detect("one", write(tmp_path / "one", files))
    other = await detector.detect("two", write(tmp_path / "two", {**files, "a.ipynb": "{1}"}))
    assert other == first and detector.asked == 1
    changed: list[Files] = [
        {**files, "requirements.txt": "y"},
        {**files, "runtime.txt": "python-3.12"},
        {**files, "binder/README.md": "the folder alone counts"},
        {"binder/requirements.txt": "x"},
    ]
    for number, different in enumerate(changed):
        folder = write(tmp_path / f"changed{number}", different)
        assert await detector.detect(folder.name, folder) != first
    assert detector.asked == 1 + len(changed)


async def test_files_are_written_out_only_if_the_configuration_changed(
    repository: MakeSource, tmp_path: Path
) -> None:
    detector = Counting(tmp_path / "plans", "3.11", ["3.11", "3.12"])
    files: Files = {"binder/requirements.txt": "x", "a.ipynb": "{}", "data/runtime.txt": "1"}
    first = await detector.of(repository(files), tmp_path)
    for content in ("{1}", "{2}"):
        other = repository({**files, "a.ipynb": content, "data/runtime.txt": content})
        assert await detector.of(other, tmp_path) == first
        assert detector.recall(other.tree) == first
    assert (detector.looked, detector.asked) == (1, 1)
    for number, different in enumerate(
        [
            {**files, "binder/requirements.txt": "y"},
            {**files, "runtime.txt": "python-3.12", "binder/runtime.txt": "python-3.12"},
            {**files, "binder/postBuild": ""},
            {"requirements.txt": "x", "a.ipynb": "{}"},
        ]
    ):
        assert await detector.of(repository(different), tmp_path) != first
        assert detector.looked == 2 + number


async def test_what_else_counts_is_looked_at(repository: MakeSource, tmp_path: Path) -> None:
    detector = Counting(tmp_path / "plans", "3.11", ["3.11"])
    for number, files in enumerate(
        [
            {"requirements.txt": "-r more.txt", "more.txt": "x"},
            {"requirements.txt": "-r more.txt", "more.txt": "y"},
            {"requirements.txt": "-r more.txt"},
            {"requirements.txt": "-> more.txt", "more.txt": "x"},
            {"requirements.txt": "-> more.txt", "more.txt": "y"},
            {"binder": "-> conf", "conf/requirements.txt": "x"},
            {"binder": "-> conf", "conf/requirements.txt": "y"},
        ]
    ):
        found = await detector.of(repository(files), tmp_path)
        assert detector.looked == 1 + number
        assert found.files == determine(found.buildpack, found.binder_dir, files_of(files)).files


def files_of(files: Files) -> Read:
    """Reads files as they are in a checkout, where links are followed."""

    def read(path: str) -> bytes | None:
        for name, target in files.items():
            if str(target).startswith("-> "):
                path = re.sub(f"^{name}(?=/|$)", str(target)[3:], path)
        content = files.get(path)
        return None if content is None else str(content).encode()

    return read


async def test_configurations_that_differ_are_told_apart(repository: MakeSource) -> None:
    digests = [await configuration.configuration(repository(files)) for files, *_ in DETECTED]
    assert None not in digests
    assert len(set(digests)) == len(DETECTED)


@pytest.mark.parametrize("folder", ["", "binder/"])
async def test_a_fork_cannot_say_for_others_what_is_in_their_files(
    folder: str, repository: MakeSource, tmp_path: Path
) -> None:
    """Git's attributes make other bytes of the same entries."""
    detector = Detector(tmp_path / "plans", "3.11", ["3.11"])
    files: Files = {f"{folder}requirements.txt": "x\n"}
    fork: Files = {**files, f"{folder}.gitattributes": "requirements.txt text eol=crlf\n"}
    of_fork = await detector.of(repository(fork), tmp_path)
    original = await detector.of(repository(files), tmp_path)
    assert of_fork.files != original.files
    assert original.files[0][1] == sha256(b"x\n").hexdigest()


async def test_without_a_listing_files_are_looked_at(
    repository: MakeSource, tmp_path: Path
) -> None:
    source = repository({"requirements.txt": "x"})
    shutil.rmtree(source.bundle.with_name("objects.git"))
    assert await configuration.configuration(source) is None
    found = await Detector(tmp_path / "plans", "3.11", ["3.11"]).of(source, tmp_path)
    assert dict(found.files).keys() == {"requirements.txt"}


# Asks as the program does that is run for a checkout, of many.
ANSWERS = """
import json, sys
from binderhub_ext.engines import detector
detector.leave_out()
asked = "3.11", ["3.10", "3.11", "3.12", "3.13"]
print(json.dumps([detector.detect(folder, *asked) for folder in sys.argv[1:]]))
unused = {"docker.client", "jinja2.environment", "requests.sessions"}
assert not {*unused, "repo2docker.contentproviders.git"} & {*sys.modules}
"""


def test_what_repo2docker_builds_with_is_not_loaded_to_ask_it(tmp_path: Path) -> None:
    folders = [write(tmp_path / str(n), files) for n, (files, *_) in enumerate(DETECTED)]
    told = subprocess.check_output([sys.executable, "-c", ANSWERS, *map(str, folders)], text=True)
    answers = json.loads(told.splitlines()[-1])
    found = [(each["buildpack"], each["binder_dir"], each["python"]) for each in answers]
    assert found == [tuple(facts) for _, *facts in DETECTED]


# Leaves out what repo2docker uses, as a later one may use what is left out now.
LATER = """
from binderhub_ext.engines import detector
detector._UNUSED += ("toml", "repo2docker.semver")
detector.main()
"""


def test_a_later_repo2docker_may_use_what_is_left_out(tmp_path: Path) -> None:
    project = {"Project.toml": "[compat]\n", "Pipfile": "x"}
    for number, files in enumerate([project, {"Pipfile": '[requires]\npython_version = "3.12"'}]):
        folder = str(write(tmp_path / str(number), files))
        told = subprocess.check_output(
            [sys.executable, "-c", LATER, folder, "3.11", "3.11,3.12", str(detect.DETECTION_MEMORY)]
        )
        answer = json.loads(told)
        assert "error" not in answer and answer["python"] == ("3.11", "3.12")[number]


# Notes what repo2docker looks at below the working directory while it decides.
WATCH = """
import builtins, os, sys
seen = set()
def watched(ask):
    def asking(path, *args, **kwargs):
        if isinstance(path, str) and not os.path.isabs(path):
            seen.add(os.path.normpath(path))
        return ask(path, *args, **kwargs)
    return asking
from binderhub_ext.engines import detector
for name in ("exists", "isdir", "isfile"):
    setattr(os.path, name, watched(getattr(os.path, name)))
builtins.open = watched(open)
for folder in sys.argv[1:]:
    detector.detect(folder, "3.11", ["3.11", "3.12", "3.13"])
print("\\n".join(sorted(seen)))
"""


def test_what_repo2docker_looks_at_is_in_the_question(tmp_path: Path) -> None:
    folders = [write(tmp_path / str(n), files) for n, (files, *_) in enumerate(DETECTED)]
    command = [sys.executable, "-c", WATCH, *map(str, folders)]
    seen = set(subprocess.check_output(command, text=True).split())
    assert {"requirements.txt", "binder/Dockerfile", "pyproject.toml"} <= seen
    known = {str(Path(place, name)) for place in FOLDERS for name in NAMES}
    assert seen - known == {"binder", ".binder"}
