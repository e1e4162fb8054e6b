"""Look after volumes, back everything up and restore it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ..admin import volumes
from ..core.errors import CannotStart
from ..core.layout import DataDirectory
from ..storage.backup import back_up, restore_backup
from ..storage.volumes import VolumeStore
from ..up.datadir import default_data_dir


def main(argv: list[str]) -> int:
    """Do one thing for the administrator.

    Args:
        argv: after `admin`.

    Returns:
        0; what does not work is raised as a `BinderError`.
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
    else:
        volumes.main(VolumeStore(_ours(layout)), options)
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
    volumes.add_parser(things.add_parser("volumes", help="group and shared volumes"))
    for name, said in (
        ("backup", "write everything that cannot be made again to a file, also while it is in use"),
        ("restore", "make a new data directory of such a file"),
    ):
        things.add_parser(name, help=said).add_argument("archive", type=Path)
    return parser
