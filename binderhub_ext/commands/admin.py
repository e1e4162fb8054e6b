"""Look after volumes, back everything up, restore it, and import what people have elsewhere.

Volumes also while the Hub runs: both change the same small files, one after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..core.errors import CannotStart, Conflict, NotFound
from ..core.launch import Access
from ..core.layout import DataDirectory
from ..core.volumes import Kind, Volume, check_person, undated
from ..storage.backup import back_up, restore_backup
from ..storage.volumes import VolumeStore
from ..up import importing
from ..up.datadir import default_data_dir

_NONE = "none"


def main(argv: list[str]) -> int:
    """Do one thing for the administrator.

    Args:
        argv: after `admin`.

    Returns:
        0, or 1 if some of a list could not be done; else what does not work is raised as a
        `BinderError`.
    """
    options = _parser().parse_args(argv)
    layout = DataDirectory(Path(options.data_dir).expanduser().absolute())
    if options.what == "backup":
        for words in back_up(layout, options.archive):
            print(words, file=sys.stderr)
        print(f"Backed up to {options.archive}. Keep it safe: it holds everybody's files.")
    elif options.what == "restore":
        restore_backup(options.archive, layout)
        print(f"Restored. Start it with: binder-at-home up --data-dir {layout.root}")
    elif options.what == "import":
        return importing.run(_ours(layout), options)
    else:
        options.run(VolumeStore(_ours(layout)), options)
    return 0


def _ours(layout: DataDirectory) -> DataDirectory:
    """What is made has to belong to the user the Hub runs as."""
    if not layout.secrets.is_dir():
        raise CannotStart(
            "{root} is no data directory of Binder@home. Give --data-dir.", root=layout.root
        )
    if layout.root.stat().st_uid != os.geteuid():
        raise CannotStart(
            "{root} belongs to another user of this machine. Run as that.", root=layout.root
        )
    return layout


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="binder-at-home admin", description=__doc__)
    parser.add_argument(
        "--data-dir", default=default_data_dir(), help="default: that of binder-at-home up"
    )
    things = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    _add_volumes(things.add_parser("volumes", help="group and shared volumes"))
    importing.add_arguments(
        things.add_parser("import", help="copy what people have on another hub into their homes")
    )
    for name, said in (
        ("backup", "write everything that cannot be made again to a file, also while it is in use"),
        ("restore", "make a new data directory of such a file"),
    ):
        things.add_parser(name, help=said).add_argument("archive", type=Path)
    return parser


def _add_volumes(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    command = actions.add_parser("list", help="print every volume, or what is in the trash")
    command.add_argument("--deleted", action="store_true", help="what is in the trash")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=_list)
    command = actions.add_parser("create", help="make a shared volume for somebody")
    command.add_argument("name")
    command.add_argument("--owner", required=True, help="who decides who else has access")
    command.set_defaults(run=_create)
    command = actions.add_parser("members", help="set who has access; prints who has")
    command.add_argument("volume", help="id or name")
    for kind in ("user", "group"):
        command.add_argument(
            f"--{kind}", action="append", default=[], metavar="NAME=ro|rw|none", type=_given
        )
    command.add_argument("--owner", default="", help="hand it over")
    command.set_defaults(run=_members)
    command = actions.add_parser("delete", help="move a volume to the trash")
    command.add_argument("volume", help="id or name")
    command.set_defaults(run=_delete)
    command = actions.add_parser("restore", help="bring a deleted volume back")
    command.add_argument("trashed", help="id in the trash, from list --deleted")
    command.set_defaults(run=_restore)


# ---- volumes


def _list(store: VolumeStore, options: argparse.Namespace) -> None:
    if options.deleted:
        rows = [
            {"trashed": thing.id, "by": thing.owner, **_row(volume)}
            for thing, volume in store.deleted()
        ]
    else:
        rows = [_row(volume) for volume in store.all()]
    if options.json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        _print(row)


def _create(store: VolumeStore, options: argparse.Namespace) -> None:
    print(store.create(options.name, check_person(options.owner), time.time()).id)


def _members(store: VolumeStore, options: argparse.Namespace) -> None:
    def change(volume: Volume) -> Volume:
        if volume.kind is Kind.GROUP and (options.user or options.group or options.owner):
            raise Conflict("A group's volume follows the configuration and the group's properties.")
        return replace(
            undated(volume, _merged(volume.users, options.user)),
            groups=_merged(volume.groups, options.group),
            owner=check_person(options.owner) if options.owner else volume.owner,
        )

    row = _row(store.change(_find(store, options.volume).id, change))
    _print(row)


def _delete(store: VolumeStore, options: argparse.Namespace) -> None:
    volume = _find(store, options.volume)
    print(store.delete(volume.id, volume.owner, time.time()).id)


def _restore(store: VolumeStore, options: argparse.Namespace) -> None:
    for thing, _ in store.deleted():
        if thing.id == options.trashed:
            print(store.restore(thing.id, thing.owner).id)
            return
    raise NotFound("There is no such volume in the trash. See: admin volumes list --deleted")


def _find(store: VolumeStore, name: str) -> Volume:
    matches = [v for v in store.all() if name in (v.id, v.name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        ids = ", ".join(volume.id for volume in matches)
        raise Conflict("More than one volume is called that. Name one by its id: {ids}", ids=ids)
    raise NotFound("There is no volume {name!r}. See: admin volumes list", name=name)


def _row(volume: Volume) -> dict[str, Any]:
    return {
        "id": volume.id,
        "name": volume.name,
        "kind": str(volume.kind),
        "owner": volume.owner,
        "users": {name: str(access) for name, access in volume.users.items()},
        "groups": {name: str(access) for name, access in volume.groups.items()},
        "made": datetime.fromtimestamp(volume.made, UTC).isoformat(timespec="seconds"),
    }


def _print(row: dict[str, Any]) -> None:
    print("  ".join(f"{name}={_text(value)}" for name, value in row.items() if value))


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}:{access}" for name, access in value.items())
    return str(value)


def _given(text: str) -> tuple[str, Access | None]:
    name, _, access = text.rpartition("=")
    if not name or access not in (_NONE, *Access):
        raise argparse.ArgumentTypeError("write NAME=ro, NAME=rw or NAME=none")
    return name, Access(access) if access != _NONE else None


def _merged(before: Any, changes: list[tuple[str, Access | None]]) -> dict[str, Access]:
    merged = {**before, **dict(changes)}
    return {check_person(name): access for name, access in merged.items() if access}
