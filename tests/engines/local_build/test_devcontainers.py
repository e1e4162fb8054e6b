"""`devcontainer.json`: where it counts, what key it has, and a build by it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from small_repositories import Files, MakeSource, build

from binderhub_ext.core.errors import BuildFailed, Unsupported
from binderhub_ext.engines.configuration import configuration
from binderhub_ext.engines.containers.planning import Recipe
from binderhub_ext.engines.detect import Detector
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.choices import installed

PATH = ".devcontainer/devcontainer.json"
FEATURES = {"ghcr.io/rocker-org/devcontainer-features/apt-packages:1": {"packages": "figlet,curl"}}
PYTHON = "mcr.microsoft.com/devcontainers/python:3.11"
ASKED = json.dumps({"image": PYTHON, "features": FEATURES, "postStartCommand": "x"})
PROJECT = '[project]\nname = "x"\nversion = "1"\n'
PACKAGE = PROJECT + "[build-system]\nrequires = []\n"


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    """One for all, since what repo2docker says of nothing is mostly the same question."""
    return Detector(tmp_path_factory.mktemp("plans"), "3.12", ["3.11", "3.12"])


async def test_it_is_as_if_written_for_repo2docker(
    repository: MakeSource, builder: LocalBuilder, tmp_path: Path
) -> None:
    """On every engine; a comment in it makes no other environment."""
    same: Files = {"runtime.txt": "python-3.11\n", "apt.txt": "curl\nfiglet\n"}
    recipe = Recipe("docker", "stock", "")
    plans = [
        (await recipe.plan(repository(files), builder.layout, tmp_path)).environment
        for files in ({PATH: ASKED}, {PATH: f"// x\n{ASKED}"}, same)
    ]
    assert len({plan.key for plan in plans}) == 1
    assert plans[0].kind == "Python 3.11 with devcontainer.json" and plans[0].files == (PATH,)
    assert ["postStartCommand" in note for note in plans[0].notes] == [True]
    off = replace(recipe, devcontainers=False)
    plain = (await off.plan(repository({PATH: ASKED}), builder.layout, tmp_path)).environment
    assert plain == recipe.plain().environment


@pytest.mark.parametrize(
    ("files", "named"),
    [
        *(({name: ""}, name) for name in ("requirements.txt", "start", "Dockerfile", "setup.py")),
        ({"binder/x": ""}, "binder/"),
        ({"binder/apt.txt": "", "requirements.txt": ""}, "binder/apt.txt"),
        ({"pyproject.toml": PACKAGE}, "pyproject.toml"),
        ({"uv.lock": 'version = 1\nrequires-python = ">=3"\n'}, "uv.lock"),
    ],
)
async def test_what_counts_before(
    files: Files, named: str, repository: MakeSource, detector: Detector, tmp_path: Path
) -> None:
    """Their environments are what they are without it; that it does not count is said."""
    found = await detector.of(repository({**files, PATH: ASKED}), tmp_path)
    alone = await detector.of(repository(files), tmp_path)
    assert found.determination == alone.determination and not alone.notes
    assert found == replace(alone, notes=found.notes)
    assert [*found.notes] == [f"{PATH} does not count beside {named}"]


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({PATH: "3.10", ".devcontainer.json": "3.9", ".devcontainer/a/devcontainer.json": ""}, 10),
        ({".devcontainer.json": "3.9", ".devcontainer/a/devcontainer.json": ""}, 9),
        ({".devcontainer/a/devcontainer.json": "3.8", ".devcontainer/b/x": ""}, 8),
        ({PATH: "3.10", "pyproject.toml": PROJECT}, 10),
        *(({f".devcontainer/{name}/devcontainer.json": "" for name in "ab"}, 0),),
        ({f"binder/{PATH}": "3.10"}, 0),
        # Nothing behind a link: what is remembered of the entries would not change with it.
        ({PATH: "-> ../real", "real": "3.10"}, 0),
        ({".devcontainer": "-> real", "real/devcontainer.json": "3.10"}, 0),
        ({PATH: "-> /etc/passwd"}, 0),
        ({".devcontainer": "3.10"}, 0),
        ({f"{PATH}/x": "3.10"}, 0),
    ],
)
async def test_where_it_is(
    files: Files, version: int, repository: MakeSource, detector: Detector, tmp_path: Path
) -> None:
    written: Files = {
        name: json.dumps({"image": f"python:{text}"}) if str(text).startswith("3.") else text
        for name, text in files.items()
    }
    found = await detector.of(repository(written), tmp_path)
    assert found.python == (f"3.{version}" if version else "3.12")
    assert [*found.notes] == (
        ["The repository has several files devcontainer.json, and none of them counts"]
        if len(files) == 2 and "/b/" in " ".join(files) and not version
        else []
    )


async def test_a_changed_one_is_noticed(
    repository: MakeSource, detector: Detector, tmp_path: Path
) -> None:
    path = ".devcontainer/a/devcontainer.json"
    first = repository({path: ASKED})
    known = await detector.of(first, tmp_path)
    same = repository({path: ASKED, "a.ipynb": "{}"})
    assert await configuration(same) == await configuration(first)
    assert await detector.of(same, tmp_path) == known
    # As it is remembered, by a service that just started.
    assert detector.recall(first.content) == known and known.notes[0].data
    changed = await detector.of(repository({path: ASKED.replace("figlet", "cowsay")}), tmp_path)
    assert changed.apt == ("cowsay", "curl") != known.apt


async def test_commands_run_as_post_build_does(
    repository: MakeSource, builder: LocalBuilder
) -> None:
    """A build by it: its command, the repository's files, and what is said of the rest."""
    said = {
        "image": "mcr.microsoft.com/devcontainers/base:bookworm",
        "postCreateCommand": {"a": "sh -e .devcontainer/setup.sh", "b": ["touch", "here it is"]},
        "customizations": {"vscode": {"extensions": ["ms-python.python"]}},
    }
    files = {
        PATH: json.dumps(said),
        ".devcontainer/setup.sh": "pip install -q --no-deps ./package\necho from $PWD\n",
        "package/setup.py": "from setuptools import setup; setup(name='ours', version='2')",
    }
    source = repository(files)
    planned = await builder.plan(source)
    assert planned.kind.endswith(" with devcontainer.json") and len(planned.notes) == 2
    built = await build(builder, source)
    assert installed(builder.store.path(built.image.name))["ours"] == "2"
    assert "from /repo" in built.log.replace("/srv/repo", "/repo")
    assert all(note in built.log.splitlines() for note in planned.notes)
    assert (await builder.plan(repository({**files, "x": ""}))).key != planned.key


async def test_a_command_that_fails_is_named(repository: MakeSource, builder: LocalBuilder) -> None:
    source = repository({".devcontainer.json": '{"postCreateCommand": "exit 7"}'})
    with pytest.raises(BuildFailed, match=r"^\.devcontainer\.json ended with status 7\."):
        await build(builder, source)


async def test_what_is_in_the_way_is_no_file_of_ours(
    repository: MakeSource, builder: LocalBuilder
) -> None:
    """A folder, or a link to where nothing is, has the name of a file that we write."""
    said = '{"postCreateCommand": "true"}'
    folder = repository({"postBuild/x": "", ".devcontainer.json": said})
    link = repository({"postBuild": "-> .git/hooks/x", ".devcontainer.json": said})
    for source in (folder, link):
        with pytest.raises(BuildFailed, match="postBuild, which is no file"):
            await build(builder, source)


async def test_refusals_name_it(repository: MakeSource, builder: LocalBuilder) -> None:
    old = repository({PATH: '{"image": "python:3.5"}'})
    assert (await builder.plan(old)).kind.startswith("Python 3.5 from conda")
    builder.python_of_conda = False
    with pytest.raises(Unsupported, match=rf"^{PATH} asks for Python 3\.5, which this engine has"):
        await builder.plan(old)
    builder.system_packages = False
    with pytest.raises(Unsupported, match=rf"^{PATH}: this hub cannot install system packages"):
        await builder.plan(repository({PATH: ASKED.replace(PYTHON, "ubuntu")}))
