"""What tests of archives make, and what becomes of them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from binderhub_ext.core.progress import Event
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.repos.archives import Archive
from binderhub_ext.repos.base import Source
from binderhub_ext.repos.checkout import checkout


def zip_of(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as container:
        for name, data in files.items():
            container.writestr(name, data)
    return content.getvalue()


async def fetch(provider: Archive, commit: Commit) -> tuple[Source, list[str]]:
    """Fetch a version; gives what was told meanwhile, too."""
    events: list[Event] = []
    source = await provider.fetch(commit, events.append)
    return source, [event.message for event in events]


async def files_of(provider: Archive, repo: Repo, into: Path) -> dict[str, bytes]:
    """The files that a repository has now, by path."""
    source, _ = await fetch(provider, await provider.resolve(repo, "HEAD"))
    await checkout(source, into)
    return {str(p.relative_to(into)): p.read_bytes() for p in into.rglob("*") if p.is_file()}
