"""A private repository's server: started right after the check, and never by a kept ticket."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from sandboxhub import Failed, SandboxHub

from binderhub_ext.core.repo import Commit


def private(hub: SandboxHub, reader: str) -> tuple[Commit, str]:
    """A commit kept for one reader, as the service keeps it."""
    commit, project = hub.repository({"thesis.txt": "mine"}, f"lab/{reader}")
    own = replace(commit, repo=replace(commit.repo, reader=reader))
    hub.layout.sources(commit.repo).rename(hub.layout.sources(own.repo))
    hub.layout.sources(own.repo).chmod(0o700)
    return own, project


async def test_only_right_after_the_check(sandbox_hub: SandboxHub) -> None:
    commit, project = private(sandbox_hub, "pia")
    fields = {"commit": commit, "project": project}
    async with sandbox_hub.client() as client:
        for checked in (0, int(time.time()) - 3600):
            with pytest.raises(Failed, match="private"):
                await client.start(sandbox_hub.launch("pia", checked=checked, **fields))
        await client.start(sandbox_hub.launch("pia", checked=int(time.time()), **fields))
        answer = await client.run("pia", f"print(open('/home/jovyan/{project}/thesis.txt').read())")
        assert "mine" in repr(answer)
        await client.stop("pia")
