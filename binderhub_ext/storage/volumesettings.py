"""What an administrator says about volumes: the same lines for the Hub and for the service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from traitlets import Dict, Integer, TraitError, Unicode, validate
from traitlets.config import Configurable

from ..core.errors import BadLink
from ..core.launch import Access
from ..core.volumes import GroupRules, check_name


class Volumes(Configurable):
    """Group and shared volumes. Set it where both read it: in the `-f` file."""

    groups = Dict(
        help="""Volumes of groups by name: `{"class-a": {"rw": ["teachers"], "ro": ["students"]}}`.
        Members of the groups under `rw` read and change its files, those under `ro` read them.
        Default: none."""
    ).tag(config=True)

    group_pattern = Unicode(
        help="""Groups whose whole name matches this regular expression get a volume each, which
        their members read and change. Default: none. A group of the Hub also gets one by its
        property `binder-volume`: `true`, or `{"name": "lab-data", "ro": ["guests"]}`."""
    ).tag(config=True)

    per_person = Integer(
        20, min=0, help="Shared volumes a person may own (default 20); 0 for none."
    ).tag(config=True)

    @validate("groups")
    def _valid_groups(self, proposal: Any) -> Any:
        for name, access in proposal["value"].items():
            try:
                check_name(name)
                _access(access)
            except (BadLink, ValueError, TypeError, AttributeError) as error:
                raise TraitError(f"Volumes.groups[{name!r}]: {error}") from error
        return proposal["value"]

    @validate("group_pattern")
    def _valid_pattern(self, proposal: Any) -> Any:
        try:
            re.compile(proposal["value"])
        except re.error as error:
            raise TraitError(f"Volumes.group_pattern is no regular expression: {error}") from error
        return proposal["value"]

    def rules(self) -> GroupRules:
        """The rules as the pure core wants them."""
        volumes = {name: _access(access) for name, access in self.groups.items()}
        return GroupRules(volumes, self.group_pattern)


def _access(fields: Mapping[str, list[str]]) -> dict[str, Access]:
    """Access by group; whoever is under both may write.

    Raises:
        ValueError: something else than `ro` and `rw`, or a name that is no list of names.
    """
    if set(fields) - set(Access) or any(isinstance(names, str) for names in fields.values()):
        raise ValueError('write {"rw": [groups], "ro": [groups]}')
    found = {}
    for access in (Access.RO, Access.RW):
        found.update(dict.fromkeys(fields.get(access, ()), access))
    return found
