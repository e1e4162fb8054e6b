"""Repositories of one commit, and what a build of them told."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from binderhub_ext.core.progress import Event
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.engines.base import Builder, Image
from binderhub_ext.repos.base import Source

Files = Mapping[str, str] | Mapping[str, str | bytes]


def git(*arguments: str, cwd: Path) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    result = subprocess.run(
        ["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True, text=True
    )
    return result.stdout.strip()


def make_source(folder: Path, files: Files, name: str = "o/r") -> Source:
    """A repository of one commit with these files (`-> target` makes a link)."""
    origin = folder / "origin"
    origin.mkdir(parents=True)
    for file, content in files.items():
        path = origin / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str) and content.startswith("-> "):
            path.symlink_to(content[3:])
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    git("init", "-q", "-b", "main", cwd=origin)
    git("add", "-A", cwd=origin)
    git("commit", "-q", "--allow-empty", "-m", "one", cwd=origin)
    bundle = folder / "commit.bundle"
    # A file may be called HEAD too.
    git("bundle", "create", "-q", str(bundle), "HEAD", "main", "--", cwd=origin)
    repo = Repo("git", name, f"https://example.org/{name}")
    commit = Commit(repo, "main", git("rev-parse", "HEAD", cwd=origin))
    return Source(commit, bundle, git("rev-parse", "HEAD^{tree}", cwd=origin))


@dataclass
class Built:
    """What a build told, and its image."""

    events: list[Event]
    image: Image

    @property
    def log(self) -> str:
        return "\n".join(event.message for event in self.events)

    @property
    def was_built(self) -> bool:
        return any(event.data.get("log") for event in self.events)


async def build(builder: Builder, source: Source) -> Built:
    events: list[Event] = []
    image = await builder.build(await builder.plan(source), source, events.append)
    return Built(events, image)
