"""Where things lie in the data directory (DESIGN §7). Only names; nothing is made here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from .names import directory_name
from .repo import Commit, Repo

_DIGEST = 32
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}")


@dataclass(frozen=True)
class DataDirectory:
    """The one directory an administrator backs up.

    Attributes:
        root: absolute path.
    """

    root: Path

    @property
    def folders(self) -> tuple[Path, ...]:
        """Every folder directly in it."""
        return (
            *(self.secrets, self.homes, self.states, self.volumes, self.trash),
            *(self.environments, self.repos, self.cache, self.builds, self.run, self.offers),
        )

    @property
    def hub_db(self) -> Path:
        return self.root / "hub.sqlite"

    @property
    def binder_db(self) -> Path:
        return self.root / "binder.sqlite"

    @property
    def announcement(self) -> Path:
        """What an administrator tells everybody at the moment."""
        return self.root / "announcement.txt"

    @property
    def pinned(self) -> Path:
        """Environments that an administrator wants kept, by their keys."""
        return self.root / "pinned.txt"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def homes(self) -> Path:
        return self.root / "homes"

    @property
    def states(self) -> Path:
        """What an environment leaves in a home (`~/.local`, Jupyter's settings), per project."""
        return self.root / "states"

    @property
    def volumes(self) -> Path:
        return self.root / "volumes"

    @property
    def environments(self) -> Path:
        return self.root / "environments"

    @property
    def repos(self) -> Path:
        """Fetched commits."""
        return self.root / "repos"

    def sources(self, repo: Repo) -> Path:
        """Where commits of one repository are kept.

        The name is made of `Repo.source`, so that what one URL delivered is never taken for
        another's, nor what a reader of a private repository got for everybody's.
        """
        digest = sha256("\n".join(repo.source).encode()).hexdigest()
        return self.repos / digest[:_DIGEST]

    def bundle(self, commit: Commit) -> Path:
        """The Git bundle of a commit; it exists once the commit was fetched."""
        safe = _VERSION.fullmatch(commit.id) is not None
        name = commit.id if safe else sha256(commit.id.encode()).hexdigest()
        return self.sources(commit.repo) / f"{name}.bundle"

    @property
    def offers(self) -> Path:
        """Which folders of this machine who may open."""
        return self.root / "offers"

    @property
    def builds(self) -> Path:
        """Logs of builds, `<id>.log`."""
        return self.root / "builds"

    @property
    def cache(self) -> Path:
        """What can be made again from the network."""
        return self.root / "cache"

    @property
    def run(self) -> Path:
        """What belongs to running processes."""
        return self.root / "run"

    @property
    def trash(self) -> Path:
        return self.root / "trash"

    def home(self, user: str) -> Path:
        return self.homes / directory_name(user)

    def state(self, user: str, project: str) -> Path:
        """The private state of one person's project; `project` is `Launch.project`."""
        return self.states / directory_name(user) / directory_name(project or "-")
