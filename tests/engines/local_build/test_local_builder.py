"""Real builds with real packages: what comes out, what is shared, what bad input does."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from patience import wait_until
from processlist import processes
from small_repositories import MakeSource, build

from binderhub_ext.core.errors import BuildFailed, NoSpace
from binderhub_ext.core.progress import Phase, unheard
from binderhub_ext.engines.base import Image
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.choices import installed
from binderhub_ext.engines.local.store import read_record
from binderhub_ext.programs import output

pytestmark = pytest.mark.skipif(
    not shutil.which("bwrap"), reason="bubblewrap is missing: apt-get install bubblewrap"
)

ROOT = os.geteuid() == 0
LOUD = "#!/usr/bin/env python3\nimport sys\nfor _ in range(1_100_000): print('x' * 100)\n"


def python(builder: LocalBuilder, image: Image, code: str) -> str:
    """Run code with an environment's own interpreter, as a server would."""
    program = builder.store.path(image.name) / "bin" / "python"
    result = subprocess.run(
        [program, "-B", "-c", code], check=True, capture_output=True, text=True, env={}
    )
    return result.stdout.strip()


def leftovers(builder: LocalBuilder) -> list[str]:
    store = builder.store
    half = [path for path in store.root.glob("[0-9a-f]*") if read_record(path) is None]
    return [str(path) for path in [*half, *store.scratch.glob("*")]]


async def test_an_empty_repository_gets_what_repo2docker_gives(
    repository: MakeSource, builder: LocalBuilder
) -> None:
    source = repository({"README.md": "nothing"})
    builder.store.remove((await builder.plan(source)).key)  # as other tests build it too
    built = await build(builder, source)
    assert {"lab", "notebook"} <= set(built.image.provides)
    code = "import jupyterlab, notebook, ipywidgets, jupyterhub, jupyter_resource_usage, pip"
    python(builder, built.image, code + "; print(jupyterhub.__version__)")
    path = builder.store.path(built.image.name)
    assert not list(path.glob("lib/*/site-packages/rfc3987_syntax*"))
    assert list(path.glob("lib/*/site-packages/jupyterlab/__pycache__/labapp.*.pyc"))
    assert {event.phase for event in built.events} == {Phase.BUILDING}
    bar = [event.data["progress"] for event in built.events if "progress" in event.data]
    assert bar == sorted(bar)
    assert built.image in await builder.images()
    assert not leftovers(builder)


async def test_requirements_and_start(repository: MakeSource, builder: LocalBuilder) -> None:
    start = '#!/bin/sh\nexport X=1\nexec "$@"\n'
    files = {"binder/requirements.txt": "six==1.16.0\n", "binder/start": start}
    source = repository(files)
    built = await build(builder, source)
    assert python(builder, built.image, "import six; print(six.__version__)") == "1.16.0"
    path = builder.store.path(built.image.name)
    assert (path / ".binder" / "start").read_text() == start
    record = json.loads((path / ".binder" / "image.json").read_text())
    assert record["commit"] == source.commit.id
    assert record["start"] is True
    assert record["files"] == ["binder/requirements.txt", "binder/start"]
    for file in path.rglob("*"):
        assert file.is_symlink() or file.stat().st_mode & 0o444 == 0o444
        marks = (".binder", ".lock", "used")
        assert file.is_symlink() or file.name in marks or not file.stat().st_mode & 0o222

    again = await build(builder, repository({**files, "notebook.ipynb": "{}"}))
    assert again.image == built.image
    assert not [event for event in again.events if event.data.get("log")]


# Whether there is a folder of stubs, and how many modules of it jedi would find.
STUBS = """
from jedi.inference.gradual import typeshed
stubs = typeshed.TYPESHED_PATH / "stubs"
print(stubs.is_dir(), len(typeshed._create_stub_map(typeshed.PathInfo(str(stubs), True))))
"""


async def test_others_begin_from_the_empty_one(
    repository: MakeSource, builder: LocalBuilder, data: Path
) -> None:
    await builder.prepare()
    model = (await builder.images())[-1]  # the one used last
    assert isinstance(model, Image)
    path = builder.store.path(model.name)
    icons = path / "share/jupyterhub/static/components/@fortawesome/fontawesome-free"
    assert [*icons.glob("webfonts/*.woff2")] and not [*icons.glob("svgs*")]
    files = {file: file.lstat() for file in path.rglob("*") if file.is_file()}
    before = {file: (status.st_ino, status.st_size) for file, status in files.items()}

    built = await build(builder, repository({"requirements.txt": "colorama==0.4.6"}))
    assert "Checking that a server starts" not in built.log
    mine = builder.store.path(built.image.name)
    for file in [*(mine / "bin").iterdir(), *mine.rglob("kernel.json")]:
        assert file.is_symlink() or str(path) not in file.read_text(errors="replace")
    lab = [str(mine / "bin" / "jupyter-lab"), "--version"]
    assert await output(lab, env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"})
    assert python(builder, built.image, "import colorama, sys; print(sys.prefix)") == str(mine)

    changed = await build(builder, repository({"requirements.txt": "traitlets==5.14.3"}))
    assert "Checking that a server starts" in changed.log
    code = "import traitlets; print(traitlets.__version__)"
    assert python(builder, changed.image, code) == "5.14.3"
    assert python(builder, model, code) != "5.14.3"
    after = {file: (file.lstat().st_ino, file.lstat().st_size) for file in before}
    assert after == before

    old = LocalBuilder(data_dir=str(data), max_model_age=0)
    built = await build(old, repository({"requirements.txt": "colorama==0.4.5"}))
    assert "Checking that a server starts" in built.log
    if installed(path)["jedi"].startswith("0.20."):
        assert python(builder, model, STUBS) == "False 0"
        assert python(builder, built.image, STUBS) == "True 0"


async def test_source_distribution(repository: MakeSource, builder: LocalBuilder) -> None:
    built = await build(builder, repository({"requirements.txt": "docopt==0.6.2"}))
    assert "Built docopt" in built.log
    assert python(builder, built.image, "import docopt; print(docopt.__version__)") == "0.6.2"


async def test_packages_of_the_repository(repository: MakeSource, builder: LocalBuilder) -> None:
    project = '[project]\nname="mine"\nversion="3"\ndependencies=["six"]\n'
    system = '[build-system]\nrequires=["setuptools"]\nbuild-backend="setuptools.build_meta"\n'
    files = {"pyproject.toml": project + system, "mine.py": "x = 1\n"}
    built = await build(builder, repository(files))
    assert python(builder, built.image, "import mine, six; print(mine.x)") == "1"

    editable = {**files, "binder/requirements.txt": "-e .\n"}
    built = await build(builder, repository(editable))
    site = next(builder.store.path(built.image.name).glob("lib/*/site-packages"))
    told = "".join(file.read_text() for file in site.glob("*mine*.p[ty]*"))
    assert "/srv/repo" in told


async def test_pipfile_lock(repository: MakeSource, builder: LocalBuilder) -> None:
    lock = {"default": {"six": {"version": "==1.14.0"}}, "develop": {}}
    built = await build(builder, repository({"Pipfile.lock": json.dumps(lock)}))
    assert python(builder, built.image, "import six; print(six.__version__)") == "1.14.0"


async def test_another_python(repository: MakeSource, builder: LocalBuilder) -> None:
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    others = [i.minor for i in await builder.machine() if i.minor != own and i.version >= (3, 10)]
    if not others:
        pytest.skip(f"this machine has no other Python than {own}")
    built = await build(builder, repository({"runtime.txt": f"python-{others[-1]}"}))
    code = "import sys, jupyterlab; print('%d.%d' % sys.version_info[:2])"
    assert python(builder, built.image, code) == others[-1]


async def test_included_and_constrained(repository: MakeSource, builder: LocalBuilder) -> None:
    files = {
        "requirements.txt": "-r sub/a.txt\n-c c.txt\n",
        "sub/a.txt": "six",
        "c.txt": "six<1.14",
    }
    built = await build(builder, repository(files))
    assert python(builder, built.image, "import six; print(six.__version__)") == "1.13.0"


POST_BUILD = """#!/usr/bin/env bash
set -e
echo "id $(id -un) in $PWD"
test "$REPO_DIR" = "$PWD"
cat data.txt
python -m pip install --quiet --no-cache-dir six==1.12.0
python -c "import sys; open(sys.prefix + '/share/made', 'w').write('by postBuild')"
"""


async def test_post_build(repository: MakeSource, builder: LocalBuilder) -> None:
    files = {"binder/postBuild": POST_BUILD, "data.txt": "hello", "n": "1"}
    built = await build(builder, repository(files))
    assert "id jovyan in /srv/repo" in built.log
    assert "hello" in built.log
    assert python(builder, built.image, "import six; print(six.__version__)") == "1.12.0"
    made = builder.store.path(built.image.name) / "share" / "made"
    assert made.read_text() == "by postBuild"
    assert made.stat().st_uid == os.geteuid()
    assert not made.stat().st_mode & 0o222
    assert (await builder.plan(repository({**files, "n": "2"}))).key != built.image.key


async def test_a_script_without_interpreter_line(
    repository: MakeSource, builder: LocalBuilder
) -> None:
    built = await build(builder, repository({"postBuild": "echo plain shell\n"}))
    assert "plain shell" in built.log


NO_WHEEL = "sklearn==0.0.post12"
"""A package that says in its `setup.py` that nobody should want it."""

# files, words of the message, words of the detail
FAILURES = [
    ({"requirements.txt": "six==99"}, "There is no six 99", "six==99"),
    ({"requirements.txt": "six==1.16\nsix==1.15"}, "You ask for six 1.1", ""),
    ({"requirements.txt": "no-such-package-anywhere-1"}, "no-such-package-anywhere-1", ""),
    ({"requirements.txt": "a b c"}, "", "a b c"),
    ({"requirements.txt": NO_WHEEL}, f"Building {NO_WHEEL} failed: The", "deprecat"),
    ({"requirements.txt": "-r /etc/passwd"}, "", ""),
    ({"requirements.txt": "-r missing.txt"}, "includes missing.txt", ""),
    ({"requirements.txt": "x @ http://127.0.0.1:8/x-1-py3-none-any.whl"}, "", ""),
    ({"postBuild": "#!/bin/sh\necho goes wrong\nexit 3"}, "status 3", "goes wrong"),
    ({"postBuild": "#!/no/such/program\n"}, "postBuild", ""),
    ({"setup.py": "raise SystemExit('broken setup')"}, "", "broken setup"),
    ({"postBuild": "#!/bin/sh\nrm -r $VIRTUAL_ENV/lib/*/site-packages/*py*"}, "server does", ""),
    ({"Pipfile.lock": '{"default": []}'}, "Pipfile.lock", ""),
]


@pytest.mark.parametrize(("files", "words", "detail"), FAILURES)
async def test_what_cannot_be_built_is_said(
    files: dict[str, str], words: str, detail: str, repository: MakeSource, builder: LocalBuilder
) -> None:
    source = repository(files)
    with pytest.raises(BuildFailed) as caught:
        await build(builder, source)
    assert words in caught.value.message
    assert detail in caught.value.detail
    assert "/root:/bin/" not in caught.value.detail
    assert caught.value.message.endswith((".", "?"))
    assert await builder.find(await builder.plan(source)) is None
    assert not leftovers(builder)


async def test_a_log_of_100_megabytes(repository: MakeSource, builder: LocalBuilder) -> None:
    built = await build(builder, repository({"postBuild": LOUD}))
    assert len(built.log) < 2 << 20


async def test_control_characters_are_dropped(
    repository: MakeSource, builder: LocalBuilder
) -> None:
    script = "#!/usr/bin/env python3\nprint('\\x1b[31mred\\x1b[0m \\x07bell \\x1b]0;title\\x07.')\n"
    built = await build(builder, repository({"postBuild": script}))
    assert "red bell ." in built.log
    assert "\x1b" not in built.log


async def test_cancelling_ends_everything(repository: MakeSource, builder: LocalBuilder) -> None:
    seconds = f"98765.{os.getpid()}"
    script = f"#!/bin/sh\nsetsid sleep {seconds} &\necho started\nsleep {seconds}\n"
    source = repository({"postBuild": script})
    environment = await builder.plan(source)
    task = asyncio.create_task(builder.build(environment, source, unheard))
    while not processes(seconds):  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(wait_until, lambda: not processes(seconds), "it runs on")
    assert not leftovers(builder)


async def test_disk_is_full(repository: MakeSource, data: Path) -> None:
    builder = LocalBuilder(data_dir=str(data), min_free_space=1 << 60)
    with pytest.raises(NoSpace):
        await build(builder, repository({"requirements.txt": "six==1.11.0"}))
    assert not leftovers(builder)


async def test_too_large(repository: MakeSource, data: Path) -> None:
    builder = LocalBuilder(data_dir=str(data), max_environment_size=1 << 20)
    with pytest.raises(BuildFailed, match="MiB"):
        await build(builder, repository({"requirements.txt": "six==1.11.0"}))
    assert not leftovers(builder)


async def test_checks(builder: LocalBuilder) -> None:
    found = {check.name: check for check in await builder.checks()}
    assert found["uv"].ok
    assert found["Python versions"].ok
    assert all(check.ok or check.fix for check in found.values())
