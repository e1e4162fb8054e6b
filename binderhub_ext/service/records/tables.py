"""The tables of the service's own database: only what nobody else knows (DESIGN §4.5).

Running servers are the Hub's to know, images the engine's, files the volumes'. A change here
needs a migration in `migrations/versions/`; a test compares both.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ...core.sentences import NOTHING, Sentence, read_written, written


class Moment(TypeDecorator[datetime]):
    """A point in time; always UTC, also in databases that forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Said(TypeDecorator[Sentence]):
    """A sentence with what it was made of, so that it is said in the language of whoever reads it.

    One without places is kept as its words, as are all that were written by earlier versions.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else written(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Sentence | None:
        return None if value is None else read_written(value)


class Base(DeclarativeBase):
    """What Alembic compares the database with."""


class EnvironmentRow(Base):
    """Which environment a commit asks for: spares detecting it again."""

    __tablename__ = "environments"

    engine: Mapped[str] = mapped_column(String(40), primary_key=True)
    repo: Mapped[str] = mapped_column(String(2048), primary_key=True)
    commit: Mapped[str] = mapped_column(String(128), primary_key=True)
    key: Mapped[str] = mapped_column(String(128))
    kind: Mapped[Sentence] = mapped_column(Said)
    files: Mapped[str] = mapped_column(Text)
    notes: Mapped[str] = mapped_column(Text)
    seen: Mapped[datetime] = mapped_column(Moment)


class BuildRow(Base):
    """One build; its log lies beside the database as `builds/<id>.log`."""

    __tablename__ = "builds"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), index=True)
    kind: Mapped[Sentence] = mapped_column(Said)
    repo: Mapped[str] = mapped_column(String(2048))
    commit: Mapped[str] = mapped_column(String(128))
    started: Mapped[datetime] = mapped_column(Moment, index=True)
    finished: Mapped[datetime | None] = mapped_column(Moment)
    result: Mapped[str] = mapped_column(String(40), default="")
    message: Mapped[Sentence] = mapped_column(Said, default=NOTHING)
    owner: Mapped[str] = mapped_column(String(64), default="")


class LaunchRow(Base):
    """One launch: for whoever started it, the list of projects, and accounting."""

    __tablename__ = "launches"
    __table_args__ = (Index("ix_launches_user_started", "user", "started"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user: Mapped[str] = mapped_column(String(255))
    server: Mapped[str] = mapped_column(String(64))
    started: Mapped[datetime] = mapped_column(Moment)
    finished: Mapped[datetime | None] = mapped_column(Moment, index=True)
    provider: Mapped[str] = mapped_column(String(40), default="")
    repo: Mapped[str] = mapped_column(String(2048), default="")
    repo_url: Mapped[str] = mapped_column(String(2048), default="")
    ref: Mapped[str] = mapped_column(String(1024), default="")
    commit: Mapped[str] = mapped_column(String(128), default="")
    image: Mapped[str] = mapped_column(String(1024), default="")
    project: Mapped[str] = mapped_column(String(1024), default="")
    build: Mapped[str] = mapped_column(String(32), default="")
    origin: Mapped[str] = mapped_column(String(255), default="")
    request: Mapped[str] = mapped_column(Text, default="")
    code: Mapped[str] = mapped_column(String(64), default="")
    status: Mapped[int] = mapped_column(Integer, default=0)
    message: Mapped[Sentence] = mapped_column(Said, default=NOTHING)
    detail: Mapped[Sentence] = mapped_column(Said, default=NOTHING)
    url: Mapped[str] = mapped_column(Text, default="")
    update: Mapped[str] = mapped_column(Text, default="")
    owner: Mapped[str] = mapped_column(String(64), default="")
    dismissed: Mapped[bool] = mapped_column(Boolean, default=False)
    content: Mapped[str] = mapped_column(Text, default="")


class NotebookRow(Base):
    """A notebook that somebody brought as a file and has not opened yet."""

    __tablename__ = "notebooks"

    user: Mapped[str] = mapped_column(String(255), primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    since: Mapped[datetime] = mapped_column(Moment)


class TrustRow(Base):
    """A person's word that links to a repository may start without a question."""

    __tablename__ = "trust"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user: Mapped[str] = mapped_column(String(255), index=True)
    repo: Mapped[str] = mapped_column(String(2048))
    repo_url: Mapped[str] = mapped_column(String(2048), default="")
    rights: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(Moment)


class LanguageRow(Base):
    """The language that somebody chose, for browsers in which they have not."""

    __tablename__ = "languages"

    user: Mapped[str] = mapped_column(String(255), primary_key=True)
    tag: Mapped[str] = mapped_column(String(64))


class ShownRow(Base):
    """How the main page has a project of somebody's; the project itself is as it is.

    Attributes:
        project: its folder.
        title: in place of its repository's; empty for that.
        pinned: whether it stands before those that are not.
    """

    __tablename__ = "projects_shown"

    user: Mapped[str] = mapped_column(String(255), primary_key=True)
    project: Mapped[str] = mapped_column(String(1024), primary_key=True)
    title: Mapped[str] = mapped_column(String(255), default="")
    pinned: Mapped[bool] = mapped_column(Boolean, default=False)


class CredentialRow(Base):
    """A person's token for a Git host; `sealed` opens with a key that is not in the database."""

    __tablename__ = "credentials"
    __table_args__ = (UniqueConstraint("user", "host", name="uq_credentials_user_host"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user: Mapped[str] = mapped_column(String(255))
    host: Mapped[str] = mapped_column(String(270))
    login: Mapped[str] = mapped_column(String(255))
    sealed: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(Moment)


class SecretRow(Base):
    """What a person may give to servers; `sealed` opens with a key that is not in the database."""

    __tablename__ = "secrets"
    __table_args__ = (UniqueConstraint("user", "name", name="uq_secrets_user_name"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(64))
    file: Mapped[bool] = mapped_column(Boolean)
    sealed: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(Moment)


class IntervalRow(Base):
    """A run of a server, or a person's part of a build: only ever appended and, while it lasts,
    made longer.

    Attributes:
        name: of the server, or of the build.
        mark: which of the server's runs: the Hub's own word for when it was started.
        seconds: how long it was seen to run, which is what counts; `started` and `seen` are of
            clocks that can be set.
        peak: bytes of memory that a server was seen to use at most; `None` if nobody could tell.
        worked: seconds that processors worked for it, as far as was seen; the same.
        ended: whether it is over.
        reason: why; of a build its result.
        owner: the service at whose builds it was.
    """

    __tablename__ = "ledger_intervals"
    __table_args__ = (
        UniqueConstraint("kind", "user", "name", "mark", name="uq_ledger_intervals_run"),
        Index("ix_ledger_intervals_user_seen", "user", "seen"),
        Index("ix_ledger_intervals_ended_seen", "ended", "seen"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    user: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    mark: Mapped[str] = mapped_column(String(40))
    groups: Mapped[str] = mapped_column(Text)
    repo: Mapped[str] = mapped_column(String(2048))
    engine: Mapped[str] = mapped_column(String(40))
    size: Mapped[str] = mapped_column(String(64))
    memory: Mapped[int] = mapped_column(BigInteger)
    cpu: Mapped[float] = mapped_column(Float)
    gpu: Mapped[float] = mapped_column(Float)
    started: Mapped[datetime] = mapped_column(Moment)
    seen: Mapped[datetime] = mapped_column(Moment)
    seconds: Mapped[float] = mapped_column(Float)
    peak: Mapped[int | None] = mapped_column(BigInteger)
    worked: Mapped[float | None] = mapped_column(Float)
    ended: Mapped[bool] = mapped_column(Boolean)
    reason: Mapped[str] = mapped_column(String(40))
    owner: Mapped[str] = mapped_column(String(64))


class StorageDayRow(Base):
    """What a person's home, or a volume, took on a day (UTC).

    Attributes:
        kind: `home` or `volume`.
        name: of the person, or the volume's id.
        user: whose it is; empty where it is a group's.
    """

    __tablename__ = "ledger_storage"

    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    user: Mapped[str] = mapped_column(String(255), index=True)
    groups: Mapped[str] = mapped_column(Text)
    bytes: Mapped[int] = mapped_column(BigInteger)


class ClockRow(Base):
    """What the clocks said when the Hub was last looked at; one row, which is the ledger's lock.

    `boot` is empty as long as nobody has.
    """

    __tablename__ = "ledger_clock"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    wall: Mapped[float] = mapped_column(Float)
    boot: Mapped[str] = mapped_column(String(64))
    ticks: Mapped[float] = mapped_column(Float)


class CatalogueRow(Base):
    """An entry of the catalogue.

    Attributes:
        owner: who published it; empty for what is there because many launched it.
        tags: each between two spaces.
        group: those who see it; empty for everybody.
        link: of ours, relative to the service.
        repo: identity of its repository; empty for an image.
        words: what it is found by.
        score, people: how popular its repository is.
        checked: when it was last looked at whether it can be launched.
        code: of the error that was found then; empty for none.
        commit, key: what its ref stood for then, and the environment of that, if it is known.
        tried: when a build was last tried that nobody had asked for.
        picture: path in its repository of one that it is shown with; empty for none.
        picture_text: what that shows.
        picture_tag: of the one that is kept, different for each; empty for none.
        picture_flaw: why none is kept, if one was looked for.
    """

    __tablename__ = "catalogue"
    __table_args__ = (Index("ix_catalogue_order", "featured", "score", "changed"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str] = mapped_column(String(255), index=True)
    title: Mapped[str] = mapped_column(String(255))
    text: Mapped[str] = mapped_column(Text)
    tags: Mapped[str] = mapped_column(Text)
    group: Mapped[str] = mapped_column(String(255))
    link: Mapped[str] = mapped_column(Text)
    repo: Mapped[str] = mapped_column(String(2048))
    words: Mapped[str] = mapped_column(Text)
    made: Mapped[datetime] = mapped_column(Moment)
    changed: Mapped[datetime] = mapped_column(Moment)
    featured: Mapped[bool] = mapped_column(Boolean, default=False)
    hidden: Mapped[bool] = mapped_column(Boolean, default=False)
    score: Mapped[float] = mapped_column(Float, default=0.0)
    people: Mapped[int] = mapped_column(Integer, default=0)
    checked: Mapped[datetime | None] = mapped_column(Moment, index=True)
    code: Mapped[str] = mapped_column(String(64), default="")
    commit: Mapped[str] = mapped_column(String(128), default="")
    key: Mapped[str] = mapped_column(String(128), default="")
    tried: Mapped[datetime | None] = mapped_column(Moment)
    picture: Mapped[str] = mapped_column(Text, default="")
    picture_text: Mapped[str] = mapped_column(Text, default="")
    picture_tag: Mapped[str] = mapped_column(Text, default="")
    picture_flaw: Mapped[str] = mapped_column(Text, default="")


class PictureRow(Base):
    """The picture of an entry, as it is in its repository.

    Attributes:
        commit: of which it is.
        kind: its media type; empty where there is none that is shown.
    """

    __tablename__ = "catalogue_pictures"

    entry: Mapped[str] = mapped_column(String(32), primary_key=True)
    commit: Mapped[str] = mapped_column(String(128))
    kind: Mapped[str] = mapped_column(String(32))
    data: Mapped[bytes] = mapped_column(LargeBinary)


class HiddenRow(Base):
    """That an administrator hid a link of somebody's, whose entry is of another now or withdrawn.

    Attributes:
        link: its SHA-256, in hexadecimal digits; a link may be longer than keys.
    """

    __tablename__ = "catalogue_hidden"

    owner: Mapped[str] = mapped_column(String(255), primary_key=True)
    link: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[datetime] = mapped_column(Moment)


class ReportRow(Base):
    """What somebody said is wrong with an entry of the catalogue.

    Attributes:
        done: whether an administrator has dealt with it.
    """

    __tablename__ = "catalogue_reports"
    __table_args__ = (Index("ix_catalogue_reports_user_made", "user", "made"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    entry: Mapped[str] = mapped_column(String(32), index=True)
    user: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(Text)
    made: Mapped[datetime] = mapped_column(Moment)
    done: Mapped[bool] = mapped_column(Boolean, default=False)
