"""What `binder-at-home admin import` does: files of people on another hub become theirs here."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..core.errors import BadLink, BinderError, CannotStart
from ..core.layout import DataDirectory
from ..core.paste import understand
from ..core.plain import printable, relative_path
from ..core.projects import project_folder
from ..core.volumes import check_person
from ..engines.installed import engine_names, ensure_owner, find_engine
from ..repos.installed import installed_providers
from ..storage.copying import Copied
from ..storage.homes import ensure_home
from ..storage.importing import Import, take_over, was_imported
from .engines import remembered

FAILED = 1
_SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("person", nargs="?", default="", help="as the Hub calls them")
    parser.add_argument("folder", nargs="?", default="", help="what they have now")
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--into", default="", metavar="FOLDER", help="a new one in the home (default: the home)"
    )
    place.add_argument(
        "--project", default="", metavar="LINK", help="it is their project of this repository"
    )
    place.add_argument(
        "--list",
        default="",
        metavar="FILE",
        help="of lines with a person, a folder and, if it is not for the home itself, ~/FOLDER or"
        " LINK, with tabs between them; - for standard input",
    )
    parser.add_argument(
        "--engine", default="", help="of the hub, where the data directory does not say it"
    )


def run(layout: DataDirectory, options: argparse.Namespace) -> int:
    """Import one folder, or all of a list, one after the other.

    Returns:
        0, or 1 if any of a list could not be imported, each of which was said.

    Raises:
        BinderError: what was asked for cannot be; of a list, before anything of it was done.
    """
    wanted = list(_wanted(options))
    if not options.list:
        _import(layout, wanted[0], options.engine)
        return 0
    failed = 0
    for each in wanted:
        try:
            _import(layout, each, options.engine)
        except BinderError as error:
            failed += 1
            print(f"{each.user}: {error.message}", file=sys.stderr)
            print(error.detail, end="\n" if error.detail else "", file=sys.stderr)
    if failed:
        print(f"{failed} of {len(wanted)} were not imported.", file=sys.stderr)
    return FAILED if failed else 0


def _import(layout: DataDirectory, wanted: Import, engine: str) -> None:
    if was_imported(layout, wanted):
        print(f"{wanted.user}: {wanted.folder} was imported before.")
        return
    owner = _owner(layout, wanted.user, engine)
    print(_said(wanted, take_over(layout, wanted, owner)), flush=True)


def _owner(layout: DataDirectory, user: str, asked: str) -> tuple[int, int]:
    """Whose a person's files are; only root can make them anybody's."""
    if os.geteuid() != 0:
        ensure_home(layout, user)
        return -1, -1
    name = asked or remembered(layout)
    if not name:
        raise CannotStart(
            "Whose files become depends on the engine of this hub, which was not started yet. Name"
            " it with --engine: {installed}.",
            installed=", ".join(engine_names()),
        )
    uid, gid = ensure_owner(find_engine(name), layout, user)
    return -1 if uid is None else uid, -1 if gid is None else gid


def _said(wanted: Import, done: Copied) -> str:
    place = f"~/{wanted.into}" if wanted.into else "the home"
    lines = [
        f"{wanted.user}: {done.files} files, {done.bytes / 1e6:.1f} MB, from {wanted.folder}"
        f" into {place}."
    ]
    if done.left:
        more = " …" if len(done.left) > _SHOWN else ""
        named = ", ".join(map(printable, done.left[:_SHOWN]))
        lines.append(f"  Left out, since they are no files: {named}{more}")
    return "\n".join(lines)


# ---- what is asked for


def _wanted(options: argparse.Namespace) -> Iterator[Import]:
    if not options.list:
        yield _one(options.person, options.folder, options.into, options.project)
        return
    if options.person:
        raise CannotStart("Give a person and a folder, or a list of them, but not both.")
    seen = set()
    for number, line in enumerate(_lines(options.list), 1):
        if not line or line.startswith("#"):
            continue
        try:
            wanted = _of_line(line)
        except BinderError as error:
            raise CannotStart(
                "Line {number} of the list: {why}", number=number, why=error.message
            ) from error
        if (place := (wanted.user, wanted.into)) in seen:
            raise CannotStart(
                "Line {number} of the list: {user} has that place already from a line above.",
                number=number,
                user=wanted.user,
            )
        seen.add(place)
        yield wanted


def _lines(name: str) -> list[str]:
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CannotStart(
            "{name} cannot be read: {why}.", name=name, why=error.strerror or str(error)
        ) from error
    # At ends of lines and nowhere else: what else Python takes for one, names may have.
    return [line.removesuffix("\r") for line in os.fsdecode(content).split("\n")]


def _of_line(line: str) -> Import:
    person, *columns = line.split("\t")
    match columns:
        case [folder]:
            return _one(person, folder)
        case [folder, place] if place.startswith("~/"):
            return _one(person, folder, into=place)
        case [folder, link]:
            return _one(person, folder, project=link)
    raise BadLink("It has to have a person, a tab and a folder.")


def _one(person: str, folder: str, into: str = "", project: str = "") -> Import:
    """What one line asks for.

    Raises:
        BinderError: that cannot be.
    """
    if not person or not folder:
        raise BadLink("Name the person and the folder that has their files.")
    user, place = check_person(person), Path(folder).absolute()
    with suppress(PermissionError):
        if not place.is_dir() or place.is_symlink():
            raise CannotStart("{folder} is no folder, or a link to one.", folder=place)
    if project:
        return Import(user, str(place), _folder_of(project))
    return Import(user, str(place), _place(into), private=bool(into))


def _place(into: str) -> str:
    place = relative_path(into.removeprefix("~/"), "folder") if into else ""
    if place.startswith((".", "~")):
        raise BadLink("{into} is hidden. Name a folder that people see.", into=into)
    return place


def _folder_of(link: str) -> str:
    meant = understand(link, providers=installed_providers())
    if meant.request.repo is None:
        raise BadLink("An image has no project. Name a repository.")
    if meant.guessed and "://" not in link:
        raise BadLink(
            "{link} may mean several things. Name the repository by its whole address.", link=link
        )
    return project_folder(meant.request.repo)
