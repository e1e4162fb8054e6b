"""One build in a process of its own; says what is told, and `IMAGE <name>` at its end."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from traitlets.config import Config

from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.core.progress import Event
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.engines.installed import find_engine, load_builder
from binderhub_ext.repos.base import Source


async def main() -> None:
    asked = json.loads(sys.argv[1])
    layout = DataDirectory(Path(asked["data"]))
    builder = load_builder(find_engine(asked["engine"]), Config(asked["config"]), layout)
    commit = Commit(Repo("git", "o/r", asked["url"]), "main", asked["commit"])
    source = Source(commit, Path(asked["bundle"]), asked["tree"])
    image = await builder.build(await builder.plan(source), source, tell)
    print(f"IMAGE {image.name}", flush=True)


def tell(event: Event) -> None:
    print(event.message, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
