"""A server of a repository of R whose R is conda's, with a stand-in from a channel made here.

What is not shown: an R of conda-forge, which tests do not reach. The kernel is Python's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from condachannel import PYTHON, can_make_python, make_channel, packages_of_r, python_package
from sandboxhub import SandboxHub, root_if_possible

from binderhub_ext.engines.local.store import read_record

FILES = {"runtime.txt": "r-4.1-2022-01-01\n", "install.R": ""}
CODE = """
import os, sys
print(os.environ["R_LIBS_USER"], os.environ["R_LIBS_SITE"].replace(sys.prefix, "ENV"))
print(open(f"{sys.prefix}/lib/R/library/install/DESCRIPTION").read().replace(sys.prefix, "ENV"))
"""


@pytest.fixture(scope="module")
def channels() -> Iterator[Path]:
    with TemporaryDirectory(prefix="bh-channels-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        packages = packages_of_r("4.1.2", "4.1.3", "4.10.0", "4.4.1")
        make_channel(folder / "conda-forge", [python_package(), *packages])
        yield folder


@root_if_possible
@pytest.mark.skipif(
    not can_make_python(), reason="this Python works nowhere but where Debian has put it"
)
async def test_a_kernel_and_packages(sandbox_hub: SandboxHub, channels: Path) -> None:
    """The version that is asked for. `install.R` installs for everybody, people for themselves."""
    image = sandbox_hub.build(
        FILES,
        conda_channel_alias=channels.as_uri(),
        default_python=PYTHON,
        r_of_conda=True,
        cran_mirror="https://cran.example.org",
    )
    environment = sandbox_hub.layout.environments / image
    assert (environment / "conda-meta/r-base-4.1.3-0.json").is_file()
    record = read_record(environment)
    assert record and record.kind.startswith("R 4.1, not R 4.1 as of 2022-01-01, and Python ")
    async with sandbox_hub.client() as client:
        await client.start(sandbox_hub.launch("runa", image=image))
        answer = await client.run("runa", CODE, kernel="ir")
        own = "/home/jovyan/.local/lib/R/%v ENV/lib/R/library"
        assert answer.output.split("\n")[:2] == [own, f"of https://cran.example.org for {image}"], (
            answer
        )
        await client.stop("runa")
