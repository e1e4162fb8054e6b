"""Repositories of Julia on a machine without any, with a stand-in for Julia from a channel.

What is not shown: a real Julia, and packages of its registries, which tests do not reach.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from condachannel import (
    PYTHON,
    Package,
    can_make_python,
    julia_package,
    make_channel,
    python_package,
)
from small_repositories import MakeSource, build

from binderhub_ext import certificates
from binderhub_ext.core.errors import BuildFailed, Unsupported
from binderhub_ext.core.progress import unheard
from binderhub_ext.engines.local import julialang, trust
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.choices import installed
from binderhub_ext.engines.local.juliabuild import PackagesOfJulia
from binderhub_ext.engines.local.store import read_record
from binderhub_ext.programs import ProcessFailed

pytestmark = pytest.mark.skipif(
    not shutil.which("bwrap"), reason="bubblewrap is missing: apt-get install bubblewrap"
)

PROJECT = '[deps]\nTides = "0"\n[compat]\njulia = "~1.10"\n'
MIRROR = "https://julia.example.org"
POST_BUILD = '#!/bin/sh\necho "$JULIA_DEPOT_PATH $JULIA_PROJECT" >told.txt\n'


@pytest.fixture(scope="module")
def channels() -> Iterator[Path]:
    """Folders of channels: one with Julia, and one without."""
    with TemporaryDirectory(prefix="bh-channels-") as name:
        folder = Path(name)
        julias = [julia_package(version) for version in ("1.9.4", "1.10.4", "1.11.1")]
        make_channel(folder / "with" / "conda-forge", [python_package(), *julias])
        without = Package("python", {}, version=f"{PYTHON}.0")
        make_channel(folder / "without" / "conda-forge", [without])
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        yield folder


@pytest.fixture
def julia_builder(data: Path, channels: Path) -> LocalBuilder:
    alias = (channels / "with").as_uri()
    return LocalBuilder(data_dir=str(data), conda_channel_alias=alias, default_python=PYTHON)


async def test_what_is_planned(repository: MakeSource, julia_builder: LocalBuilder) -> None:
    """Said before the build; whoever asks for another Julia has another environment."""
    plan = await julia_builder.plan(repository({"Project.toml": PROJECT}))
    assert plan.kind == f"Julia and Python {PYTHON} from conda with Project.toml"
    (note,) = plan.notes
    assert note == "Project.toml asks for Julia ~1.10: conda's newest that fits is taken"
    files = {"JuliaProject.toml": "", "Project.toml": PROJECT, "runtime.txt": "python-3.10"}
    other = await julia_builder.plan(repository(files))
    assert other.kind.startswith("Julia and Python 3.10 from conda with ")
    (note,) = other.notes
    assert note == "JuliaProject.toml names no version of Julia: conda's newest is taken"
    newer = repository({"Project.toml": PROJECT.replace("10", "11")})
    keys = {plan.key, other.key, (await julia_builder.plan(newer)).key}
    julia_builder.julia_pkg_server = MIRROR
    assert len({*keys, (await julia_builder.plan(newer)).key}) == 4


async def test_no_version_is_refused_before_anything_is_built(
    repository: MakeSource, julia_builder: LocalBuilder
) -> None:
    with pytest.raises(BuildFailed, match="new is no version of Julia"):
        await julia_builder.plan(repository({"Project.toml": '[compat]\njulia = "new"'}))


@pytest.mark.parametrize(
    ("channel", "project", "why"),
    [
        ("nowhere", PROJECT, "nowhere"),
        ("without", PROJECT, "julia"),
        ("with", PROJECT.replace("~1.10", "=1.10.99"), "1.10.99"),
    ],
)
async def test_refused_where_conda_does_not_have_it(
    channel: str,
    project: str,
    why: str,
    repository: MakeSource,
    julia_builder: LocalBuilder,
    channels: Path,
) -> None:
    julia_builder.conda_channel_alias = (channels / channel).as_uri()
    source = repository({"Project.toml": project, "channel.txt": channel})
    with pytest.raises(Unsupported) as caught:
        await build(julia_builder, source)
    message = caught.value.message
    assert message.startswith("Project.toml: ") and why in message, message
    assert "environment=plain" in message and "docker" in message, message
    key = (await julia_builder.plan(source)).key
    assert not julia_builder.store.path(key).exists()


@pytest.mark.skipif(
    not can_make_python(), reason="this Python works nowhere but where Debian has put it"
)
async def test_the_project_of_a_binder_folder(
    repository: MakeSource, julia_builder: LocalBuilder
) -> None:
    """A Julia that fits, its kernel, its packages, those of Python, and `postBuild` after them."""
    named = {"Project.toml": PROJECT, "requirements.txt": "iniconfig\n", "postBuild": POST_BUILD}
    source = repository({f"binder/{name}": text for name, text in named.items()})
    julia_builder.julia_pkg_server = MIRROR
    built = await build(julia_builder, source)
    environment = julia_builder.store.path(built.image.name)
    assert (environment / "conda-meta/julia-1.10.4-0.json").is_file()
    assert {"lab", "notebook"} <= set(built.image.provides)
    assert "iniconfig" in installed(environment)
    depot = environment / "share/julia-depot"
    assert (depot / "environments/ijulia/Project.toml").is_file()
    assert (depot / "packages/Tides/from.txt").read_text() == MIRROR
    assert (environment / "share/jupyter/kernels/julia-1.10/kernel.json").is_file()
    record = read_record(environment)
    assert record and record.julia == "/srv/repo/binder" and record.made
    assert record.julia_server == MIRROR
    made = record.made / "repo"
    assert (made / "binder/Manifest.toml").read_text() == 'julia_version = "1.10"\n'
    assert (made / "told.txt").read_text() == f"{depot}: /srv/repo/binder\n"
    assert "The build made 2 files; they are given to each project." in built.log


@pytest.mark.parametrize(
    ("fails", "words"),
    [(0, "Installing the kernel of Julia failed."), (1, "Installing Project.toml failed.")],
)
async def test_what_julia_cannot_install(fails: int, words: str, tmp_path: Path) -> None:
    ran: list[Sequence[str]] = []

    async def step(argv: Sequence[str]) -> None:
        ran.append(argv)
        if len(ran) > fails:
            raise ProcessFailed(1, "ERROR: expected package `Tides` to be registered")

    packages = PackagesOfJulia(tmp_path, "Project.toml", "/srv/repo", "", step, unheard)
    with pytest.raises(BuildFailed, match="failed") as caught:
        await packages.install()
    assert caught.value.message == words and "`Tides`" in caught.value.detail


def test_julia_trusts_whom_the_hub_trusts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the script of conda's package says, after which this comes."""
    bundle = tmp_path / "bundle.pem"
    for name, file in certificates.variables(str(bundle)).items():
        monkeypatch.setenv(name, file)
    for words in (julialang.in_server, julialang.in_build):
        bundle.unlink(missing_ok=True)
        assert "JULIA_SSL_CA_ROOTS_PATH" not in str(words(tmp_path, "/srv/repo", ""))
        bundle.touch()
        told = words(tmp_path, "/srv/repo", "")
        assert f"JULIA_SSL_CA_ROOTS_PATH={trust.INSIDE}" in told
