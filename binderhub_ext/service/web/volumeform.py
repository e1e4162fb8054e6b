"""Volumes in the form of the main page: from its fields to `volume=` of a link and back. Pure.

Each volume has two fields, `volume-access:<name>` and `volume-place:<name>`, so that the form
works without scripts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...core.errors import BadLink
from ...core.launch import Access, VolumeRequest
from ...core.parameters import PARAMETERS
from ...core.volumes import SHARED
from ..person.volumes import VolumeAccess
from ..requests import Fields, first

_ACCESS, _PLACE = "volume-access:", "volume-place:"
_ALLOWED = "allowed"
"""Access that is whatever its person has."""


def joined(fields: Fields) -> Fields:
    """Fields of the form with what was chosen added as `volume`."""
    names = [field.removeprefix(_ACCESS) for field in fields if field.startswith(_ACCESS)]
    chosen = [
        PARAMETERS["volume"].write(VolumeRequest(name, _place(fields, name), access))
        for name in names
        for access in _chosen(first(fields, _ACCESS + name))
    ]
    return {**fields, "volume": [*fields.get("volume", ()), *chosen]} if chosen else fields


def chooser(mine: Iterable[VolumeAccess], fields: Fields) -> Any:
    """The volumes a person may choose, and what is chosen; that comes first, in its order.

    Args:
        mine: what they have.
        fields: what stands in the form.

    Returns:
        The template's `volumes` and `volumes_missing`.
    """
    asked = {request.name: request for request in _typed(fields)}
    order = {name: number for number, name in enumerate(asked)}
    entries = [_entry(access, asked) for access in mine]
    entries.sort(key=lambda entry: min(order.get(n, len(order)) for n in _names(entry)))
    known = {name for entry in entries for name in _names(entry)}
    missing = [name for name in asked if name not in known]
    return {"volumes": entries, "volumes_missing": missing}


def _names(entry: dict[str, str | bool]) -> tuple[str, str]:
    return str(entry["name"]), str(entry["id"])


def _entry(mine: VolumeAccess, asked: dict[str, VolumeRequest]) -> dict[str, str | bool]:
    volume = mine.volume
    wanted = asked.get(volume.name) or asked.get(volume.id)
    access = (wanted.access or _ALLOWED) if wanted else ""
    if access == Access.RW and mine.access is Access.RO:
        access = Access.RO
    return {
        "id": volume.id,
        "name": volume.name,
        "writable": mine.access is Access.RW,
        "access": str(access),
        "place": wanted.mount if wanted else "",
        "usual": f"{SHARED}/{volume.name}",
    }


def _chosen(value: str) -> Iterable[Access | None]:
    """The access of a volume that is to be seen; nothing for one that is not."""
    return [None] if value == _ALLOWED else [access for access in Access if access == value]


def _place(fields: Fields, name: str) -> str:
    return first(fields, _PLACE + name).removeprefix("~/")


def _typed(fields: Fields) -> Iterable[VolumeRequest]:
    for text in fields.get("volume", ()):
        try:
            yield PARAMETERS["volume"].read(text)
        except BadLink:
            name, *place = text.split(":")
            yield VolumeRequest(name, place[0] if place else "", None)
