"""Bring a folder to a commit of a repository, as a launch does, and lose nothing in it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir

from traitlets.config import Config

from ..config import classes
from ..config.check import check
from ..config.files import read
from ..core.errors import BadLink, BinderError, CannotStart
from ..core.launch import LaunchRequest
from ..core.links import with_ref
from ..core.paste import understand
from ..core.progress import Event, unheard
from ..core.updates import Keep, State
from ..repos.base import Source
from ..repos.installed import installed_providers, load_provider
from ..storage.scratch import scratch_folder, sweep
from ..storage.sync import call
from ..storage.sync.words import Request

FAILED, BAD_INPUT = 1, 2


class BadFolder(BinderError):
    """A project cannot be in such a folder."""

    code, status = "bad-folder", 400


def main(argv: list[str]) -> int:
    """Fetch, update and tell what was done to each file.

    Args:
        argv: after `sync`.

    Returns:
        0 if the folder is at the commit, 1 if it is not, 2 if the arguments mean nothing.
    """
    options = _parser().parse_args(argv)
    try:
        return _sync(options)
    except BinderError as error:
        if options.json:
            print(json.dumps({"error": error.code, **error.to_dict()}))
        else:
            print(f"{error.message} ({error.code})", file=sys.stderr)
            print(error.detail, end="\n" if error.detail else "", file=sys.stderr)
        return BAD_INPUT if error.status == 400 else FAILED


def _sync(options: argparse.Namespace) -> int:
    wanted, into = _wanted(options), _folder(options.into)
    config = _config(options.config)
    with _place_for_fetched() as kept:
        source = asyncio.run(_fetched(wanted, config, str(kept), quiet=options.json))
        repo, branch = source.commit.repo, source.commit.branch
        request = Request(
            bundle=str(source.bundle),
            commit=call.head_of(source.bundle),
            url=repo.url,
            root=str(into.parent),
            into=into.name,
            branch=branch,
            keep=Keep(options.keep),
            plan=options.plan,
            caseless=repo.caseless,
        )
        return _run(request, as_json=options.json)


@contextmanager
def _place_for_fetched() -> Iterator[Path]:
    """A folder that is gone afterwards, by the next run at the latest if this one is killed.

    Raises:
        CannotStart: somebody else has made something where it would be.
    """
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    below = Path(gettempdir(), f"binder-at-home-sync-{os.geteuid()}")
    below.mkdir(exist_ok=True)
    status = below.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise CannotStart(
            "{below} is not yours. Remove it, or set TMPDIR to a folder of your own.", below=below
        )
    # The program works as the folder's owner, who has to get at what was fetched.
    below.chmod(0o711)
    sweep(below)
    with scratch_folder(below) as folder:
        folder.chmod(0o711)
        yield folder


def _wanted(options: argparse.Namespace) -> LaunchRequest:
    """What is to be fetched.

    Raises:
        BadLink: it cannot be understood, or is an image.
    """
    providers = installed_providers()
    request = understand(options.repo, providers=providers).request
    if request.repo is None:
        raise BadLink("An image has no files that a folder could be brought to. Name a repository.")
    return with_ref(request, options.ref, providers=providers)


def _folder(name: str) -> Path:
    """The folder, with the way to it followed to its end.

    Raises:
        BadFolder: no project can be there.
    """
    into = Path(name).absolute()
    if "\0" in name or into.name in ("", ".."):
        raise BadFolder(
            "{name!r} cannot be a project's folder. Name a folder to make or update.", name=name
        )
    try:
        return into.parent.resolve(strict=True) / into.name
    except OSError as error:
        raise BadFolder(
            "The folder {parent} does not exist or cannot be entered. Make it first.",
            parent=into.parent,
        ) from error


def _config(file: str) -> Config:
    if not file:
        return Config()
    classes.load_rooms()
    said = read(Path(file).absolute())
    check(said.config, said.paths)
    return said.config


async def _fetched(wanted: LaunchRequest, config: Config, kept: str, *, quiet: bool) -> Source:
    assert wanted.repo is not None
    provider = load_provider(wanted.repo.provider, config=config, data_dir=kept)
    commit = await provider.resolve(wanted.repo, wanted.ref)
    return await provider.fetch(commit, unheard if quiet else _print)


def _print(event: Event) -> None:
    print(event.message, file=sys.stderr)


def _run(request: Request, *, as_json: bool) -> int:
    done = subprocess.run(
        call.command(request, owner=_owner(Path(request.root), request.into)),
        env={"HOME": "/nonexistent", "PATH": os.environ.get("PATH", os.defpath)},
        cwd=request.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=False,
    )
    update = call.read_answer(done.stdout)
    print(done.stdout.decode().strip() if as_json else update.text(planned=request.plan))
    return FAILED if update.state is State.UNTOUCHED else 0


def _owner(parent: Path, name: str) -> str:
    """As whom root lets the program work: as whose the folder is, or the one it will be in."""
    if os.geteuid() != 0:
        return ""
    try:
        status = (parent / name).lstat()
    except FileNotFoundError:
        status = parent.stat()
    return f"{status.st_uid}:{status.st_gid}" if status.st_uid else ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="binder-at-home sync", description=__doc__)
    add = parser.add_argument
    add("--repo", required=True, metavar="URL", help="anything the paste box takes, a DOI too")
    add("--ref", default="", help="branch, tag or commit (default: the repository's own choice)")
    add("--into", required=True, metavar="FOLDER", help="made if it is not there")
    add(
        "--keep",
        choices=list(map(str, Keep)),
        default=str(Keep.BOTH),
        help="whose version keeps the name of a file that both sides changed; the other one is "
        "put beside it, or with `mine` left out (default: both, which is yours)",
    )
    add("--plan", action="store_true", help="say what would be done and do nothing")
    add("--json", action="store_true", help="print the report as JSON")
    add("-f", dest="config", default="", metavar="FILE", help="a configuration file, as for `up`")
    return parser
