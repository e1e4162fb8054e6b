"""What comes out is what pip would have installed, however quickly it is come by."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from small_repositories import MakeSource, build

from binderhub_ext.engines.local import uv
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.choices import Choices, differ, installed, pins, plain
from binderhub_ext.programs import Log

needs_sandbox = pytest.mark.skipif(
    not shutil.which("bwrap"), reason="bubblewrap is missing: apt-get install bubblewrap"
)


@needs_sandbox
@pytest.mark.parametrize(("requirements", "is_newest"), [("", True), ("--prefer-binary\n", False)])
async def test_a_newer_version_without_a_wheel(
    requirements: str, is_newest: bool, repository: MakeSource, builder: LocalBuilder
) -> None:
    """jupyter_contrib_core has a wheel of 0.4.0, and later versions have none."""
    files = {"requirements.txt": f"{requirements}jupyter_contrib_core\n"}
    built = await build(builder, repository(files))
    found = installed(builder.store.path(built.image.name))["jupyter-contrib-core"]
    assert (found > "0.4.0") is is_newest
    assert ("Newer versions have no wheel" in built.log) is is_newest
    assert "TRACE" not in built.log


@needs_sandbox
async def test_a_newer_version_for_another_python_changes_nothing(
    repository: MakeSource, builder: LocalBuilder
) -> None:
    """The newest numpy is for newer Pythons; it is looked up, and wheels stay shared."""
    built = await build(builder, repository({"requirements.txt": "numpy\n", "n": "1"}))
    assert "built from source" not in built.log
    library = builder.store.path(built.image.name) / "lib"
    module = next(library.glob("python3.*/site-packages/numpy/__init__.py"))
    assert module.stat().st_nlink > 1


@needs_sandbox
async def test_lines_as_pip_reads_them(repository: MakeSource, builder: LocalBuilder) -> None:
    """Continued lines in an included file, options and includes on one line: all from wheels."""
    files = {
        "requirements.txt": "-r requirements/base.txt -c limits.txt\n",
        "requirements/base.txt": "-r more.txt\nsix\n",
        "requirements/more.txt": "cowsay \\\n  >=5\n",
        "limits.txt": "six==1.16.0\n",
    }
    built = await build(builder, repository(files))
    versions = installed(builder.store.path(built.image.name))
    assert versions["six"] == "1.16.0" and versions["cowsay"]
    assert "Installing packages" in built.log and "repository's packages" not in built.log


@needs_sandbox
async def test_a_setup_that_imports_what_is_listed(
    repository: MakeSource, builder: LocalBuilder
) -> None:
    setup = "import six\nfrom setuptools import setup\n"
    files = {
        "requirements.txt": "six\n",
        "setup.py": f"{setup}setup(name='mine', version='1', py_modules=['mine'])\n",
        "mine.py": "",
    }
    built = await build(builder, repository(files))
    assert installed(builder.store.path(built.image.name))["mine"] == "1"


SAID = """\
TRACE Selecting candidate for numpy with range * with 140 remote versions
TRACE Found candidate for package numpy with range * after 1 steps: 2.5.5 version
TRACE Returning incompatible candidate for package numpy with range * after 2 steps
TRACE Returning candidate for package six with range * after 1 steps
error: something
"""


def test_choices_are_kept_from_the_log() -> None:
    told: list[str] = []
    choices = Choices(told.append)
    for line in SAID.splitlines():
        choices.add(line)
    assert told == ["error: something"]
    assert (choices.passed_over, choices.known) == ({"numpy"}, True)
    assert plain(SAID) == "error: something"


def test_silence_is_not_taken_for_an_answer() -> None:
    choices = Choices(lambda _: None)
    choices.add("Resolved 100 packages in 3ms")
    assert not choices.known
    choices.add("Audited 100 packages in 3ms")
    assert choices.known
    assert isinstance(choices, Log)


def test_what_is_there_already_was_no_choice() -> None:
    """As the uv that is installed says it: otherwise such environments are built twice."""
    argv = [uv.executable(), "pip", "install", "--offline", "--python", sys.executable, "packaging"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    choices = Choices(lambda _: None)
    for line in done.stderr.splitlines():
        choices.add(line)
    assert choices.known and not choices.passed_over


@pytest.mark.parametrize(
    ("answer", "differs"),
    [
        (["Six==1.16.0"], False),
        (["six==1.17.0"], True),
        (["six==1.16.0", "new-one==3"], False),
        (["warning: nothing"], True),
    ],
)
def test_other_versions(answer: list[str], differs: bool) -> None:
    assert differ(answer, {"six": "1.16.0"}) is differs


def test_what_to_stay_at() -> None:
    assert pins({"six": "1", "numpy": "2"}, ["numpy"]) == "six==1\n"
