"""A server in an environment of conda's packages, from a channel that is made here.

Packages of conda-forge are not shown: tests do not reach it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from condachannel import PYTHON, Package, can_make_python, make_channel, python_package
from sandboxhub import SandboxHub, whoever_runs_it

COWPY = Package(
    "cowpy",
    {
        "site-packages/cowpy.py": "",
        "etc/conda/activate.d/tides.sh": 'export TIDES="$CONDA_PREFIX/share"\n',
    },
    depends=["python"],
    noarch=True,
)
FILES = {
    "environment.yml": """
channels: [lab]
dependencies:
- cowpy
- pip:
  - -r more.txt
""",
    "more.txt": "humanize\n",
}
CODE = """
import os, sys, cowpy, humanize
print(sys.prefix == os.environ["CONDA_PREFIX"], os.environ["TIDES"] == sys.prefix + "/share")
print(humanize.intcomma(1234567), os.access(sys.prefix, os.W_OK))
"""


@pytest.fixture(scope="module")
def channels() -> Iterator[Path]:
    with TemporaryDirectory(prefix="bh-channels-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        make_channel(folder / "lab", [python_package(), COWPY])
        yield folder


@whoever_runs_it
@pytest.mark.skipif(
    not can_make_python(), reason="this Python works nowhere but where Debian has put it"
)
async def test_packages_and_activation(sandbox_hub: SandboxHub, channels: Path) -> None:
    image = sandbox_hub.build(
        FILES,
        conda_channel_alias=channels.as_uri(),
        conda_shared_channels=["lab"],
        default_python=PYTHON,
    )
    async with sandbox_hub.client() as client:
        await client.start(sandbox_hub.launch("ana", "conda", image=image))
        answer = await client.run("ana", CODE, "conda")
        assert answer.output.split("\n")[:2] == ["True True", "1,234,567 False"], answer.error
        await client.stop("ana", "conda")
