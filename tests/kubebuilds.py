"""Builds on a real cluster: builders, a build that has begun, and what servers of an image say."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from dockersources import make_source
from kubehub import BASE, KubeHub, Namespace
from kubesettings import builder_config

from binderhub_ext.core.progress import Event
from binderhub_ext.engines.kubernetes.build import KubernetesBuilder
from binderhub_ext.repos.base import Source

LOOKED = "print(open('/made').read().strip(), open('/seen').read().count('No such file'))"
"""Says what a step made, and how many places :func:`looking` did not find."""


def builder_on(
    namespace: Namespace, data: Path | None = None, **settings: Any
) -> KubernetesBuilder:
    """A builder in a namespace, with settings over those of tests.

    Args:
        data: its data directory; the namespace's by default.
    """
    config = builder_config(namespace, **settings)
    return KubernetesBuilder(config=config, data_dir=str(data or namespace.data))


def looking(folder: Path, places: str, *, head: str = "", made: str) -> Source:
    """A Dockerfile whose steps look for places of ours, and make something.

    Args:
        places: of ours, between spaces.
        head: a line before all others.
        made: what is to be read in a server.
    """
    look = f"RUN ls {places} 2>&1 | sort >/seen || :"
    lines = [head, f"FROM {BASE}", look, f"RUN echo from-a-step; echo {made} >/made"]
    return make_source(folder, {"Dockerfile": "\n".join([*filter(None, lines), ""])})


async def begun(builder: KubernetesBuilder, source: Source) -> tuple[asyncio.Task[Any], str]:
    """A build of which a step says that it has begun, and its key."""
    environment = await builder.plan(source)
    events: list[Event] = []
    building = asyncio.create_task(builder.build(environment, source, events.append))
    while not any(event.message.split()[-1:] == ["begun"] for event in events):
        await asyncio.sleep(0.1)
        if building.done():
            await building
    return building, environment.key


async def answer(hub: KubeHub, user: str, image: str, code: str) -> str:
    """What code prints in a server of an image, which is stopped then."""
    async with hub.client() as client:
        await client.start(hub.launch(user, image=image))
        printed: str = (await client.run(user, code)).output
        await client.stop(user)
    return printed
