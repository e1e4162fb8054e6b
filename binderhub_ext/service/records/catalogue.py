"""The catalogue in the database: entries, what is searched, and what people report."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from ...core.catalogue import Listing
from .pictures import forget_picture
from .records import Records, now
from .tables import CatalogueRow, HiddenRow, ReportRow

PAGE = 24
"""Entries on a page."""

FRESH = timedelta(days=2)
"""How long it is believed that everybody may read what many launched."""

EVER = datetime.fromtimestamp(0, UTC)

_SHOWN = 200
_AT_ONCE = 500
"""Values one statement may name; databases have a limit."""


@dataclass(frozen=True)
class Search:
    """What somebody looks for.

    Attributes:
        terms: as of :func:`~.core.catalogue.terms`.
        tag: that entries have, or empty.
        featured: only what administrators feature.
        popular: only what others launched, the most first.
        mine: only their own entries, with those that are hidden.
    """

    terms: tuple[str, ...] = ()
    tag: str = ""
    featured: bool = False
    popular: bool = False
    mine: bool = False


@dataclass(frozen=True)
class Reported:
    """An entry with what is said of it and was not dealt with."""

    row: CatalogueRow
    reports: Sequence[ReportRow]


class CatalogueRecords:
    """Keeps the entries."""

    def __init__(self, records: Records) -> None:
        self._records = records

    # ---- looking

    async def find(
        self,
        search: Search,
        *,
        user: str,
        groups: Collection[str],
        page: int,
        since: datetime = EVER,
    ) -> tuple[list[CatalogueRow], int]:
        """A page of what somebody may see, and how many there are on all of them.

        Args:
            page: from 1.
            since: when they became known; what has their name and is older is somebody else's.
        """
        wanted = _wanted(search, user, since, groups)
        best = CatalogueRow.featured.desc(), CatalogueRow.score.desc()
        order = best[1:] if search.popular else best
        some = select(CatalogueRow).where(*wanted)
        some = some.order_by(*order, CatalogueRow.changed.desc(), CatalogueRow.id)
        some = some.limit(PAGE).offset((page - 1) * PAGE)
        count = select(func.count()).select_from(CatalogueRow).where(*wanted)

        def look(session: Session) -> tuple[list[CatalogueRow], int]:
            return list(session.scalars(some).all()), session.scalar(count) or 0

        return await self._records.run(look)

    async def get(self, id: str) -> CatalogueRow | None:
        """An entry, whoever may see it."""
        return await self._records.get(CatalogueRow, id)

    async def visible(
        self, id: str, *, user: str, groups: Collection[str], since: datetime = EVER
    ) -> CatalogueRow | None:
        """An entry that somebody may see; since when they are known as in :meth:`find`."""
        wanted = _wanted(Search(), user, since, groups)
        one = select(CatalogueRow).where(CatalogueRow.id == id, *wanted)
        return await self._records.run(lambda session: session.scalar(one))

    async def owned(self, user: str, since: datetime = EVER) -> int:
        """How many somebody published; since when they are known as in :meth:`find`."""
        return await self._records.count(CatalogueRow.owner == user, CatalogueRow.made >= since)

    # ---- what owners do

    async def publish(
        self, owner: str, listing: Listing, *, link: str, repo: str, words: str
    ) -> CatalogueRow:
        """Add an entry; hidden, if an administrator hid the link when they published it before."""
        row = new_row(owner, listing.title, link=link, repo=repo)
        for name, value in _said(listing, words).items():
            setattr(row, name, value)
        same = CatalogueRow.owner == owner, CatalogueRow.link == link

        def add(session: Session) -> None:
            hidden = select(CatalogueRow.id).where(*same, CatalogueRow.hidden.is_(True))
            before = session.get(HiddenRow, (owner, _digest(link)))
            row.hidden = before is not None or session.scalar(hidden.limit(1)) is not None
            session.add(row)

        await self._records.run(add)
        return row

    async def edit(self, id: str, listing: Listing, *, link: str, repo: str, words: str) -> None:
        """Change what an owner says.

        What others decided of it stays, as far as it is of the same link: nobody recommended, or
        launched, what it leads to from now on. What is hidden stays so, and so does its link.
        """
        mine = CatalogueRow.id == id
        values = {**_said(listing, words), "changed": now()}
        fresh = {"checked": None, "code": "", "commit": "", "key": "", "tried": None}
        others = {"featured": False, "score": 0.0, "people": 0}

        def write(session: Session) -> None:
            _keep_hidden(session, id)
            row = session.get(CatalogueRow, id)
            if row and (row.link, row.picture) != (link, listing.picture):
                forget_picture(session, id)
                row.checked = None
            session.flush()
            session.execute(update(CatalogueRow).where(mine).values(**values))
            moved = update(CatalogueRow).where(mine, CatalogueRow.link != link)
            session.execute(moved.values(link=link, repo=repo, **fresh, **others))

        await self._records.run(write)

    async def withdraw(self, id: str) -> None:
        """Remove an entry with all that was said of it; harmless if it is gone.

        That an administrator hid its link is remembered.
        """

        def remove(session: Session) -> None:
            _keep_hidden(session, id)
            session.execute(delete(ReportRow).where(ReportRow.entry == id))
            forget_picture(session, id)
            session.execute(delete(CatalogueRow).where(CatalogueRow.id == id))

        await self._records.run(remove)

    # ---- reports

    async def reports_since(self, user: str, age: timedelta) -> int:
        """How many entries somebody reported within `age`."""
        return await self._records.count(ReportRow.user == user, ReportRow.made > now() - age)

    async def report(self, entry: str, user: str, reason: str) -> None:
        """Write down what somebody says of an entry, in place of what they said before."""
        same = (ReportRow.entry == entry) & (ReportRow.user == user) & ReportRow.done.is_(False)
        row = ReportRow(
            id=secrets.token_hex(8), entry=entry, user=user, reason=reason, made=now(), done=False
        )

        def write(session: Session) -> None:
            earlier = update(ReportRow).where(same).values(done=True)
            session.execute(earlier)
            session.add(row)

        await self._records.run(write)

    async def settle(self, entry: str) -> bool:
        """Call all reports of an entry dealt with; gives whether there were any."""
        open_ = (ReportRow.entry == entry) & ReportRow.done.is_(False)
        return bool(await self._records.write(update(ReportRow).where(open_).values(done=True)))

    # ---- what administrators do

    async def marked(self, id: str, **values: bool) -> bool:
        """Set `hidden` or `featured`; gives whether that changed anything."""
        (name, value), *_ = values.items()
        column = getattr(CatalogueRow, name)
        change = update(CatalogueRow).where(CatalogueRow.id == id, column.is_not(value))

        def mark(session: Session) -> int:
            row = session.get(CatalogueRow, id)
            if row and name == "hidden" and not value:
                same = HiddenRow.owner == row.owner, HiddenRow.link == _digest(row.link)
                session.execute(delete(HiddenRow).where(*same))
            result = session.execute(change.values(**values))
            return result.rowcount  # type: ignore[attr-defined]

        return bool(await self._records.run(mark))

    async def for_administrators(self) -> list[Reported]:
        """What was reported, then what is hidden, then what is featured; of each the latest."""
        open_ = select(ReportRow).where(ReportRow.done.is_(False))
        open_ = open_.order_by(ReportRow.made.desc()).limit(_SHOWN)

        def look(session: Session) -> list[Reported]:
            said: dict[str, list[ReportRow]] = {}
            for report in session.scalars(open_):
                said.setdefault(report.entry, []).append(report)
            reported = CatalogueRow.id.in_(list(said))
            marked = CatalogueRow.hidden.is_(True) | CatalogueRow.featured.is_(True)
            some = select(CatalogueRow).where(reported | marked)
            best = reported.desc(), CatalogueRow.hidden.desc(), CatalogueRow.changed.desc()
            rows = session.scalars(some.order_by(*best).limit(2 * _SHOWN))
            return [Reported(row, said.get(row.id, ())) for row in rows]

        return await self._records.run(look)

    # ---- health

    async def due(self, age: timedelta, *, limit: int) -> list[CatalogueRow]:
        """What was not looked at for `age`: what many see first, and of that what waits longest.

        What was changed begins to wait anew, so that nobody's changes keep others from their turn.
        """
        old = or_(CatalogueRow.checked.is_(None), CatalogueRow.checked < now() - age)
        some = select(CatalogueRow).where(old, CatalogueRow.hidden.is_(False))
        # what many launched is shown only while that is fresh
        waits = func.coalesce(CatalogueRow.checked, CatalogueRow.changed)
        some = some.order_by(CatalogueRow.owner != "", waits).limit(limit)
        return await self._records.rows(some)

    async def checked(self, row: CatalogueRow, **values: str | datetime) -> None:
        """Write down what was found, unless its owner changed the link meanwhile."""
        same = CatalogueRow.id == row.id, CatalogueRow.link == row.link
        change = update(CatalogueRow).where(*same)
        await self._records.write(change.values(**values))

    async def within(self, age: timedelta) -> tuple[int, int]:
        """How many entries were looked at, and how many builds tried, within `age`."""
        since = now() - age
        looked, tried = (
            select(func.count()).select_from(CatalogueRow).where(moment > since)
            for moment in (CatalogueRow.checked, CatalogueRow.tried)
        )
        return await self._records.run(lambda s: (s.scalar(looked) or 0, s.scalar(tried) or 0))

    async def unbuilt(
        self, age: timedelta, kept: Collection[str], *, limit: int
    ) -> list[CatalogueRow]:
        """What can be launched and was not built for its own sake within `age`, the best first.

        Args:
            kept: keys of environments that are there.
        """
        old = or_(CatalogueRow.tried.is_(None), CatalogueRow.tried < now() - age)
        some = select(CatalogueRow).where(old, CatalogueRow.hidden.is_(False))
        some = some.where(CatalogueRow.code == "", CatalogueRow.commit != "")
        some = some.order_by(CatalogueRow.featured.desc(), CatalogueRow.score.desc())

        def look(session: Session) -> list[CatalogueRow]:
            rows = (row for row in session.scalars(some) if row.key not in kept)
            return list(islice(rows, limit))

        return await self._records.run(look)


def _keep_hidden(session: Session, id: str) -> None:
    """Remember that the link of an entry is hidden, if it is."""
    row = session.get(CatalogueRow, id)
    if row and row.hidden and row.owner:
        session.merge(HiddenRow(owner=row.owner, link=_digest(row.link), since=now()))


def _digest(link: str) -> str:
    return sha256(link.encode()).hexdigest()


def new_row(owner: str, title: str, *, link: str, repo: str) -> CatalogueRow:
    """An entry of which nothing is known yet."""
    moment = now()
    row = CatalogueRow(id=secrets.token_hex(8), owner=owner, title=title, link=link, repo=repo)
    row.made = row.changed = moment
    pictured = "picture", "picture_text", "picture_tag", "picture_flaw"
    for name in ("text", "tags", "group", "words", "code", "commit", "key", *pictured):
        setattr(row, name, "")
    row.featured = row.hidden = False
    row.score, row.people = 0.0, 0
    return row


def _said(listing: Listing, words: str) -> dict[str, str]:
    tags = f" {' '.join(listing.tags)} " if listing.tags else ""
    said = {"title": listing.title, "text": listing.text, "tags": tags}
    pictured = {"picture": listing.picture, "picture_text": listing.picture_text}
    return {**said, **pictured, "group": listing.group, "words": words}


def _wanted(
    search: Search, user: str, since: datetime, groups: Collection[str]
) -> list[ColumnElement[bool]]:
    row = CatalogueRow
    proven = (row.code == "") & (row.checked > now() - FRESH)
    seen = row.group.in_(["", *groups]) & row.hidden.is_(False) & or_(row.owner != "", proven)
    mine = (row.owner == user) & (row.made >= since)
    wanted = [mine] if search.mine else [or_(seen, mine)]
    wanted += [row.words.contains(term, autoescape=True) for term in search.terms]
    if search.tag:
        wanted.append(row.tags.contains(f" {search.tag} ", autoescape=True))
    if search.featured:
        wanted.append(row.featured.is_(True))
    if search.popular:
        wanted.append(row.people > 0)
    return wanted
