"""Builds from lock files: what comes out is exactly what was locked.

The locks are made here by uv itself, so that their versions and hashes are real.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from reallocks import POETRY, PROJECT, make_locks, versions
from small_repositories import MakeSource, build
from uv import find_uv_bin

from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.engines.local import recipe
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.buildsandbox import BuildSandbox
from binderhub_ext.engines.local.choices import Choices, installed
from binderhub_ext.engines.local.sandbox import Sandbox
from binderhub_ext.programs import Log

pytestmark = pytest.mark.skipif(
    not shutil.which("bwrap"), reason="bubblewrap is missing: apt-get install bubblewrap"
)

PACKAGE = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[tool.setuptools]
py-modules = ["course"]
"""


def with_hashes(pin: str) -> str:
    """A requirement line with the hashes that the index says."""
    argv = [find_uv_bin(), "pip", "compile", "-", "--no-deps", "--generate-hashes", "--quiet"]
    done = subprocess.run(argv, input=pin, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


@pytest.fixture(scope="module")
def locks() -> dict[str, str]:
    with TemporaryDirectory() as folder:
        return make_locks(Path(folder))


@pytest.mark.parametrize("name", ["uv.lock", "pylock.toml", "poetry.lock"])
async def test_exactly_the_locked_versions(
    name: str, locks: dict[str, str], repository: MakeSource, builder: LocalBuilder
) -> None:
    project = POETRY if name == "poetry.lock" else PROJECT
    source = repository({name: locks[name], "pyproject.toml": project})
    environment = await builder.plan(source)
    assert environment.kind.endswith(f"with {' and '.join(sorted([name, 'pyproject.toml']))}")
    built = await build(builder, source)
    found = installed(builder.store.path(built.image.name))
    locked = versions(locks["uv.lock"])
    assert {"cowsay", "traitlets", "iniconfig"} <= locked.keys()
    assert {name: found[name] for name in locked} == locked
    assert "pywin32" not in found and {"jupyterlab", "notebook"} <= found.keys()
    # Our own uv installed it from wheels, so its files are shared with other environments.
    assert "Installing packages" in built.log and "in the sandbox" not in built.log
    library = builder.store.path(built.image.name) / "lib"
    assert next(library.glob("python3.*/site-packages/cowsay/__init__.py")).stat().st_nlink > 1

    again = await build(
        builder, repository({name: locks[name], "pyproject.toml": project, "n": ""})
    )
    assert again.image == built.image and not again.events
    changed = {name: locks[name] + "\n# changed", "pyproject.toml": project}
    assert (await builder.plan(repository(changed))).key != environment.key


async def test_a_lock_leaves_nothing_to_choose(
    locks: dict[str, str],
    repository: MakeSource,
    builder: LocalBuilder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So it is not looked up what pip would take, which asks an index for every package."""

    class Silent(Choices):
        """Hears nothing of what uv tells of its choices."""

        def add(self, line: str) -> None:
            if not line.startswith("TRACE "):
                Log.add(self, line)

    def look(sandbox: BuildSandbox, argv: Sequence[str]) -> Sandbox:
        raise AssertionError(argv)

    monkeypatch.setattr(recipe, "Choices", Silent)
    monkeypatch.setattr(BuildSandbox, "look", look)
    lock = locks["uv.lock"] + "\n# for nobody else\n"
    built = await build(builder, repository({"uv.lock": lock, "pyproject.toml": PROJECT}))
    assert "Installing packages" in built.log and "in the sandbox" not in built.log


async def test_an_index_is_not_asked_for_what_is_kept(
    locks: dict[str, str],
    repository: MakeSource,
    builder: LocalBuilder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a lock's versions are fixed, it could say nothing new."""
    await builder.prepare()
    for number, proxy in enumerate(["", "http://127.0.0.1:9"]):
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY") if proxy else ():
            monkeypatch.setenv(name, "" if name == "NO_PROXY" else proxy)
            monkeypatch.setenv(name.lower(), "" if name == "NO_PROXY" else proxy)
        lock = f"{locks['uv.lock']}\n# kept {number}\n"
        built = await build(builder, repository({"uv.lock": lock, "pyproject.toml": PROJECT}))
        assert "+ cowsay==" in built.log and "cannot be reached" not in built.log


async def test_a_package_with_a_lock(
    locks: dict[str, str], repository: MakeSource, builder: LocalBuilder
) -> None:
    """The repository is a package too: it is installed, and what it needs is as locked."""
    lock = locks["uv.lock"].replace('virtual = "."', 'editable = "."')
    files = {"uv.lock": lock, "pyproject.toml": PROJECT + PACKAGE, "course.py": ""}
    built = await build(builder, repository(files))
    found = installed(builder.store.path(built.image.name))
    locked = versions(lock)
    assert found["course"] == "1" and {name: found[name] for name in locked} == locked
    assert (await builder.plan(repository({**files, "course.py": "x"}))).key != built.image.key


@pytest.mark.parametrize("package", ["cowsay", "traitlets"])
@pytest.mark.parametrize("name", ["uv.lock", "pylock.toml"])
async def test_files_with_other_hashes_are_refused(
    name: str, package: str, locks: dict[str, str], repository: MakeSource, builder: LocalBuilder
) -> None:
    """Of a package that is new, and of one that the server has too."""
    head, middle, tail = locks[name].partition(f'\nname = "{package}"')
    wrong = re.sub("[0-9a-f]{64}", "0" * 64, tail.partition("[[package")[0])
    lock = head + middle + wrong + "".join(tail.partition("[[package")[1:])
    source = repository({name: lock, "pyproject.toml": PROJECT})
    with pytest.raises(BuildFailed, match=f"{package}.* is not the file that was locked") as caught:
        await build(builder, source)
    assert f"`{package}==" in caught.value.detail
    assert await builder.find(await builder.plan(source)) is None


async def test_what_the_server_has_too_is_checked(
    repository: MakeSource, builder: LocalBuilder
) -> None:
    """It is installed anew; all else of the server is as in the environment of no repository."""
    await builder.prepare()
    model = builder.store.path((await builder.plain()).key)
    pinned = with_hashes(f"traitlets=={installed(model)['traitlets']}")
    built = await build(builder, repository({"requirements.txt": pinned}))
    assert "Checking that a server starts" not in built.log
    site = next(builder.store.path(built.image.name).glob("lib/*/site-packages"))
    assert (site / "traitlets/traitlets.py").exists()
    assert list(site.glob("jupyterlab/__pycache__/labapp.*.pyc"))
    wrong = re.sub("[0-9a-f]{64}", "0" * 64, pinned)
    for said in ("==", "===", "  == v"):
        files = {"requirements.txt": wrong.replace("==", said, 1)}
        with pytest.raises(BuildFailed, match=r"traitlets.* is not the file that was locked"):
            await build(builder, repository(files))


async def test_a_lock_for_other_machines(
    locks: dict[str, str], repository: MakeSource, builder: LocalBuilder
) -> None:
    project = PROJECT.replace("; sys_platform == 'win32'", "")
    lock = locks["uv.lock"].replace(", marker = \"sys_platform == 'win32'\"", "")
    with pytest.raises(BuildFailed, match="pywin32") as caught:
        await build(builder, repository({"uv.lock": lock, "pyproject.toml": project}))
    assert "this Python and machine" in caught.value.message


async def test_locks_can_be_left_out(
    locks: dict[str, str], repository: MakeSource, data: Path
) -> None:
    files = {"uv.lock": locks["uv.lock"], "pyproject.toml": PROJECT}
    without = LocalBuilder(data_dir=str(data), lock_files=False)
    environment = await without.plan(repository(files))
    assert environment.files == ("pyproject.toml",)
    only = repository({"pyproject.toml": PROJECT})
    assert environment.key == (await LocalBuilder(data_dir=str(data)).plan(only)).key


async def test_the_python_of_a_lock(
    locks: dict[str, str], repository: MakeSource, builder: LocalBuilder
) -> None:
    minors = [*dict.fromkeys(one.minor for one in await builder.machine())]
    newest = minors[-1]
    lock = locks["uv.lock"].replace(">=3.11", f">={newest}")
    named = {"uv.lock": locks["uv.lock"], ".python-version": f"{newest}\n"}
    for files in ({"uv.lock": lock}, named):
        assert f"Python {newest} with" in (await builder.plan(repository(files))).kind
    later = {"uv.lock": locks["uv.lock"].replace(">=3.11", ">=3.99")}
    with pytest.raises(BuildFailed, match=r"for Python >=3.99; this hub has"):
        await builder.plan(repository(later))


async def test_a_pipfile_lock_is_read_as_before(
    locks: dict[str, str], repository: MakeSource, builder: LocalBuilder
) -> None:
    lock = {"default": {"six": {"version": "==1.14.0"}}, "develop": {}}
    files = {"Pipfile.lock": json.dumps(lock), "uv.lock": locks["uv.lock"]}
    assert "uv.lock" not in (await builder.plan(repository(files))).files
