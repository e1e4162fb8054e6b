"""Packages that `apt.txt` names, in builds and servers: real ones, of this machine's sources."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from sandboxhub import HERE, ORDINARY, SandboxHub
from systemids import with_ids

from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.store import Store
from binderhub_ext.engines.local.systems import obstacle

pytestmark = pytest.mark.skipif(
    bool(missing := obstacle(LocalBuilder())), reason=f"no systems can be made here: {missing}"
)

DRAWING = {
    "apt.txt": "# for drawing\ngraphviz figlet\n",
    "postBuild": "#!/bin/sh\nset -e\nfiglet build\ndot -V\nid -un\nls /etc/passwd /var/lib/dpkg\n",
}
CODE = """
import os, subprocess, sys
def run(*argv, **options):
    told = subprocess.run(argv, capture_output=True, text=True, **options)
    return told.stdout + told.stderr
print(run("dot", "-Tsvg", input="digraph { tide -> ebb }").count("<svg"))
print(len(run("figlet", "server").splitlines()) > 3, "git version" in run("git", "--version"))
write = "for place in /usr/bin /etc /var; do echo x >$place/new; done"
print(run("sh", "-c", write).count("Read-only"))
print(os.stat("/usr/bin/dot").st_mode & 0o6222, os.path.exists("/usr/bin/newuidmap"))
"""

_bases: list[Path] = []


@pytest.fixture
def machine(sandbox_hub: SandboxHub) -> SandboxHub:
    """A Hub that need not make a base if one was made for the other."""
    bases = sandbox_hub.layout.environments / ".systems/bases"
    if _bases and not bases.exists():
        bases.parent.mkdir()
        subprocess.run(["cp", "-a", _bases[0], bases], check=True)
        subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", bases.parent], check=True)
    if not _bases:
        _bases.append(bases)
    return sandbox_hub


def build(hub: SandboxHub, files: Mapping[str, str], **options: object) -> str:
    """What a build in a process of the Hub's user told; its image is the last word."""
    argv = [sys.executable, str(HERE / "buildimage.py"), str(hub.data), json.dumps(options)]
    argv = hub.command(argv)
    if hub.given_away:
        argv = with_ids(argv, hub.root)
    told = subprocess.run(
        argv, input=json.dumps(files), env=hub.environment(), capture_output=True, text=True
    )
    return told.stdout + told.stderr


async def test_programs_are_there_in_build_and_server(machine: SandboxHub) -> None:
    told = build(machine, DRAWING)
    image = told.split()[-1]
    record = Store(machine.layout.environments, machine.data).find(image)
    assert record, told
    assert "graphviz version" in told
    async with machine.client() as client:
        await client.start(machine.launch("gita", "apt", image=image))
        answer = await client.run("gita", CODE, "apt")
        assert answer.output.split("\n")[:4] == ["1", "True True", "3", "0 False"], answer
        await client.stop("gita", "apt")
