"""The tables of classes; as :mod:`.tables`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from .tables import Base, Moment


class ClassRow(Base):
    """A link that a teacher gives a class.

    Attributes:
        owner: the teacher.
        link: what it launches, relative to the service and without the class.
        ended: when its list was closed; the link goes on to launch.
    """

    __tablename__ = "classes"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str] = mapped_column(String(255), index=True)
    title: Mapped[str] = mapped_column(Text)
    link: Mapped[str] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(Moment)
    ended: Mapped[datetime | None] = mapped_column(Moment, index=True)


class ClassTeacherRow(Base):
    """That the owner of a class named somebody as a teacher of it.

    Attributes:
        name: of a person, or of a group whose members are meant.
    """

    __tablename__ = "class_teachers"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    class_id: Mapped[str] = mapped_column(String(32), index=True)
    name: Mapped[str] = mapped_column(String(255), index=True)
    is_group: Mapped[bool] = mapped_column(Boolean)
    since: Mapped[datetime] = mapped_column(Moment)


class OpeningRow(Base):
    """That somebody opened the link of a class: their latest launch of it.

    Attributes:
        told: ids of those besides the class's owner of whom they were told before, as
            :class:`ClassTeacherRow` has them, between spaces.
        sealed: opens with a key that is not in the database, and stops that one server.
        stopped: when the teacher stopped it, and has not been launched again.
        stopped_by: the teacher, or an administrator.
    """

    __tablename__ = "openings"

    class_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user: Mapped[str] = mapped_column(String(255), primary_key=True, index=True)
    server: Mapped[str] = mapped_column(String(64))
    launch: Mapped[str] = mapped_column(String(64))
    opened: Mapped[datetime] = mapped_column(Moment)
    told: Mapped[str] = mapped_column(Text, default="")
    sealed: Mapped[str] = mapped_column(Text, default="")
    stopped: Mapped[datetime | None] = mapped_column(Moment)
    stopped_by: Mapped[str] = mapped_column(String(255), default="")
