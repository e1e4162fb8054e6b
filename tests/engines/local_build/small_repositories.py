"""Repositories of one commit as they are kept, beside their objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import dockersources
from dockersources import Built, build, git

from binderhub_ext.repos.base import Source

__all__ = ["Built", "Files", "MakeSource", "build", "make_source"]

Files = Mapping[str, str | bytes]
MakeSource = Callable[[Files], Source]


def make_source(folder: Path, files: Files) -> Source:
    """A repository of one commit with these files (`-> target` makes a link)."""
    source = dockersources.make_source(folder, files, "x")
    git("clone", "-q", "--bare", "origin", "objects.git", cwd=folder)
    return source
