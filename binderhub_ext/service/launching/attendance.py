"""Where everybody is who opened the link of a class. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ...core.classes import ASKS
from ...core.errors import Cancelled, TargetMissing
from ...core.sentences import NOTHING, Sentence
from ..hub import Server
from ..records.classes import Opening
from ..records.classtables import OpeningRow
from ..records.tables import LaunchRow
from .launchstate import State
from .steps import Step

_CHOOSES = Sentence("They are asked something before it goes on.")
_BY = Sentence("Stopped with all of the class.")


class Place(StrEnum):
    """Where somebody is, in words that pages know."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    OPENED = "opened"


@dataclass(frozen=True)
class Seen:
    """What was seen of everybody's servers.

    Attributes:
        servers: those that do not stand still, by person and name; `None` if nobody may look.
        when: when that was; `None` if nobody has looked yet.
    """

    servers: Mapping[tuple[str, str], Server] | None
    when: datetime | None


@dataclass(frozen=True)
class Attendant:
    """Somebody who opened the link.

    Attributes:
        user: who.
        place: where they are.
        opened: when they did so first.
        message: what they wait for, or why it failed.
        last_activity: of the server while it runs, ISO time; of no other server of theirs.
    """

    user: str
    place: Place
    opened: datetime
    message: Sentence = NOTHING
    last_activity: str = ""


def attendant(opening: Opening, running: State | None, seen: Seen) -> Attendant:
    """Where somebody is.

    Args:
        opening: as it is on record.
        running: their launch, while it is under way.
        seen: everybody's servers.
    """
    row = opening.row
    server = (seen.servers or {}).get((row.user, row.server))
    place, message = _place(opening, running, seen)
    active = server.last_activity if server and has_server(opening) else ""
    return Attendant(row.user, place, row.opened, message, active)


def has_begun(running: State) -> bool:
    """Whether a launch under way has come to its server."""
    return running.step in (str(Step.SERVER), str(Step.REDIRECT))


def has_server(opening: Opening) -> bool:
    """Whether the server of an opening, if it runs, is one that the class's link started.

    By the latest launch of it, also where what it should open is not there, or by one before.
    """
    launch = opening.launch
    if opening.left:
        return False
    if opening.row.sealed:
        return True
    if launch is None or launch.finished is None:
        return False
    return launch.code in ("", TargetMissing.code)


def _place(opening: Opening, running: State | None, seen: Seen) -> tuple[Place, Sentence]:
    launch = opening.launch
    if running and running.finished is None:
        return (Place.STARTING if has_begun(running) else Place.WAITING), running.message
    if launch is None or launch.finished is None:
        return Place.OPENED, NOTHING
    if launch.code in ASKS:
        return Place.WAITING, _CHOOSES
    if launch.code not in ("", Cancelled.code):
        return Place.FAILED, launch.message
    if opening.left:
        # whoever launches it without the class was told that nobody hears of that
        return Place.STOPPED, NOTHING
    return _server(opening.row, launch, seen, started=has_server(opening))


def _server(
    row: OpeningRow, launch: LaunchRow, seen: Seen, *, started: bool
) -> tuple[Place, Sentence]:
    """What a server does whose launch worked, or was ended."""
    stopped = _BY if row.stopped else launch.message if launch.code else NOTHING
    if row.stopped and not _seen_since(row.stopped, seen):
        return Place.STOPPING, _BY
    if not started:
        return Place.STOPPED, stopped
    if seen.servers is None:
        return Place.OPENED, NOTHING
    if server := seen.servers.get((row.user, row.server)):
        return Place(str(server.state)), NOTHING
    if not launch.code and not _seen_since(launch.finished, seen):
        return Place.RUNNING, NOTHING
    return Place.STOPPED, stopped


def _seen_since(moment: datetime | None, seen: Seen) -> bool:
    """Whether somebody has looked after something happened."""
    return moment is not None and seen.when is not None and seen.when > moment
