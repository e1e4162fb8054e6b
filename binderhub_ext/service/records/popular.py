"""What is popular, in the database: counted from launches, told in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from ...core.catalogue import NOBODY, Popular
from .catalogue import new_row
from .records import Records
from .tables import CatalogueRow, LaunchRow, ReportRow


@dataclass(frozen=True)
class Launched:
    """A repository that people launched.

    Attributes:
        provider, name, url: of its latest launch.
        latest: when each person launched it last.
    """

    provider: str
    name: str
    url: str
    latest: Mapping[str, datetime]


@dataclass(frozen=True)
class Plain:
    """What stands in the catalogue because many launched it.

    Attributes:
        title, link, words: as of :class:`CatalogueRow`.
    """

    title: str
    link: str
    words: str


class PopularRecords:
    """Counts launches, and keeps how popular everything is.

    Args:
        records: of the service.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    async def launched(self, since: datetime) -> list[Launched]:
        """Each repository whose server came up since then, with who launched it."""
        named = LaunchRow.provider, LaunchRow.repo, LaunchRow.repo_url
        pairs = select(*named, LaunchRow.user, func.max(LaunchRow.started))
        pairs = pairs.where(LaunchRow.finished > since, LaunchRow.url != "", LaunchRow.repo != "")
        pairs = pairs.group_by(*named, LaunchRow.user)
        found: dict[tuple[str, str, str], dict[str, datetime]] = {}
        for *repo, user, last in await self._records.tuples(pairs):
            provider, name, url = repo
            found.setdefault((provider, name, url), {})[user] = last
        return [Launched(*repo, latest=latest) for repo, latest in found.items()]

    async def refused(self) -> set[str]:
        """Repositories that many launched and not everybody may read, or can."""
        some = select(CatalogueRow.repo).where(CatalogueRow.owner == "", CatalogueRow.code != "")
        return set(await self._records.rows(some))

    async def ranked(self, scores: Mapping[str, Popular], shown: Mapping[str, Plain]) -> None:
        """Write down how popular everything is.

        Args:
            scores: by the identity of a repository.
            shown: what stands in the catalogue by itself, likewise, unless somebody published it
                for everybody.
        """
        await self._records.run(lambda session: _rank(session, scores, shown))


def _rank(session: Session, scores: Mapping[str, Popular], shown: Mapping[str, Plain]) -> None:
    row = CatalogueRow
    for_everybody = (row.owner != "") & (row.group == "") & row.hidden.is_(False)
    published = set(session.scalars(select(row.repo).where(for_everybody).distinct()))
    alone = {repo: plain for repo, plain in shown.items() if repo not in published}
    # what an administrator decided of it is remembered
    rest = row.owner == "", row.hidden.is_(False), row.featured.is_(False)
    known = set(session.scalars(select(row.repo).where(row.owner == "")))
    gone = select(row.id).where(*rest, row.repo.not_in(list(alone)))
    session.execute(delete(ReportRow).where(ReportRow.entry.in_(gone)))
    session.execute(delete(row).where(row.id.in_(gone)))
    for repo, plain in alone.items():
        if repo not in known:
            entry = new_row("", plain.title, link=plain.link, repo=repo)
            entry.id, entry.words = sha256(repo.encode()).hexdigest()[:16], plain.words
            session.add(entry)
    session.flush()
    # of what not everybody may read it is not told how many launch it
    ranked = or_(row.owner == "", (row.code == "") & row.checked.is_not(None))
    every = select(row.id, row.repo, row.score, row.people, ranked)
    changes = []
    for id, repo, score, people, may_be in session.execute(every):
        rank = scores.get(repo, NOBODY) if may_be else NOBODY
        if (score, people) != (rank.score, rank.people):
            changes.append({"id": id, "score": rank.score, "people": rank.people})
    if changes:
        session.execute(update(row), changes)
