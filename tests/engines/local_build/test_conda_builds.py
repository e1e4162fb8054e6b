"""`environment.yml` on a machine without any conda: from channels that are made here.

What is not shown: packages of conda-forge, which tests do not reach.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from condachannel import (
    PLACEHOLDER,
    PYTHON,
    SUBDIR,
    Package,
    can_make_python,
    make_channel,
    pip_package,
    python_package,
)
from condalocks import conda_lock, explicit, pixi_lock
from hostile import snapshot
from httpserver import serving_files
from reallocks import make_locks, versions
from small_repositories import Built, MakeSource, build

from binderhub_ext.core.errors import BinderError, BuildFailed
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.choices import installed
from binderhub_ext.programs import output

pytestmark = [
    pytest.mark.skipif(
        not shutil.which("bwrap"), reason="bubblewrap is missing: apt-get install bubblewrap"
    ),
    pytest.mark.skipif(
        not can_make_python(), reason="this Python works nowhere but where Debian has put it"
    ),
]

BINARY = b"\x7fELF\0" + PLACEHOLDER.encode() + b"/share\0end\0"
TIDES = Package(
    "tides",
    {"site-packages/tides.py": "import sys\ndef main():\n    print('high', sys.prefix)\n"},
    depends=["python", "__glibc >=2.17", "places"],
    noarch=True,
    entry_points=["tides = tides:main"],
)
PLACES = Package(
    "places",
    {
        "bin/where": f"#!/bin/sh\necho {PLACEHOLDER}/share\n",
        "lib/places.bin": BINARY,
        "lib/link": "-> places.bin",
        "etc/conda/activate.d/places.sh": 'export PLACES="$CONDA_PREFIX/share"\n',
        "bin/.places-post-link.sh": 'echo "$PKG_NAME in $HOME" >"$PREFIX/linked"\n',
    },
    old=True,
)
FUTURE = Package("future", {"a": ""}, depends=["__glibc >=99"])
MOONS = [
    Package("moon", {"site-packages/moon.py": f"version = {n}"}, version=f"{n}.0", noarch=True)
    for n in (1, 2)
]
OTHERS = Package("r-others", {"share/others": "of strangers"})
KERNEL_OF_R = Package("r-irkernel", {"lib/R/library/IRkernel/DESCRIPTION": "Package: IRkernel\n"})

OUT = "../../../../../../../../tmp/binder-evil"
ENDS = "bin/.evil-post-link.sh"
"""Ends the build as soon as everything was linked."""

EVIL = [
    Package("evil0", {"share/a": "evil", ENDS: "exit 1"}, told={"share/a": OUT}),
    Package("evil1", {OUT: "evil", ENDS: "exit 1"}),
    Package("evil2", {"share/l": "-> /tmp", "share/l/binder-evil": "evil", ENDS: "exit 1"}),
    Package("evil3", {"share/a": "evil", ENDS: "exit 1"}, told={"share/a": "/tmp/binder-evil"}),
    Package(
        "evil4",
        {"site-packages/evil.py": "", ENDS: "exit 1"},
        depends=["python"],
        noarch=True,
        entry_points=[f"{OUT} = evil:main"],
    ),
]

FILE = """\
channels: [lab]
dependencies:
- tides
- pip:
  - cowsay<6.1
variables:
  TIDE: it's high
"""


@pytest.fixture(scope="module")
def channels() -> Iterator[Path]:
    """A folder with two channels."""
    with TemporaryDirectory(prefix="bh-channels-") as name:
        folder = Path(name)
        make_channel(
            folder / "lab", [python_package(), TIDES, PLACES, FUTURE, KERNEL_OF_R, *MOONS, *EVIL]
        )
        make_channel(folder / "strangers", [OTHERS])
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        yield folder


@pytest.fixture
def conda_builder(data: Path, channels: Path) -> LocalBuilder:
    return LocalBuilder(
        data_dir=str(data),
        conda_channel_alias=channels.as_uri(),
        conda_shared_channels=["lab"],
        default_python=PYTHON,
    )


def run(builder: LocalBuilder, built: Built, program: str, *words: str) -> str:
    argv = [str(builder.store.path(built.image.name) / "bin" / program), *words]
    return subprocess.run(argv, check=True, capture_output=True, text=True, env={}).stdout.strip()


async def test_packages_of_a_channel(repository: MakeSource, conda_builder: LocalBuilder) -> None:
    """Solved, linked, with entry points, its own place in them, and packages of pip."""
    built = await build(conda_builder, repository({"environment.yml": FILE}))
    environment = conda_builder.store.path(built.image.name)
    assert run(conda_builder, built, "tides") == f"high {environment}"
    assert run(conda_builder, built, "where") == f"{environment}/share"
    binary = (environment / "lib" / "link").read_bytes()
    assert len(binary) == len(BINARY) and f"{environment}/share\0".encode() in binary
    assert binary.endswith(b"end\0")
    found = installed(environment)
    assert found["cowsay"].startswith("6.0") and {"jupyterlab", "notebook"} <= found.keys()
    assert {"lab", "notebook"} <= set(built.image.provides)
    assert "3 packages" in built.log and "Linked 3 of 3 packages" in built.log
    # Code of a package ran as all foreign code does, and said so.
    assert "Running what places has for after it was linked" in built.log
    assert (environment / "linked").read_text() == "places in /home/jovyan\n"
    script = 'for f in "$0"/etc/conda/activate.d/*.sh; do . "$f"; done; echo "$TIDE $PLACES"'
    told = await output(["sh", "-c", script, str(environment)], env={"CONDA_PREFIX": "/e"})
    assert told == "it's high /e/share"
    assert not [path for path in environment.rglob("*") if path.lstat().st_uid != os.geteuid()]


async def test_who_has_the_same_plain_file_has_the_same_environment(
    repository: MakeSource, conda_builder: LocalBuilder
) -> None:
    file = "channels:\n- lab\ndependencies:\n- tides\n"
    first = await conda_builder.plan(repository({"environment.yml": file}))
    assert first == await conda_builder.plan(repository({"environment.yml": file, "n": ""}))
    other = LocalBuilder(data_dir=conda_builder.data_dir, default_python="3.99")
    assert first.key != (await other.plan(repository({"environment.yml": file}))).key


def old_python() -> Path | None:
    """An installation of Python 2.7, as pyenv has it."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    return next(pyenv.glob("versions/2.7.*"), None)


@pytest.mark.skipif(not old_python(), reason="this machine has no Python 2.7 to make a package of")
async def test_a_python_that_no_server_is_for(
    repository: MakeSource, conda_builder: LocalBuilder, channels: Path
) -> None:
    """It is the kernel, which its own pip installs; the server is this hub's."""
    old = old_python()
    assert old
    packages = [python_package(old, "2.7"), pip_package(old, "2.7")]
    make_channel(channels / "conda-forge", packages)
    conda_builder.conda_shared_channels = ["conda-forge"]
    files = {"runtime.txt": "python-2.7", "requirements.txt": "six==1.12.0\n"}
    built = await build(conda_builder, repository(files))
    environment = conda_builder.store.path(built.image.name)
    code = "import six, sys; print(sys.version_info[:2], six.__version__)"
    assert run(conda_builder, built, "python", "-c", code) == "((2, 7), '1.12.0')"
    assert installed(environment)["ipykernel"].startswith("4.")
    assert "jupyterlab" not in installed(environment)
    assert "jupyterlab" in installed(environment / ".server")
    assert {"lab", "notebook"} <= set(built.image.provides)
    assert "Python 2.7" in built.log and "Checking that a kernel starts" in built.log


@pytest.fixture
def wheel(tmp_path: Path) -> tuple[str, str, str]:
    """Name, version and SHA-256 of a package of the public index, as a lock has it."""
    uv_lock = make_locks(tmp_path)["uv.lock"]
    (digest,) = re.findall(r"/iniconfig-[^}]*\.whl\", hash = \"sha256:(\w+)", uv_lock)
    return "iniconfig", versions(uv_lock)["iniconfig"], digest


async def test_whole_builds_from_locks(
    repository: MakeSource, conda_builder: LocalBuilder, channels: Path, wheel: tuple[str, str, str]
) -> None:
    """Exactly what is locked, though there are newer ones; the second time the host is away."""
    lab, packages = channels / "lab", [python_package(), TIDES, PLACES, MOONS[0]]
    locks = {
        "conda-lock.yml": conda_lock(lab, packages, wheel),
        "environment.lock": explicit(lab, packages),
    }
    environments = []
    with ExitStack() as host:
        url = host.enter_context(serving_files(channels))
        conda_builder.conda_channel_alias = url
        for name, lock in locks.items():
            source = repository({name: lock.replace(channels.as_uri(), url)})
            built = await build(conda_builder, source)
            host.close()
            environment = conda_builder.store.path(built.image.name)
            linked = {file.stem for file in environment.glob("conda-meta/*.json")}
            assert linked == {package.stem for package in packages}
            assert run(conda_builder, built, "tides") == f"high {environment}"
            version = run(conda_builder, built, "python", "-c", "import moon; print(moon.version)")
            assert version == "1"
            assert {"lab", "notebook"} <= set(built.image.provides)
            assert "Looking at" not in built.log
            environments.append(environment)
    name, version, _ = wheel
    assert [installed(each).get(name) for each in environments] == [version, None]


PIXI = f"""\
[workspace]
channels = ["lab"]
platforms = ["{SUBDIR}"]
[dependencies]
tides = ">=1"
[pypi-dependencies]
iniconfig = "<2.1"
[activation.env]
TIDE = "it's high"
"""


async def test_packages_of_pixi_locked_or_not(
    repository: MakeSource, conda_builder: LocalBuilder, channels: Path, wheel: tuple[str, str, str]
) -> None:
    """Linked as they are locked, or solved; those of Python by uv. The key names all of it."""
    packages = [python_package(), PLACES, TIDES]
    lock = pixi_lock(channels / "lab", packages, wheel)
    keys = set()
    for files in ({"pixi.toml": PIXI}, {"pixi.toml": PIXI, "pixi.lock": lock}):
        source = repository({**files})
        planned = await conda_builder.plan(source)
        assert planned.kind == f"Python from conda with {' and '.join(sorted(files))}"
        built = await build(conda_builder, source)
        environment = conda_builder.store.path(built.image.name)
        assert run(conda_builder, built, "tides") == f"high {environment}"
        assert ("Looking at" in built.log) is ("pixi.lock" not in files)
        assert installed(environment)["iniconfig"] == wheel[1]
        assert {"lab", "notebook"} <= set(built.image.provides)
        assert (environment / "linked").read_text() == "places in /home/jovyan\n"
        (script,) = environment.glob("etc/conda/activate.d/variables-*.sh")
        assert "TIDE" in script.read_text()
        keys.add(planned.key)
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("tides-1.0-0.conda#", "tides-1.0-0.conda#0", "checksum of tides"),
        ("tides-1.0-0.conda", "tides-9.0-0.conda", "environment.lock failed"),
    ],
)
async def test_a_lock_that_is_not_what_there_is(
    old: str,
    new: str,
    words: str,
    repository: MakeSource,
    conda_builder: LocalBuilder,
    channels: Path,
) -> None:
    lock = explicit(channels / "lab", [python_package(), TIDES]).replace(old, new)
    cut = new.endswith("#0")
    lines = [line[:-1] if cut and new in line else line for line in lock.split()]
    source = repository({"environment.lock": "\n".join(lines)})
    with pytest.raises(BuildFailed, match=words):
        await build(conda_builder, source)


async def test_environments_share_packages_and_no_build_changes_them(
    repository: MakeSource, conda_builder: LocalBuilder
) -> None:
    first = await build(conda_builder, repository({"environment.yml": FILE}))
    environment = conda_builder.store.path(first.image.name)
    stdlib = f"lib/python{PYTHON}/os.py"
    if os.geteuid() == 0:
        assert (environment / stdlib).stat().st_nlink > 1
    before = snapshot(environment, without=[]), snapshot(conda_builder.store.conda, without=[])
    hostile = f"""#!/bin/sh
echo evil >>"$CONDA_PREFIX/{stdlib}"
rm "$CONDA_PREFIX/lib/places.bin"; echo evil >"$CONDA_PREFIX/lib/places.bin"
chmod -R a+w "$CONDA_PREFIX"; ls "$CONDA_PREFIX/.." "$CONDA_PREFIX/../cache" || true
"""
    source = repository({"environment.yml": FILE, "postBuild": hostile})
    other = conda_builder.store.path((await build(conda_builder, source)).image.name)
    assert (other / "lib/places.bin").read_text() == "evil\n"
    after = snapshot(environment, without=[]), snapshot(conda_builder.store.conda, without=[])
    assert after == before


async def test_packages_of_other_channels_are_kept_by_nobody(
    repository: MakeSource, conda_builder: LocalBuilder
) -> None:
    file = FILE.replace("[lab]", "[strangers, lab]").replace("- tides", "- tides\n- r-others")
    built = await build(conda_builder, repository({"environment.yml": file}))
    environment = conda_builder.store.path(built.image.name)
    assert (environment / "share/others").read_text() == "of strangers"
    assert not list(conda_builder.store.conda.rglob("r-others*"))
    assert (environment / "share/others").stat().st_nlink == 1
    # Its name says that it is one of R, and so is the kernel of that there.
    kernel = json.loads((environment / "share/jupyter/kernels/ir/kernel.json").read_text())
    assert kernel["argv"][0] == f"{environment}/bin/R"
    assert "R's kernel is there too, RStudio is not" in built.log


async def test_whatever_a_package_calls_its_files_it_writes_nowhere_else(
    repository: MakeSource, conda_builder: LocalBuilder
) -> None:
    """The administrator's channels, whose packages everybody shares, are no exception."""
    images = await conda_builder.images()
    folders = [conda_builder.store.path(image.key) for image in images]
    before = [snapshot(folder) for folder in folders]
    for evil in EVIL:
        with suppress(BinderError):
            file = FILE.replace("tides", evil.name)
            await build(conda_builder, repository({"environment.yml": file}))
        assert not Path("/tmp/binder-evil").exists(), evil.name
        assert not list(conda_builder.layout.root.rglob("binder-evil")), evil.name
    assert before == [snapshot(folder) for folder in folders]


REFUSED = [
    (FILE.replace("tides", "no-such-thing"), "no-such-thing"),
    (FILE.replace("- tides", "- tides=9"), "tides"),
    (FILE.replace("tides", "future"), "__glibc"),
    (FILE.replace("[lab]", "[nowhere]"), "nowhere"),
    (FILE.replace("[lab]", "[ftp://example.org/x]"), "no name and no address"),
    (FILE.replace("[lab]", "lab"), "has to be a list"),
    (FILE.replace("- tides", "- 'tides >>> 1'"), "InvalidMatchSpec"),
    (FILE.replace("cowsay<6.1", "cowsay==99"), "no cowsay 99"),
]


@pytest.mark.parametrize(("file", "words"), REFUSED, ids=[words for _, words in REFUSED])
async def test_what_cannot_be_had_is_said(
    file: str, words: str, repository: MakeSource, conda_builder: LocalBuilder
) -> None:
    source = repository({"environment.yml": file})
    with pytest.raises(BuildFailed, match=words) as caught:
        await build(conda_builder, source)
    assert caught.value.message.endswith(".")
    store = conda_builder.store
    key = (await conda_builder.plan(source)).key
    assert not store.path(key).exists() and not (store.conda / key).exists()
