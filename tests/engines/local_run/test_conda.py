"""`environment.yml` on this engine, where the machine has a conda: packages, activation, a server.

Packages come from conda-forge, or from the channel in `CONDA_CHANNEL`. The package index has
neither a conda nor a channel, so this is for machines that have both.
"""

from __future__ import annotations

import os

import pytest
from sandboxhub import SandboxHub

from binderhub_ext.engines.local import conda

CHANNEL = os.environ.get("CONDA_CHANNEL", conda.CHANNEL)
FILES = {
    "environment.yml": f"""
channels: [{CHANNEL}]
dependencies:
- python=3.11
- cowpy
- pip:
  - -r more.txt
""",
    "more.txt": "humanize\n",
    "postBuild": """#!/bin/sh
set -e
mkdir -p "$CONDA_PREFIX/etc/conda/activate.d"
echo 'export TIDES="$CONDA_PREFIX/share"' >"$CONDA_PREFIX/etc/conda/activate.d/tides.sh"
""",
}
CODE = """
import os, sys, cowpy, humanize
print(sys.version_info[:2], os.environ["TIDES"] == os.environ["CONDA_PREFIX"] + "/share")
print(humanize.intcomma(1234567), os.access(os.environ["CONDA_PREFIX"], os.W_OK))
"""


@pytest.mark.skipif(
    conda.find_program() is None, reason="there is no micromamba, mamba or conda on PATH"
)
async def test_packages_and_activation(sandbox_hub: SandboxHub) -> None:
    image = sandbox_hub.build(FILES)
    async with sandbox_hub.client() as client:
        await client.start(sandbox_hub.launch("ana", "conda", image=image))
        answer = await client.run("ana", CODE, "conda")
        assert answer.output.split("\n")[:2] == ["(3, 11) True", "1,234,567 False"], answer.error
        await client.stop("ana", "conda")
