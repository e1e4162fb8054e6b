"""What becomes of repositories of every kind: what repo2docker is told, what images can do."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from dockerhub import BASE, BUILDER, DockerHub, docker
from dockersources import build, make_source
from reallocks import PROJECT, make_locks, versions
from sandboxhub import Failed

from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.engines.docker.build import DockerBuilder
from binderhub_ext.engines.docker.images import LABEL, UNFINISHED

HERE = Path(__file__).parent


def rendered(folder: Path, files: dict[str, str], buildpack: str) -> str:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    command = [sys.executable, str(HERE / "render.py"), str(folder), buildpack]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("files", "pack", "expected"),
    [
        ({}, "PythonBuildPack", ["CONDA_DIR", "install-base-env.bash"]),
        (
            {"requirements.txt": "six\n", "apt.txt": "figlet\n"},
            "PythonBuildPack",
            ["figlet", "pip install", "-r"],
        ),
        ({"environment.yml": "dependencies: [six]\n"}, "CondaBuildPack", ["environment.yml"]),
        ({"default.nix": "{}\n"}, "NixBuildPack", ["nix-shell"]),
        ({"postBuild": "#!/bin/sh\n"}, "PythonBuildPack", ["./postBuild"]),
        ({"start": "#!/bin/sh\n"}, "PythonBuildPack", ["R2D_ENTRYPOINT", "start"]),
        ({"Dockerfile": "FROM x\n"}, "DockerBuildPack", ["FROM x"]),
    ],
)
def test_stock_packs_get_what_they_need(
    tmp_path: Path, files: dict[str, str], pack: str, expected: list[str]
) -> None:
    """repo2docker's own packs, with the repository's files outside of the home.

    Those for R and Julia are not among them: they ask servers of theirs for versions already
    while they are rendered.
    """
    text = rendered(tmp_path, files, "stock")
    assert text.splitlines()[0] == pack
    for words in expected:
        assert words in text, words
    if pack != "DockerBuildPack":
        assert "FROM docker.io/library/buildpack-deps:" in text
        assert "WORKDIR ${REPO_DIR}" in text


@pytest.mark.parametrize("files", [{}, {"requirements.txt": "six\n"}, {"setup.py": ""}])
def test_the_uv_pack_takes_what_the_python_pack_takes(
    tmp_path: Path, files: dict[str, str]
) -> None:
    text = rendered(tmp_path, files, "uv")
    assert text.splitlines()[0] == "UvBuildPack"
    assert "micromamba" not in text and "uv venv" in text
    if "requirements.txt" in files:
        assert 'uv pip install --no-cache --index-strategy unsafe-best-match -r "' in text


@pytest.mark.parametrize(
    "files", [{"environment.yml": "dependencies: []\n"}, {"default.nix": "{}\n"}]
)
def test_the_uv_pack_leaves_the_others_alone(tmp_path: Path, files: dict[str, str]) -> None:
    assert rendered(tmp_path, files, "uv").splitlines()[0] in ("CondaBuildPack", "NixBuildPack")


LOCK = """\
version = 1
requires-python = ">=3.11, <4"
[[package]]
name = "course"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "six" }]
[[package]]
name = "six"
version = "1.16.0"
source = { registry = "https://pypi.org/simple" }
"""


@pytest.mark.parametrize("kind", ["stock", "uv"])
def test_packs_take_a_lock(tmp_path: Path, kind: str) -> None:
    """The lines of a lock are layers of their own, before the repository's files."""
    text = rendered(tmp_path, {"uv.lock": LOCK}, kind)
    assert text.splitlines()[0] == ("UvBuildPack" if kind == "uv" else "PythonBuildPack")
    install = text.index("uv pip install --python ${KERNEL_PYTHON_PREFIX}/bin/python")
    folder = next(tmp_path.glob("binder-lock-*"))
    assert (folder / "requirements.txt").read_text() == "six\n"
    assert (folder / "constraints.txt").read_text() == "six==1.16.0\n"
    assert f"-r {folder.name}/requirements.txt -c {folder.name}/constraints.txt" in text
    assert (
        text.index(f"src/{folder.name}/requirements.txt")
        < install
        < text.index("COPY --chown=1000:1000 src/ ")
    )
    assert ("--python '>=3.11, <4'" in text) is (kind == "uv")
    assert ("environment-2epy-2d3-2e12" in text) is (kind == "stock")


async def test_exactly_what_is_locked(docker_builder: DockerBuilder, tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    lock = make_locks(tmp_path / "locks")["uv.lock"]
    files = {"uv.lock": lock, "pyproject.toml": PROJECT}
    built = await build(docker_builder, make_source(tmp_path / "repo", files))
    code = "import importlib.metadata as m; print({d.name: d.version for d in m.distributions()})"
    said = docker("run", "--rm", "--network=none", built.image.name, "python", "-c", code)
    assert versions(lock).items() <= ast.literal_eval(said).items()

    wrong = re.sub('hash = "sha256:[0-9a-f]{64}', f'hash = "sha256:{"0" * 64}', lock)
    source = make_source(tmp_path / "wrong", {**files, "uv.lock": wrong})
    with pytest.raises(BuildFailed, match="is not the file that was locked"):
        await build(docker_builder, source)


async def test_requirements_packages_and_post_build(
    docker_builder: DockerBuilder, tmp_path: Path
) -> None:
    files = {
        "binder/requirements.txt": "six==1.16.0\nhumanize\n",
        "binder/apt.txt": "figlet\n",
        "binder/postBuild": (
            "#!/bin/sh\nset -e\nfiglet -v >made\npython -c 'import six'\n"
            'npm install --global --silent "./$(npm pack --silent ./hello)"\n'
        ),
        "hello/package.json": '{"name": "hello", "version": "1.0.0", "bin": "hello.js"}',
        "hello/hello.js": "#!/usr/bin/env node\nconsole.log('hello')\n",
    }
    built = await build(docker_builder, make_source(tmp_path / "repo", files))
    code = (
        "import six, os, importlib.util as u; compiled = u.find_spec('humanize').cached;"
        "print(six.__version__, os.path.exists('/srv/repo/made'), os.path.exists(compiled))"
    )
    said = docker("run", "--rm", "--network=none", built.image.name, "python", "-c", code)
    assert said.split() == ["1.16.0", "True", "True"]
    # npm is of the package index, and installs where everybody's programs are
    assert docker("run", "--rm", "--network=none", built.image.name, "hello").strip() == "hello"
    labels = docker("inspect", "--format={{json .Config.Labels}}", built.image.name)
    assert "https://example.org/o/r" in labels and "repo2docker.version" in labels


async def test_what_a_devcontainer_asks_for(docker_builder: DockerBuilder, tmp_path: Path) -> None:
    """Its packages of Debian and its commands, on layers of every other image."""
    feature = "ghcr.io/rocker-org/devcontainer-features/apt-packages:1"
    said = {
        "image": "mcr.microsoft.com/devcontainers/base:bookworm",
        "features": {feature: {"packages": "figlet"}},
        "postCreateCommand": "figlet -v >made && pip install -q --user --no-deps ./package",
    }
    files = {
        ".devcontainer/devcontainer.json": json.dumps(said),
        "package/setup.py": "from setuptools import setup; setup(name='ours', version='2')",
    }
    source = make_source(tmp_path / "repo", files)
    assert (await docker_builder.plan(source)).kind.endswith(" with devcontainer.json")
    built = await build(docker_builder, source)
    code = "import importlib.metadata as m; print(m.version('ours'), len(open('made').read()) > 99)"
    shown = docker("run", "--rm", "--network=none", built.image.name, "python", "-c", code)
    assert shown == "2 True"


async def test_a_dockerfile_whose_entrypoint_eats_the_command_runs_as_the_person(
    docker_builder: DockerBuilder, docker_hub: DockerHub, plain_image: str, tmp_path: Path
) -> None:
    """Also: USER root, another home, another working directory, a path of its own."""
    lines = [
        f"FROM {plain_image}",
        "USER root",
        "ENV HOME=/root",
        "ENV PYTHONPATH=/srv/theirs",
        "WORKDIR /opt",
        'ENTRYPOINT ["/bin/echo", "hello"]',
    ]
    built = await build(
        docker_builder, make_source(tmp_path / "repo", {"Dockerfile": "\n".join(lines)})
    )
    assert "ENTRYPOINT does not run the command" in built.log
    commit, project = docker_hub.repository({"a.txt": "a"}, "root/ed")
    async with docker_hub.client() as client:
        launch = docker_hub.launch("ent", commit=commit, project=project, image=built.image.name)
        await client.start(launch)
        code = (
            "import os; print(os.getuid() != 0, os.environ['HOME'], os.getcwd(),"
            " os.environ['PYTHONPATH'], os.listdir('.'))"
        )
        answer = await client.run("ent", code)
        there = f"True /home/jovyan /home/jovyan/{project} /srv/theirs"
        assert answer.output.startswith(there), answer
        await client.stop("ent")


async def test_an_image_with_python_gets_a_server(
    docker_builder: DockerBuilder, tmp_path: Path
) -> None:
    """Debian's Python, which has no pip."""
    dockerfile = f"FROM {BASE}\nRUN ! python3 -m pip --version\n"
    built = await build(docker_builder, make_source(tmp_path / "repo", {"Dockerfile": dockerfile}))
    assert "Adding Jupyter" in built.log
    said = docker(
        "run", "--rm", "--user=1000", built.image.name, "jupyterhub-singleuser", "--version"
    )
    assert int(said.split(".")[0]) >= 5


WEB_APPLICATION = (
    "WORKDIR /srv/app",
    "USER root",
    "RUN echo this-is-the-application > index.html",
    "EXPOSE 8765",
    "ENTRYPOINT []",
)
"""The end of a Dockerfile, before its CMD."""


async def test_an_image_without_python_is_shown_too(
    docker_builder: DockerBuilder, docker_hub: DockerHub, tmp_path: Path
) -> None:
    """A web application in Perl: it is shown, and JupyterLab has kernels and a shell."""
    lines = [
        f"FROM {BASE}",
        "RUN rm -rf /usr/bin/python3* /usr/lib/python3*",
        *WEB_APPLICATION,
        "COPY serve.pl /srv/",
        'CMD ["perl", "/srv/serve.pl"]',
    ]
    files = {"Dockerfile": "\n".join(lines), "serve.pl": SERVE}
    built = await build(docker_builder, make_source(tmp_path / "repo", files))
    assert "a Python of its own" in built.log and "own program (perl) is opened" in built.log
    await shows_application(docker_hub, "perl", built.image.name)
    async with docker_hub.client() as client:
        await client.start(docker_hub.launch("perl", image=built.image.name))
        code = (
            "import os, ssl, sqlite3, subprocess as s; print(s.getoutput('perl -e \"print 6*7\"'))"
        )
        assert (await client.run("perl", code)).output == "42\n"
        await client.stop("perl")


async def test_an_image_with_nothing_in_it_has_jupyter(
    docker_builder: DockerBuilder, docker_hub: DockerHub, tmp_path: Path
) -> None:
    """No Python, no shell, no C library; the ENTRYPOINT is not even there."""
    dockerfile = 'FROM scratch\nCOPY data.txt /\nENTRYPOINT ["/nothing"]\n'
    dockerfile += f"ENV LONG={'x' * 5000}\n"  # longer than a line of a log may be
    files = {"Dockerfile": dockerfile, "data.txt": "7"}
    built = await build(docker_builder, make_source(tmp_path / "repo", files))
    async with docker_hub.client() as client:
        await client.start(docker_hub.launch("empty", image=built.image.name))
        assert (await client.run("empty", "print(open('/data.txt').read())")).output == "7\n"
        await client.stop("empty")


SERVE = """
use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalPort => 8765, Listen => 5, ReuseAddr => 1) or die $!;
open(my $page, "<", "index.html") or die $!;
my $text = <$page>;
while (my $client = $server->accept) {
    while (<$client>) { last if /^\\s*$/ }
    print $client "HTTP/1.0 200 OK\\r\\nContent-Length: " . length($text) . "\\r\\n\\r\\n$text";
    close $client;
}
"""


async def shows_application(hub: DockerHub, user: str, image: str) -> None:
    """Its server opens the application for its person, keeps strangers out, and has Jupyter."""
    async with hub.client() as client:
        await client.start(hub.launch(user, image=image))
        base = f"http://{hub.address(user)}:8888/user/{user}/one/"
        headers = {"Authorization": f"token {await client.access(user)}"}
        async with aiohttp.ClientSession() as session:
            async with session.get(base, headers=headers) as response:
                assert "this-is-the-application" in await response.text(), response.url
                assert response.url.path == f"/user/{user}/one/app/"
            async with session.get(f"{base}app/", allow_redirects=False) as response:
                assert response.status in (302, 403), "a stranger does not see it"
            async with session.get(f"{base}lab", headers=headers) as response:
                assert response.status == 200
        await client.stop(user)


@pytest.mark.parametrize(
    ("dockerfile", "words"),
    [
        (f"FROM {BASE}\nRUN echo this-is-why && false\n", "could not be built"),
        ("FROM localhost:1/not/there\n", "could not be reached"),
        ("FRUM x\n", "could not be built"),
    ],
)
async def test_what_cannot_be_used_is_told_and_leaves_nothing(
    docker_builder: DockerBuilder, tmp_path: Path, dockerfile: str, words: str
) -> None:
    source = make_source(tmp_path / "repo", {"Dockerfile": dockerfile})
    environment = await docker_builder.plan(source)
    with pytest.raises(BuildFailed, match=words) as failure:
        await build(docker_builder, source)
    assert failure.value.detail.find("Traceback") == -1
    name = docker_builder.store.image_name(environment.key)
    assert docker("image", "ls", "-q", name, f"{name}{UNFINISHED}", check=False) == ""
    assert await docker_builder.find(environment) is None


async def test_an_image_that_can_be_given_no_server_is_refused(
    docker_builder: DockerBuilder, docker_data: Path, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {**BUILDER, "base_image": "localhost:1/not/there"}
    builder = DockerBuilder(data_dir=str(docker_data), min_free_space=1 << 30, **settings)
    files = {"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"}
    with pytest.raises(BuildFailed, match="none could be added") as failure:
        await build(builder, make_source(tmp_path / "repo", files))
    assert "localhost:1/not/there" in failure.value.detail


async def test_other_hubs_images_and_finished_ones_are_left_alone(
    docker_builder: DockerBuilder, plain_image: str
) -> None:
    """Only what a killed builder did not finish goes; another prefix is another hub's."""
    ours, theirs = f"{docker_builder.image_prefix}{'a' * 32}{UNFINISHED}", f"bah-other/{'b' * 32}"
    for name in (ours, theirs):
        docker("tag", plain_image, name)
    try:
        kept = {image.name for image in await docker_builder.images()}
        assert plain_image in kept and not kept & {ours, theirs}
        assert await docker_builder.collect_garbage() == []
        assert docker("image", "ls", "-q", ours) == ""
        assert docker("image", "ls", "-q", theirs) != ""
    finally:
        docker("image", "rm", theirs)
    assert LABEL in docker("inspect", "--format={{json .Config.Labels}}", plain_image)


async def test_a_server_that_cannot_start_says_why(
    docker_builder: DockerBuilder, docker_hub: DockerHub, plain_image: str, tmp_path: Path
) -> None:
    """A start script that fails: its last words reach the person, and nothing is left."""
    files = {"start": "#!/bin/sh\necho the-licence-server-is-down\nexit 7\n"}
    built = await build(docker_builder, make_source(tmp_path / "repo", files))
    async with docker_hub.client() as client:
        with pytest.raises(Failed, match="the-licence-server-is-down"):
            await client.start(docker_hub.launch("sad", image=built.image.name))
    assert not [line for line in docker_hub.containers() if "sad" in line]
