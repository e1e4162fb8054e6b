"""How long builds take, and who waits for them: each pays an equal part."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

from ...housekeeping import alone
from ..hub import Person
from ..records.ledger import BuildPart, Ledger


@dataclass
class _Build:
    repo: str
    began: float = field(default_factory=monotonic)
    people: dict[str, tuple[str, ...]] = field(default_factory=dict)


class BuildMeter:
    """Knows the builds of this service that are under way.

    Args:
        ledger: where they are written down.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._builds: dict[str, _Build] = {}

    def began(self, build: str, repo: str) -> None:
        """A build begins.

        Args:
            repo: the identity of its repository; empty for none.
        """
        self._builds[build] = _Build(repo)

    def waits(self, build: str, person: Person) -> None:
        """Somebody waits for a build."""
        if known := self._builds.get(build):
            known.people[person.name] = person.groups

    async def ended(self, build: str, result: str) -> None:
        """A build is over; it is written down, whatever comes of that."""
        part = self._part(build, result)
        del self._builds[build]
        with alone(f"Accounting for build {build}"):
            await self._ledger.built(part)

    async def write(self) -> None:
        """Write down how long the builds under way have taken so far."""
        # all at one moment: some may end while the others are written down
        for part in [self._part(build) for build in self._builds]:
            await self._ledger.built(part)

    def _part(self, build: str, result: str = "") -> BuildPart:
        known = self._builds[build]
        passed = monotonic() - known.began
        return BuildPart(build, dict(known.people), known.repo, passed, result)
