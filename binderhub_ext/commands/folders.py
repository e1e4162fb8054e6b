"""List the folders of this machine that were offered to a hub here, or withdraw one.

Offered is what `binder-at-home launch ./folder` was given.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..core.layout import DataDirectory
from ..folders import Offer, offers, withdraw
from ..up import datadir

FAILED = 1


def main(argv: list[str]) -> int:
    """List, or withdraw.

    Returns:
        0, or 1 if there is no such folder.
    """
    options = _parser().parse_args(argv)
    layout = DataDirectory(Path(options.data_dir).expanduser().absolute())
    found = offers(layout)
    if options.withdraw:
        return _withdraw(layout, [each for each in found if _is(each, options.withdraw)])
    for each in found:
        print(f"{each.id}  {each.user}  {each.path}")
    return 0


def _withdraw(layout: DataDirectory, meant: list[Offer]) -> int:
    if not meant:
        print("That folder is not offered.", file=sys.stderr)
        return FAILED
    for each in meant:
        withdraw(layout, each)
        print(f"{each.path} is not offered to {each.user} any more.")
    return 0


def _is(offered: Offer, text: str) -> bool:
    return offered.id == text or offered.path == Path(text).expanduser().resolve()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="binder-at-home folders", description=__doc__)
    parser.add_argument(
        "--withdraw",
        metavar="FOLDER",
        help="let nobody open it any more, by its path or id; a server that has it open keeps it"
        " until it stops",
    )
    parser.add_argument(
        "--data-dir", default=str(datadir.default_data_dir()), help="of the hub, if it has another"
    )
    return parser
