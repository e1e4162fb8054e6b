"""What an administrator says about volumes: the same lines for the Hub and for the service."""

from __future__ import annotations

from collections.abc import Mapping

from traitlets import Integer
from traitlets.config import Configurable

from ..core.launch import Access
from ..core.volumes import GroupRules, check_name
from ..traits import Pattern, Table


def _group(name: str, fields: Mapping[str, list[str]]) -> dict[str, Access]:
    """Access to a volume by group; whoever is under both may write.

    Raises:
        BadLink: it cannot be called that.
        ValueError: something else than `ro` and `rw`, or a name that is no list of names.
    """
    check_name(name)
    if set(fields) - set(Access) or any(isinstance(names, str) for names in fields.values()):
        raise ValueError('write {"rw": [groups], "ro": [groups]}')
    groups: dict[str, Access] = {}
    for access in (Access.RO, Access.RW):
        groups.update(dict.fromkeys(fields.get(access, ()), access))
    return groups


class Volumes(Configurable):
    """Group and shared volumes. Set it where both read it: in the `-f` file."""

    groups = Table(
        _group,
        help="""Volumes of groups by name: `{"class-a": {"rw": ["teachers"], "ro": ["students"]}}`.
        Members of the groups under `rw` read and change its files, those under `ro` read them.
        Default: none.""",
    ).tag(config=True)

    group_pattern = Pattern(
        help="""Groups whose whole name matches this regular expression get a volume each, which
        their members read and change. Default: none. A group of the Hub also gets one by its
        property `binder-volume`: `true`, or `{"name": "lab-data", "ro": ["guests"]}`."""
    ).tag(config=True)

    per_person = Integer(
        20, min=0, help="Shared volumes a person may own (default 20); 0 for none."
    ).tag(config=True)

    def rules(self) -> GroupRules:
        """The rules as the pure core wants them."""
        volumes = {name: _group(name, fields) for name, fields in self.groups.items()}
        return GroupRules(volumes, self.group_pattern)
