"""The ledger in the database: runs of servers, parts of builds, and what files took on a day.

Several services may keep one ledger. Whoever has looked at the Hub brings the clocks of its look
along: what passed since the last look of any of them is counted once, and a look that is older
than the last changes nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, tuple_, update
from sqlalchemy.orm import Session

from ...core.errors import Interrupted
from ...core.intervals import Changes, Key, Measured, Open, Reading, look
from ...core.launch import Launch
from ...core.spending import Stretch, What
from ...core.using import NONE, Used
from .records import Records
from .tables import ClockRow, IntervalRow, StorageDayRow

STOPPED, UNSEEN = "stopped", "unseen"
"""Why a run is over: the Hub said when, or it was not there any more at a look."""

_AT_ONCE = 200
"""Runs one statement may name; databases have a limit."""

_GONE = timedelta(days=1)
"""After this without a word a build is not under way any more, whichever service began it."""

_LOCK = 1


@dataclass(frozen=True)
class Run:
    """A server that runs.

    Attributes:
        key: which run of which server.
        started: seconds since 1970, by the Hub's clock.
        starting: seconds for which it was seen to start.
        groups: of its person now.
        repo, size, memory, cpu, gpu: as of :class:`~.spending.Stretch`.
        launch: what it was started with, if that was by us.
    """

    key: Key
    started: float
    starting: float = 0
    groups: tuple[str, ...] = ()
    repo: str = ""
    size: str = ""
    memory: int = 0
    cpu: float = 0
    gpu: float = 0
    launch: Launch | None = None


@dataclass(frozen=True)
class BuildPart:
    """A build, in equal parts for those who wait for it.

    Attributes:
        build: its id.
        people: their groups, by name.
        repo: as of :class:`~.spending.Stretch`.
        seconds: it took so far.
        result: empty while it lasts.
    """

    build: str
    people: Mapping[str, tuple[str, ...]]
    repo: str
    seconds: float
    result: str = ""


@dataclass(frozen=True)
class StorageDay:
    """What something of somebody took on a day; as :class:`StorageDayRow`."""

    day: date
    kind: str
    name: str
    user: str
    groups: tuple[str, ...]
    bytes: int


class Ledger:
    """Keeps the ledger."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._engine, self._owner = records.engine, records.owner

    # ---- servers

    async def open_runs(self) -> list[Key]:
        """The runs that have not ended as far as is known."""
        rows = await self._records.run(lambda session: _open(session, ()))
        return list(rows)

    async def looked(
        self,
        runs: Iterable[Run],
        stopped: Mapping[Key, float],
        now: Reading,
        watched: float,
        measured: Measured = Measured(),  # noqa: B008  frozen
    ) -> bool:
        """Write down what a look at the Hub found, in one transaction.

        Args:
            runs: every server that runs.
            stopped: as of :func:`~.intervals.look`, like `watched`.
            now: the clocks, read before the Hub was asked.
            measured: what they use, as far as that was looked at too.

        Returns:
            Whether it was news: another service may have looked later.
        """
        by_key = {run.key: run for run in runs}

        def write(session: Session) -> bool:
            last = _locked(session)
            if last and now.before(last):
                return False
            started = {key: run.started for key, run in by_key.items()}
            known = _open(session, by_key)
            seen = look(
                known,
                started,
                stopped,
                now=now,
                last=last,
                watched=watched,
                starting={key: run.starting for key, run in by_key.items()},
            )
            if seen.new:
                rows = [
                    {
                        **self._row(by_key[key], seconds, now),
                        **_uses(measured.used(key, NONE, seconds)),
                    }
                    for key, seconds in seen.new.items()
                ]
                session.execute(insert(IntervalRow), rows)
            used = {one.id: measured.used(key, one.used, one.seconds) for key, one in known.items()}
            for changes in (_grown(seen, now, used), _ended(seen)):
                if changes:
                    session.execute(update(IntervalRow), changes)
            values = {"wall": now.wall, "boot": now.boot[:64], "ticks": now.ticks}
            session.execute(update(ClockRow).where(ClockRow.id == _LOCK).values(**values))
            return True

        return await self._records.run(write)

    def _row(self, run: Run, seconds: float, now: Reading) -> dict[str, Any]:
        return {
            **self._common(What.SERVER, run.key.user, run.key.name, run.groups, run.repo),
            "mark": run.key.mark,
            "size": run.size[:64],
            "memory": run.memory,
            "cpu": run.cpu,
            "gpu": run.gpu,
            "started": _moment(run.started),
            "seen": _moment(now.wall),
            "seconds": seconds,
            "owner": "",
        }

    def _common(
        self, kind: What, user: str, name: str, groups: Iterable[str], repo: str
    ) -> dict[str, Any]:
        return {
            "id": secrets.token_hex(8),
            "kind": str(kind),
            "user": user,
            "name": name,
            "groups": "\n".join(sorted(groups)),
            "repo": repo[:2048],
            "engine": self._engine[:40],
            "ended": False,
            "reason": "",
        }

    # ---- builds

    async def built(self, part: BuildPart) -> None:
        """Write down how long a build took so far, or took, and for whom."""
        each = part.seconds / max(len(part.people), 1)
        values = {
            "seconds": each,
            "seen": datetime.now(UTC),
            "ended": bool(part.result),
            "reason": part.result[:40],
        }

        def write(session: Session) -> None:
            mine = (IntervalRow.kind == str(What.BUILD)) & (IntervalRow.name == part.build)
            # what is over stays so, also if how far it was is written down after its end
            session.execute(update(IntervalRow).where(mine, ~IntervalRow.ended).values(values))
            there = set(session.scalars(select(IntervalRow.user).where(mine)))
            for user in sorted(part.people.keys() - there):
                row = self._common(What.BUILD, user, part.build, part.people[user], part.repo)
                started = datetime.now(UTC) - timedelta(seconds=part.seconds)
                own = {"mark": "", "size": "", "memory": 0, "cpu": 0, "gpu": 0, "started": started}
                session.add(IntervalRow(**{**row, **own, **values, "owner": self._owner}))

        await self._records.run(write)

    async def end_interrupted(self) -> None:
        """End builds that this service was killed in the middle of, as last seen.

        And those of a service that does not come back, as with a pod of another name.
        """
        lost = (IntervalRow.kind == str(What.BUILD)) & IntervalRow.ended.is_(False)
        gone = IntervalRow.seen < datetime.now(UTC) - _GONE
        change = update(IntervalRow).where(lost, (IntervalRow.owner == self._owner) | gone)
        change = change.values(ended=True, reason=Interrupted.code)
        await self._records.write(change)

    # ---- files

    async def stored(self, days: Sequence[StorageDay]) -> None:
        """Write down what files take on a day, of those for whom that is not there yet."""

        def write(session: Session) -> None:
            for day in {one.day for one in days}:
                there = select(StorageDayRow.kind, StorageDayRow.name)
                there = there.where(StorageDayRow.day == day.isoformat())
                known = {tuple(row) for row in session.execute(there)}
                session.add_all(
                    StorageDayRow(
                        day=day.isoformat(),
                        kind=one.kind,
                        name=one.name,
                        user=one.user,
                        groups="\n".join(one.groups),
                        bytes=one.bytes,
                    )
                    for one in days
                    if one.day == day and (one.kind, one.name) not in known
                )

        await self._records.run(write)

    async def storage(self, since: date, user: str | None = None) -> list[StorageDay]:
        """What files took on the days from one on; of one person or of everybody."""
        asked = select(StorageDayRow).where(StorageDayRow.day >= since.isoformat())
        if user is not None:
            asked = asked.where(StorageDayRow.user == user)
        rows = await self._records.rows(asked.order_by(StorageDayRow.day))
        return [
            StorageDay(
                date.fromisoformat(row.day),
                row.kind,
                row.name,
                row.user,
                _groups(row.groups),
                row.bytes,
            )
            for row in rows
        ]

    # ---- reading

    async def stretches(self, since: float, now: float, user: str | None = None) -> list[Stretch]:
        """What was used from a moment on; of one person or of everybody.

        Args:
            since, now: seconds since 1970. What ended later than now, by a clock that was set
                back since, ends now.
        """
        asked = select(*_READ).where(IntervalRow.seen >= _moment(since))
        if user is not None:
            asked = asked.where(IntervalRow.user == user)
        return await self._records.run(lambda s: [_stretch(row, now) for row in s.execute(asked)])

    async def rows(self, user: str | None = None, *, limit: int = 100) -> list[IntervalRow]:
        """The latest rows, newest first; of one person or of everybody."""
        asked = select(IntervalRow).order_by(IntervalRow.seen.desc()).limit(limit)
        if user is not None:
            asked = asked.where(IntervalRow.user == user)
        return await self._records.rows(asked)

    async def looked_last(self) -> float | None:
        """When the Hub was last looked at, in seconds since 1970; `None` if it never was."""
        row = await self._records.run(lambda session: session.get_one(ClockRow, _LOCK))
        return row.wall if row.boot else None


_READ = (
    IntervalRow.kind,
    IntervalRow.user,
    IntervalRow.seen,
    IntervalRow.seconds,
    IntervalRow.memory,
    IntervalRow.cpu,
    IntervalRow.gpu,
    IntervalRow.groups,
    IntervalRow.repo,
    IntervalRow.size,
    IntervalRow.peak,
    IntervalRow.worked,
)


def _grown(seen: Changes, now: Reading, used: Mapping[str, Used]) -> list[dict[str, Any]]:
    common = {"seen": _moment(now.wall), "ended": False}
    return [
        {"id": id, "seconds": seconds, **common, **_uses(used[id])}
        for id, seconds in seen.grown.items()
    ]


def _uses(used: Used) -> dict[str, Any]:
    return {"peak": used.peak, "worked": used.worked}


def _ended(seen: Changes) -> list[dict[str, Any]]:
    return [
        {
            "id": run.id,
            "seconds": run.seconds,
            "seen": _moment(run.seen),
            "ended": True,
            "reason": STOPPED if run.certain else UNSEEN,
        }
        for run in seen.ended
    ]


def _stretch(row: Row[*tuple[Any, ...]], now: float) -> Stretch:
    return Stretch(
        What(row.kind),
        row.user,
        min(row.seen.timestamp(), now),
        row.seconds,
        row.memory,
        row.cpu,
        row.gpu,
        _groups(row.groups),
        row.repo,
        row.size,
        Used(row.peak, row.worked),
    )


def _groups(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split("\n")))


def _moment(wall: float) -> datetime:
    return datetime.fromtimestamp(wall, UTC)


def _locked(session: Session) -> Reading | None:
    """The clocks at the last look; nobody else writes down another one before this is over."""
    # An update, because it takes SQLite's lock as it takes PostgreSQL's.
    session.execute(update(ClockRow).where(ClockRow.id == _LOCK).values(id=_LOCK))
    row = session.get_one(ClockRow, _LOCK)
    return Reading(row.wall, row.boot, row.ticks) if row.boot else None


def _open(session: Session, running: Collection[Key]) -> dict[Key, Open]:
    """The runs that have not ended; with those that were taken to have ended and go on."""
    runs = select(IntervalRow).where(IntervalRow.kind == str(What.SERVER))
    rows = list(session.scalars(runs.where(IntervalRow.ended.is_(False))))
    there = {Key(row.user, row.name, row.mark) for row in rows}
    unknown = [key for key in running if key not in there]
    for at in range(0, len(unknown), _AT_ONCE):
        some = unknown[at : at + _AT_ONCE]
        run = tuple_(IntervalRow.user, IntervalRow.name, IntervalRow.mark)
        again = runs.where(
            # by people, of whom there is an index: else every row is read
            IntervalRow.user.in_({key.user for key in some}),
            run.in_([(key.user, key.name, key.mark) for key in some]),
        )
        rows += session.scalars(again)
    known = {Key(row.user, row.name, row.mark): row for row in rows}
    return {
        key: Open(row.id, row.seen.timestamp(), row.seconds, Used(row.peak, row.worked))
        for key, row in known.items()
        if key in running or not row.ended
    }
