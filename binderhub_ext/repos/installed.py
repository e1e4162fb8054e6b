"""The kinds of repositories that are installed, found by entry point."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from ..core.errors import UnknownProvider
from .base import RepoProvider

GROUP = "binderhub_ext.repo_providers"

GIT_BASED = ("gh", "gl", "gist")
"""Providers whose repositories are fetched as any Git repository."""


def load_provider(id: str, **settings: Any) -> RepoProvider:
    """What fetches the repositories of one provider.

    Args:
        id: in links.
        settings: its traits.

    Raises:
        UnknownProvider: nothing that is installed does.
    """
    name = "git" if id in GIT_BASED else id
    for entry in entry_points(group=GROUP, name=name):
        provider: RepoProvider = entry.load()(**settings)
        return provider
    raise UnknownProvider(f"Nothing is installed that fetches from “{id}”.")
