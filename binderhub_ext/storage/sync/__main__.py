"""The command: `python -m binderhub_ext.storage.sync --bundle F --commit ID --url URL --into F`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from .report import to_json, to_text
from .run import sync
from .words import Keep, Request, SyncError


def main(arguments: list[str] | None = None) -> int:
    """Run the command; gives 0 if the project is as it should be, else 1."""
    options = _parser().parse_args(arguments)
    if options.owner:
        _become(options.owner)
    try:
        report = sync(_request(options))
    except SyncError as error:
        print(to_json(error) if options.json else error.message, flush=True)
        return 1
    print(to_json(report) if options.json else to_text(report), flush=True)
    return 0


def _become(owner: str) -> None:
    """Give up root's rights before anything of the person's is touched.

    Here and not before this program starts, because root's Python may lie where nobody else
    can read it; all of it that is needed has been imported.
    """
    uid, _, gid = owner.partition(":")
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))


def _request(options: argparse.Namespace) -> Request:
    into = Path(options.into)
    root, inside = (Path(options.root), options.into) if options.root else (into.parent, into.name)
    return Request(
        bundle=options.bundle,
        commit=options.commit,
        url=options.url,
        root=str(root),
        into=inside,
        branch=options.branch,
        keep=Keep(options.keep),
        update=not options.seed,
        plan=options.plan,
        caseless=options.caseless,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("binder-at-home sync", description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--bundle", required=True, metavar="FILE", help="a Git bundle that has the commit")
    add("--commit", required=True, metavar="ID", help="the commit's full id")
    add("--url", required=True, help="where the repository is; becomes the remote `origin`")
    add("--into", required=True, metavar="FOLDER", help="the project's folder")
    add("--root", default="", help="FOLDER is relative to this, and no link below it is followed")
    add("--branch", default="", help="the branch to check out, if the commit is its head")
    add(
        "--keep",
        choices=[str(choice) for choice in Keep],
        default=str(Keep.BOTH),
        help="whose version keeps the name of a file that both sides changed (default: yours, "
        "with the incoming one beside it)",
    )
    add("--seed", action="store_true", help="leave a project that is there as it is")
    add("--plan", action="store_true", help="say what would be done and do nothing")
    add("--caseless", action="store_true", help="case says nothing in addresses of URL's host")
    add("--owner", default="", metavar="UID:GID", help="as root: as whom to do it")
    add("--json", action="store_true", help="print the report as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
