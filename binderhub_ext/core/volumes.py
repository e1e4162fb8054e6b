"""Volumes: who may use them, and where a launch gets to see them. Pure; every check ends in "no".

A volume is a folder with an id that is recorded when it is made and never computed again, so
that renaming people, groups or the volume itself moves nothing. Names are for people: what a
link says (`volume=<name>`) is looked up among what its person may use, nothing else exists for
them. The same functions judge in the service, to say no early and in words, and in the Hub at
every start, whose answer counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import PurePosixPath
from types import MappingProxyType

from .errors import BadLink, Conflict, NotAllowed
from .launch import Access, VolumeRequest
from .plain import plain, relative_path, shown
from .sentences import Sentence, fixed

SHARED = "shared"
"""Folder of the home in which volumes appear that were given no other place."""

SHOWN = "shared-volumes"
"""Folder of a project in which file browsers, which look no further, find its server's volumes."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,38}[a-z0-9])?")
_RESERVED = frozenset({"home", "none", "projects", "ro", "rw", SHARED, "trash"})
_PROJECTS = "projects"
_PLACE_MAX = 200
_PART_MAX = 100
_PERSON_MAX = 255


class Kind(StrEnum):
    """To whom a volume belongs."""

    GROUP = "group"
    SHARED = "shared"


@dataclass(frozen=True)
class Volume:
    """A named store that more than one person may use.

    Attributes:
        id: recorded when it was made; also the name of its directory.
        name: what people call it.
        kind: whether a group or a person has it.
        owner: the person; of a group volume, where it comes from (`GroupVolume.source`).
        users: people with their access, besides the owner.
        added: when each of these whom the Hub knew then was let in, in seconds since 1970. Whom an
            administrator names need not be known yet.
        groups: groups of the Hub with the access of their members.
        gid: group of the host that its files belong to; 0 where the Hub has one uid only.
        made: seconds since 1970.
    """

    id: str
    name: str
    kind: Kind
    owner: str
    users: Mapping[str, Access] = field(default_factory=lambda: MappingProxyType({}))
    groups: Mapping[str, Access] = field(default_factory=lambda: MappingProxyType({}))
    gid: int = 0
    made: float = 0.0
    added: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Placed:
    """A volume as one server sees it.

    Attributes:
        volume: which.
        place: where, relative to the home.
        access: what the person has now, at most what was asked for.
    """

    volume: Volume
    place: PurePosixPath
    access: Access


def access_of(volume: Volume, user: str, groups: Collection[str]) -> Access | None:
    """The most a person has, by themselves or by any of their groups; `None` for nothing."""
    if volume.kind is Kind.SHARED and volume.owner == user:
        return Access.RW
    accesses = {volume.users.get(user), *(volume.groups.get(group) for group in groups)}
    return next((access for access in (Access.RW, Access.RO) if access in accesses), None)


def with_member(volume: Volume, user: str, access: Access, now: float) -> Volume:
    """A volume with somebody whom the Hub knows, in place of what they had.

    Args:
        now: in seconds since 1970.
    """
    rest = without_member(volume, user)
    return replace(rest, users={**rest.users, user: access}, added={**rest.added, user: now})


def without_member(volume: Volume, user: str) -> Volume:
    users = {name: access for name, access in volume.users.items() if name != user}
    return replace(volume, users=users, added=_of(users, volume.added))


def undated(volume: Volume, users: Mapping[str, Access]) -> Volume:
    """A volume with other people, whom the Hub need not know yet."""
    kept = {name: access for name, access in users.items() if volume.users.get(name) == access}
    return replace(volume, users=users, added=_of(kept, volume.added))


def _of(users: Mapping[str, Access], added: Mapping[str, float]) -> dict[str, float]:
    return {name: added[name] for name in users if name in added}


def resolve(
    requests: Iterable[VolumeRequest],
    volumes: Iterable[Volume],
    user: str,
    groups: Collection[str],
    *,
    project: str = "",
) -> tuple[Placed, ...]:
    """What a launch sees of the volumes it asks for: never more than its person has.

    Asking for `rw` where the person has `ro` gives `ro`, so that one link serves teachers and
    students. Asking for what they do not have is refused: a program that finds an empty folder
    where the data should be does more harm than one that does not start.

    Args:
        requests: what is asked for.
        volumes: all there are.
        user: whose server.
        groups: their groups of the Hub, now.
        project: the project's folder relative to the home; empty without one.

    Raises:
        NotAllowed: a volume that is not there, or not for them: told apart by nobody.
        BadLink: a place that cannot be, or two volumes in each other's way.
    """
    mine = [v for v in volumes if access_of(v, user, groups)]
    placed = tuple(_place(request, mine, user, groups, project) for request in requests)
    _check_apart(placed)
    return placed


def check_name(name: str) -> str:
    """A name for a new volume.

    Raises:
        BadLink: it cannot be one.
    """
    if _NAME.fullmatch(name) is None or ".." in name:
        raise BadLink(
            "{name} cannot be the name of a volume. Use up to 40 small letters a-z, digits,"
            " and “-”, “_” or “.” between them.",
            name=shown(name),
        )
    if name in _RESERVED:
        raise BadLink(
            "{name} means something else in links. Choose another name.", name=shown(name)
        )
    return name


def check_free(name: str, volumes: Iterable[Volume]) -> None:
    """Raises `Conflict` if a volume is called that."""
    if any(name in (volume.name, volume.id) for volume in volumes):
        raise Conflict(
            "There is a volume called {name} already. Choose another name.", name=shown(name)
        )


_NAME_OF = {"person": fixed("name of a person"), "group": fixed("name of a group")}


def check_person(name: str, what: str = "person") -> str:
    """The name of a person or group as the Hub may have it.

    Raises:
        BadLink: it cannot be one.
    """
    name = plain(name.strip(), _NAME_OF[what], _PERSON_MAX)
    if not name or "/" in name:
        raise BadLink(
            "{name} cannot be the {what}.", name=shown(name), what=Sentence(_NAME_OF[what])
        )
    return name


def check_place(mount: str, project: str = "") -> PurePosixPath:
    """A folder in a home at which a volume may appear.

    Args:
        mount: relative to the home, or beginning with `~/`.
        project: the project's folder; the only one below `projects` it may lie in.

    Raises:
        BadLink: it cannot be there.
    """
    text = mount.removeprefix("~/")
    path = PurePosixPath(relative_path(text, "place of a volume"))
    if text.startswith("/") or not path.parts or len(text) > _PLACE_MAX:
        raise BadLink(
            "A volume cannot appear at {mount}. Name a folder inside the home.", mount=shown(mount)
        )
    for part in path.parts:
        if part.startswith((".", "~")) or ":" in part or len(_bytes(part)) > _PART_MAX:
            raise BadLink(
                "A volume cannot appear at {mount}: {part} is hidden or no plain"
                " name, and programs look for their settings there.",
                mount=shown(mount),
                part=shown(part),
            )
    inside = project and path != (own := PurePosixPath(project)) and path.is_relative_to(own)
    if path.parts[0].casefold() == _PROJECTS and not inside:
        raise BadLink(
            "A volume at {mount} would hide projects of yours. Choose a place outside of"
            " ~/projects, or inside this project's own folder.",
            mount=shown(mount),
        )
    return path


def _bytes(text: str) -> bytes:
    """A name as file systems count it."""
    return text.encode("utf-8", "surrogatepass")


def _place(
    request: VolumeRequest, mine: list[Volume], user: str, groups: Collection[str], project: str
) -> Placed:
    volume = _find(request.name, mine)
    access = access_of(volume, user, groups)
    if access is None or Access.RO in (access, request.access):
        access = Access.RO
    place = check_place(request.mount or f"{SHARED}/{volume.name}", project)
    return Placed(volume, place, access)


def _find(name: str, mine: list[Volume]) -> Volume:
    """By id or name; what belongs to a group comes before what a person called the same."""
    volumes = [volume for volume in mine if volume.id == name]
    for kind in Kind:
        volumes = volumes or [v for v in mine if v.kind is kind and v.name == name]
    if not volumes:
        raise NotAllowed(
            "There is no volume {name} for you here, or not any more. Launch again without"
            " it, or ask whoever owns it to share it with you.",
            name=shown(name),
        )
    if len(volumes) > 1:
        ids = ", ".join(volume.id for volume in volumes)
        raise NotAllowed(
            "More than one volume is called {name}. Name one by its id: {ids}",
            name=shown(name),
            ids=ids,
        )
    return volumes[0]


def _check_apart(placed: tuple[Placed, ...]) -> None:
    """No volume twice, none over or inside another, also where the case of letters is ignored."""
    folded = [PurePosixPath(str(volume.place).casefold()) for volume in placed]
    for number, one in enumerate(folded):
        for other, where in zip(placed[:number], folded[:number], strict=True):
            if one.is_relative_to(where) or where.is_relative_to(one):
                raise BadLink(
                    "The volumes {name} and {other} would be in"
                    " each other's way at ~/{place}. Give each a place of its own.",
                    name=other.volume.name,
                    other=placed[number].volume.name,
                    place=other.place,
                )


# ---- volumes of groups

GROUP_PROPERTY = "binder-volume"
"""Property of a group of the Hub that gives it a volume: `true`, or `{"name": …, "ro": […]}`."""


@dataclass(frozen=True)
class GroupVolume:
    """A volume an administrator's rules say there is.

    Attributes:
        source: what in the rules says so; the volume is found again by this.
        name: proposed for a volume that is made now.
        groups: groups with the access of their members.
    """

    source: str
    name: str
    groups: Mapping[str, Access]


@dataclass(frozen=True)
class GroupRules:
    """An administrator's rules.

    Attributes:
        volumes: by name of the volume, the groups that read and write it and that read it.
        pattern: groups whose whole name matches get a volume each; empty for none.
    """

    volumes: Mapping[str, Mapping[str, Access]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    pattern: str = ""

    def wanted(self, groups: Mapping[str, Mapping[str, object]]) -> Iterator[GroupVolume]:
        """The volumes that concern some groups.

        Args:
            groups: their properties by name; only properties give more than configuration.
        """
        for name, access in self.volumes.items():
            if access.keys() & groups.keys():
                yield GroupVolume(f"config:{name}", name, access)
        for group, properties in groups.items():
            said = properties.get(GROUP_PROPERTY)
            if said or (self.pattern and re.fullmatch(self.pattern, group)):
                yield _of_group(group, said if isinstance(said, dict) else {})


def group_of(source: str) -> str:
    """The group a volume belongs to, empty if the configuration names it."""
    kind, _, name = source.partition(":")
    return name if kind == "group" else ""


def _of_group(group: str, said: Mapping[str, object]) -> GroupVolume:
    readers = said.get("ro")
    names = [str(name) for name in readers] if isinstance(readers, list | tuple) else []
    access = {**dict.fromkeys(names, Access.RO), group: Access.RW}
    return GroupVolume(f"group:{group}", volume_name(str(said.get("name") or group)), access)


def volume_name(group: str) -> str:
    """A name people recognise a group by, good for a volume; need not be unique."""
    words = re.sub(r"[^a-z0-9]+", "-", group.lower()).strip("-")[:30].strip("-")
    return words if words and words not in _RESERVED else f"group-{words}".rstrip("-")
