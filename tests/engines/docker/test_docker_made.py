"""What postBuild makes is in the projects and homes of those who launch it, wherever it made it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from authority import Authority
from dockerhub import BASE, DockerHub, docker
from dockersources import Built, build, make_source

from binderhub_ext import certificates
from binderhub_ext.core.launch import Files
from binderhub_ext.engines.docker.build import DockerBuilder
from binderhub_ext.engines.docker.trust import trusting

HOME = "/home/jovyan"
POST_BUILD = """#!/bin/sh
set -e
mkdir -p data ~/nltk_data ~/.local/bin
git log -1 --format=%H > data/rev.txt
echo changed >> readme.txt
ln -s readme.txt linked
echo words > ~/nltk_data/words.txt
printf '#!/bin/sh\\necho tool\\n' > ~/.local/bin/mytool
chmod +x ~/.local/bin/mytool
python -m ipykernel install --user --name mykern --display-name 'My kernel'
"""
SETUP = "import colorama\nfrom setuptools import setup\nsetup(name='mine', version='1')\n"
FILES = {
    "readme.txt": "from the repository\n",
    "requirements.txt": "-r more.txt\n",
    "more.txt": "colorama \\\n  ==0.4.6\n",
    "runtime.txt": "python-3.11.99\n",
    "setup.py": SETUP,
    "postBuild": POST_BUILD,
}
LOOK = """
import os, subprocess
print(open("data/rev.txt").read().strip(), open("readme.txt").read().strip())
print(os.path.lexists("linked"), open(os.path.expanduser("~/nltk_data/words.txt")).read().strip())
print(subprocess.getoutput("mytool"))
from jupyter_client.kernelspec import find_kernel_specs
print("mykern" in find_kernel_specs())
import colorama
print(colorama.__version__)
"""


@pytest.fixture(scope="module")
def made(docker_builder: DockerBuilder, tmp_path_factory: pytest.TempPathFactory) -> Built:
    source = make_source(tmp_path_factory.mktemp("made") / "repo", FILES)
    return asyncio.run(build(docker_builder, source))


async def test_the_log_says_what_is_kept_and_what_is_not(made: Built) -> None:
    assert "they are given to each project" in made.log
    assert "Not given: linked (a link" in made.log
    assert "Not given: readme.txt (changed" in made.log
    assert "Python 3.11 is taken instead" in made.log


async def test_project_and_home_have_it(docker_hub: DockerHub, made: Built) -> None:
    commit, project = docker_hub.repository(FILES, "o/made")
    fields = {"commit": commit, "project": project, "image": made.image.name}
    async with docker_hub.client() as client:
        for user, files in (("mia", Files.PROJECT), ("max", Files.NONE)):
            launch = docker_hub.launch(user, files=files, **fields)
            await client.start(launch)
            told = await client.run(user, f"import os; os.chdir('{HOME}/{project}')\n{LOOK}")
            lines = told.output.splitlines()
            assert lines[0].split(" ", 1)[1] == "from the repository", told
            assert lines[1:] == ["False words", "tool", "True", "0.4.6"], told
            await client.stop(user)


async def test_a_base_image_trusts_whom_the_hub_trusts(
    docker_builder: DockerBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, daemon = docker_builder.store, docker_builder.daemon
    assert await trusting(daemon, store, BASE) == BASE
    before = docker_builder.recipe.ingredients
    authority = Authority(tmp_path / "authority")
    for name in certificates.NAMES:
        monkeypatch.setenv(name, str(authority.file))
    bundle = certificates.establish(tmp_path / "certificates.pem")
    assert bundle and docker_builder.recipe.ingredients != before
    name = await trusting(daemon, store, BASE)
    assert name != BASE and await trusting(daemon, store, BASE) == name
    (facts,) = json.loads(docker("inspect", name))
    variables = dict(one.split("=", 1) for one in facts["Config"]["Env"])
    place = variables["SSL_CERT_FILE"]
    assert {variables[one] for one in certificates.NAMES} == {place}
    seen = docker("run", "--rm", "--network=none", "--entrypoint=cat", name, place)
    assert authority.file.read_text().strip() in seen
