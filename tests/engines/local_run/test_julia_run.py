"""A server of a repository of Julia, with a stand-in for Julia from a channel that is made here.

A real Julia is not shown: there is none in tests. The kernel of this name is Python's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
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
from sandboxhub import SandboxHub, root_if_possible

from binderhub_ext.core.launch import Files

COWPY = Package("cowpy", {"site-packages/cowpy.py": ""}, depends=["python"], noarch=True)
FILES = {
    "Project.toml": '[compat]\njulia = "1.6"\n',
    "environment.yml": "channels: [lab]\ndependencies:\n- cowpy\n",
    "requirements.txt": "iniconfig\n",
}
CODE = """
import os, sys, cowpy, iniconfig
shown = sys.prefix
for name in ("DEPOT_PATH", "PROJECT", "LOAD_PATH", "PKG_SERVER"):
    print(os.environ[f"JULIA_{name}"].replace(shown, "ENV"))
print(os.access(f"{shown}/share/julia-depot", os.W_OK))
project = os.environ["JULIA_PROJECT"]
print(open(f"{project}/Manifest.toml").read().strip(), os.path.samefile(project, "."))
open(f"{project}/Manifest.toml", "a").write("mine")
compiled = os.environ["JULIA_DEPOT_PATH"].split(":")[0] + "/compiled/v1.11"
os.makedirs(compiled)
open(f"{compiled}/Tides.ji", "w").write("for me")
"""
AGAIN = """
import os
own = os.environ["JULIA_DEPOT_PATH"].split(":")[0]
print(open(f"{own}/compiled/v1.11/Tides.ji").read())
"""
SAID = """\
/home/jovyan/.local/share/julia:ENV/share/julia-depot:
/srv/repo
@:@v#.#:ENV/share/julia-depot/environments/ijulia:@stdlib
https://julia.example.org
False
julia_version = "1.11" True
"""


@pytest.fixture(scope="module")
def channels() -> Iterator[Path]:
    with TemporaryDirectory(prefix="bh-channels-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        julias = [julia_package(version) for version in ("1.10.4", "1.11.1", "2.0.0")]
        make_channel(folder / "conda-forge", [python_package(), *julias])
        make_channel(folder / "lab", [COWPY])
        yield folder


@root_if_possible
@pytest.mark.skipif(
    not can_make_python(), reason="this Python works nowhere but where Debian has put it"
)
async def test_a_kernel_and_what_it_finds(sandbox_hub: SandboxHub, channels: Path) -> None:
    """The project is the person's own folder. What Julia writes is kept in a depot of its own.

    The environment's depot comes after that, and all of it after what the package's script says.
    """
    alias = channels.as_uri()
    shared = ["conda-forge", "lab"]
    image = sandbox_hub.build(
        FILES,
        conda_channel_alias=alias,
        conda_shared_channels=shared,
        default_python=PYTHON,
        julia_pkg_server="https://julia.example.org",
    )
    commit, project = sandbox_hub.repository(FILES, "o/julia")
    launch = sandbox_hub.launch("jule", commit=commit, project=project, image=image)
    async with sandbox_hub.client() as client:
        await client.start(launch)
        answer = await client.run("jule", CODE, kernel="julia-1.11")
        assert answer.output == SAID, answer.error or answer.output
        await client.stop("jule")
        # It is the project's own also where the whole home is seen.
        await client.start(replace(launch, files=Files.HOME))
        answer = await client.run("jule", AGAIN, kernel="julia-1.11")
        assert answer.output == "for me\n", answer.error or answer.output
        await client.stop("jule")
