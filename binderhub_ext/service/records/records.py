"""The service's memory: environments of commits, builds, launches, trust.

Every method is one short transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import chain

from sqlalchemy import ColumnElement, Delete, Select, case, delete, func, select, update
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session, aliased

from ... import __version__
from ...core.errors import BinderError, Cancelled, Interrupted
from ...core.launch import Project
from ...core.projects import Past
from ...core.repo import Commit, Repo
from ...core.rights import combination
from ...core.sentences import fixed, kept, read_kept
from ...engines.base import Environment
from .classtables import ClassTeacherRow, OpeningRow
from .tables import (
    BuildRow,
    CredentialRow,
    EnvironmentRow,
    LaunchRow,
    NotebookRow,
    SecretRow,
    TrustRow,
)
from .transactions import Transactions

INTERRUPTED = fixed("The service was restarted meanwhile. Launch again: nothing is lost.")

_LOST = timedelta(days=1)
"""After this nothing is under way any more, whichever service began it."""


def now() -> datetime:
    return datetime.now(UTC)


class Records(Transactions):
    """The database of one service.

    Args:
        url: of SQLAlchemy; the tables are made or brought to the newest version here.
        engine: name of the engine, which is part of what an environment is.
        owner: which of several services on one database this is; the same after a restart.
    """

    def __init__(self, url: str | URL, *, engine: str, owner: str = "") -> None:
        super().__init__(url)
        self.engine = engine
        self.owner = owner

    # ---- environments of commits

    async def environment(self, commit: Commit, basis: str) -> Environment | None:
        """What this commit was found to ask for, if it was looked at before.

        Args:
            basis: of the builder that looks; see :meth:`Builder.basis`.
        """
        row = await self.get(EnvironmentRow, self._identity(commit, basis))
        if row is None:
            return None
        return Environment(row.key, row.kind, tuple(json.loads(row.files)), read_kept(row.notes))

    async def remember(self, commit: Commit, basis: str, environment: Environment) -> None:
        engine, repo, commit_id = self._identity(commit, basis)
        row = EnvironmentRow(
            engine=engine,
            repo=repo,
            commit=commit_id,
            key=environment.key,
            kind=environment.kind,
            files=json.dumps(environment.files),
            notes=kept(environment.notes),
            seen=now(),
        )
        await self.run(lambda session: session.merge(row))

    def _identity(self, commit: Commit, basis: str) -> tuple[str, str, str]:
        version = sha256(f"{__version__} {basis}".encode()).hexdigest()[:16]
        engine = f"{self.engine} {version}"
        return engine, " ".join(commit.repo.source)[:2048], commit.described[:128]

    # ---- builds

    async def build_started(
        self, build: str, environment: Environment, commit: Commit | None
    ) -> None:
        row = BuildRow(
            id=build,
            key=environment.key,
            kind=environment.kind,
            repo=commit.repo.identity[:2048] if commit else "",
            commit=commit.id if commit else "",
            started=now(),
            result="",
            message="",
            owner=self.owner,
        )
        await self.add(row)

    async def build_ended(self, build: str, result: str, message: str = "") -> None:
        values = {"finished": now(), "result": result, "message": message}
        change = update(BuildRow).where(BuildRow.id == build).values(values)
        await self.write(change)

    async def builds_before(self, age: timedelta) -> list[str]:
        """Ids of builds that ended longer ago than `age`."""
        old = select(BuildRow.id).where(BuildRow.finished < now() - age)
        return await self.rows(old)

    # ---- launches

    async def launch_started(self, row: LaunchRow) -> None:
        row.owner = self.owner
        await self.add(row)

    async def launch_ended(self, launch: str, **values: object) -> None:
        """Write what became of a launch; `values` are columns of :class:`LaunchRow`."""
        change = update(LaunchRow).where(LaunchRow.id == launch)
        change = change.values(finished=now(), **values)
        await self.write(change)

    async def launch(self, launch: str) -> LaunchRow | None:
        return await self.get(LaunchRow, launch)

    async def launches(self, user: str, *, limit: int = 50) -> list[LaunchRow]:
        """A person's launches, newest first."""
        mine = select(LaunchRow).where(LaunchRow.user == user)
        mine = mine.order_by(LaunchRow.started.desc()).limit(limit)
        return await self.rows(mine)

    async def unfinished(self, user: str, *, limit: int = 50) -> list[LaunchRow]:
        """A person's launches that are under way, newest first."""
        mine = select(LaunchRow).where(LaunchRow.user == user, LaunchRow.finished.is_(None))
        return await self.rows(mine.order_by(LaunchRow.started.desc()).limit(limit))

    async def latest_of_servers(self, user: str, servers: Sequence[str]) -> dict[str, LaunchRow]:
        """The newest launch that worked of each server of a person, else the newest, by its name.

        One whose first start failed can be tried again so.
        """
        worked = case((LaunchRow.url != "", 1), else_=0)
        order = (worked.desc(), LaunchRow.started.desc())
        place = func.row_number().over(partition_by=LaunchRow.server, order_by=order)
        asked = select(LaunchRow.id, place.label("place"))
        mine = asked.where(LaunchRow.user == user, LaunchRow.server.in_(servers)).subquery()
        first = select(mine.c.id).where(mine.c.place == 1)
        rows = await self.rows(select(LaunchRow).where(LaunchRow.id.in_(first)))
        return {row.server: row for row in rows}

    async def failed(self, user: str, *, limit: int = 10) -> list[LaunchRow]:
        """A person's launches that failed, newest first.

        Without those that were cancelled or dismissed, or whose server was launched again.
        """
        later = aliased(LaunchRow)
        again = select(later.id).where(
            later.user == user,
            later.server == LaunchRow.server,
            later.started > LaunchRow.started,
        )
        mine = select(LaunchRow).where(
            LaunchRow.user == user,
            LaunchRow.code.not_in(("", Cancelled.code)),
            LaunchRow.dismissed.is_(False),
            ~again.exists(),
        )
        mine = mine.order_by(LaunchRow.started.desc()).limit(limit)
        return await self.rows(mine)

    async def dismiss(self, user: str, launch: str) -> None:
        """Let a launch of a person be forgotten by the main page; harmless if it is none."""
        mine = update(LaunchRow).where(LaunchRow.user == user, LaunchRow.id == launch)
        await self.write(mine.values(dismissed=True))

    async def people(self) -> list[str]:
        """Everybody who launched something, in the order in which they first did."""
        first = func.min(LaunchRow.started)
        return await self.rows(select(LaunchRow.user).group_by(LaunchRow.user).order_by(first))

    async def launches_since(self, user: str, age: timedelta) -> int:
        """How many launches a person started within `age`."""
        return await self.count(LaunchRow.user == user, LaunchRow.started > now() - age)

    async def launched_before(self, user: str, moment: datetime) -> int:
        """How many launches there were under a name before a moment."""
        return await self.count(LaunchRow.user == user, LaunchRow.started < moment)

    async def projects(self, user: str) -> list[LaunchRow]:
        """The latest launch of each project of a person, newest first.

        Of a project that was content, the row names it, and its `request` is the whole launch's.
        """
        rows = await self.rows(_latest(user))
        with_content = await self.run(lambda session: _latest_with_content(session, user))
        all_rows = [*rows, *chain.from_iterable(map(rows_of_content, with_content))]
        all_rows.sort(key=lambda row: row.started, reverse=True)
        latest: dict[str, LaunchRow] = {}
        for row in all_rows:
            latest.setdefault(row.project, row)
        return list(latest.values())

    async def past(self, user: str) -> list[Past]:
        """Where a person's launches had their projects, newest first."""
        worked = func.max(case((LaunchRow.url != "", 1), else_=0))
        last = func.max(LaunchRow.started)
        named = (LaunchRow.provider, LaunchRow.repo, LaunchRow.repo_url, LaunchRow.project)
        mine = select(*named, LaunchRow.content, worked, last)
        mine = mine.where(LaunchRow.user == user).where(
            (LaunchRow.project != "") | (LaunchRow.content != "")
        )
        mine = mine.group_by(*named, LaunchRow.content).order_by(last.desc())
        past: list[Past] = []
        for *repo, folder, content, ran, _ in await self.tuples(mine):
            past += [Past(Repo(*repo), folder, bool(ran))] if folder else []
            past += [Past(p.commit.repo, p.folder, bool(ran)) for p in read_content(content)]
        return past

    async def end_interrupted(self) -> None:
        """Close what this service left open when it was killed, and what nobody comes back to."""
        ended = {"finished": now(), "message": INTERRUPTED}

        def lost(table: type[LaunchRow | BuildRow]) -> ColumnElement[bool]:
            return table.owner.in_(("", self.owner)) | (table.started < now() - _LOST)

        def close(session: Session) -> None:
            launches = update(LaunchRow).where(LaunchRow.finished.is_(None), lost(LaunchRow))
            session.execute(
                launches.values(ended | {"code": Interrupted.code, "status": Interrupted.status})
            )
            builds = update(BuildRow).where(BuildRow.finished.is_(None), lost(BuildRow))
            session.execute(builds.values(ended | {"result": Interrupted.code}))

        await self.run(close)

    # ---- what is entrusted

    async def forget_entrusted(self, user: str, before: datetime) -> int:
        """Forget secrets, credentials, decisions and notebooks of a person of before, that they
        opened links of classes, and that others named them as a teacher of theirs.

        Returns:
            How many there were.
        """
        old: list[Delete] = [
            delete(table).where(table.user == user, table.since < before)
            for table in (SecretRow, CredentialRow, TrustRow, NotebookRow)
        ]
        old.append(delete(OpeningRow).where(OpeningRow.user == user, OpeningRow.opened < before))
        named, older = ClassTeacherRow.name == user, ClassTeacherRow.since < before
        old.append(delete(ClassTeacherRow).where(named, ~ClassTeacherRow.is_group, older))

        def forget(session: Session) -> int:
            results = [session.execute(one) for one in old]
            return sum(result.rowcount for result in results)  # type: ignore[attr-defined]

        return await self.run(forget)

    # ---- trust

    async def trust(self, row: TrustRow) -> None:
        """Remember a decision; it replaces an earlier one about the same repository and content."""
        about = combination(row.rights.split("\n"))

        def replace(session: Session) -> None:
            same = (TrustRow.user == row.user) & (TrustRow.repo == row.repo)
            for earlier in session.scalars(select(TrustRow).where(same)):
                if combination(earlier.rights.split("\n")) == about:
                    session.delete(earlier)
            session.add(row)

        await self.run(replace)

    async def trusted(self, user: str, repo: str) -> list[TrustRow]:
        """What a person decided about a repository (its identity); each decision counts."""
        decisions = select(TrustRow).where(TrustRow.user == user, TrustRow.repo == repo[:2048])
        return await self.rows(decisions)

    async def all_trusted(self, user: str) -> list[TrustRow]:
        mine = select(TrustRow).where(TrustRow.user == user).order_by(TrustRow.since.desc())
        return await self.rows(mine)

    async def revoke(self, user: str, trust: str) -> bool:
        """Take a decision back; False if there was none of this person."""
        mine = delete(TrustRow).where(TrustRow.user == user, TrustRow.id == trust)
        return bool(await self.write(mine))

    # ---- credentials

    async def keep_credential(self, row: CredentialRow, limit: int) -> bool:
        """Keep a token in place of one for the same host; False with `limit` for other hosts."""
        mine, host = CredentialRow.user == row.user, CredentialRow.host

        def replace(session: Session) -> bool:
            others = select(func.count()).where(mine, host != row.host)
            if (session.scalar(others) or 0) >= limit:
                return False
            session.execute(delete(CredentialRow).where(mine, host == row.host))
            session.add(row)
            return True

        return await self.run(replace)

    async def credentials(self, user: str) -> list[CredentialRow]:
        """A person's sealed tokens, by host."""
        mine = select(CredentialRow).where(CredentialRow.user == user).order_by(CredentialRow.host)
        return await self.rows(mine)

    async def remove_credential(self, user: str, id: str) -> bool:
        """Forget a token; False if there was none of this person."""
        mine = delete(CredentialRow).where(CredentialRow.user == user, CredentialRow.id == id)
        return bool(await self.write(mine))


def write_content(content: Iterable[Project]) -> str:
    """The projects that a launch brought besides the environment's, for a row; empty for none."""
    fields = [project.to_dict() for project in content]
    return json.dumps(fields) if fields else ""


def read_content(text: str) -> tuple[Project, ...]:
    """The inverse of :func:`write_content`."""
    return tuple(map(Project.from_dict, json.loads(text))) if text else ()


def rows_of_content(row: LaunchRow) -> list[LaunchRow]:
    """A launch as the row of each project that it brought besides the environment's."""
    values = {column.key: getattr(row, column.key) for column in LaunchRow.__table__.columns}
    return [
        LaunchRow(
            **values
            | {
                "provider": project.commit.repo.provider,
                "repo": project.commit.repo.name,
                "repo_url": project.commit.repo.url,
                "ref": project.commit.ref,
                "commit": project.commit.id,
                "project": project.folder,
            }
        )
        for project in read_content(row.content)
    ]


def _latest(user: str) -> Select[LaunchRow]:
    """The latest launch of each project that worked, newest first."""
    latest = (
        select(LaunchRow.project, func.max(LaunchRow.started).label("last"))
        .where(LaunchRow.user == user, LaunchRow.project != "", LaunchRow.url != "")
        .group_by(LaunchRow.project)
        .subquery()
    )
    same = (LaunchRow.project == latest.c.project) & (LaunchRow.started == latest.c.last)
    mine = select(LaunchRow).join(latest, same).where(LaunchRow.user == user)
    return mine.order_by(LaunchRow.started.desc())


def _latest_with_content(session: Session, user: str) -> Sequence[LaunchRow]:
    """The latest launch that worked of each project that was content.

    A launch of each new commit has content of its own, so only that is read of all of them.
    """
    worked = (LaunchRow.user == user, LaunchRow.content != "", LaunchRow.url != "")
    brought = select(LaunchRow.id, LaunchRow.content).where(*worked)
    latest: dict[str, str] = {}
    for id, content in session.execute(brought.order_by(LaunchRow.started.desc())):
        for project in read_content(content):
            latest.setdefault(project.folder, id)
    return session.scalars(select(LaunchRow).where(LaunchRow.id.in_({*latest.values()}))).all()


def outcome(error: BaseException | None) -> str:
    """The word for how something ended: `success` or the error's stable code."""
    if error is None:
        return "success"
    return error.code if isinstance(error, BinderError) else BinderError.code
