"""The first launch: a clone, made beside the project's place and moved there whole."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from ...beneath import beneath, mkdir_beneath, write_beneath
from .folder import RECORD, STORE, Place
from .git import FILES, REPOSITORY, Scratch, repository_config
from .record import Header, Record, algorithm_of
from .words import SUBMODULE, Change, Entry, Report, Request, State, SyncError, What

_FLAT = "flat"
_ATTRIBUTES = b".gitattributes"


def create(where: Place, scratch: Scratch, request: Request) -> Report:
    """Clone a commit into a place where nothing is.

    Raises:
        SyncError: the commit cannot be read, or something came in the way.
    """
    scratch.unpack()
    entries = _check_out(scratch, request)
    report = Report(State.CREATED, request.commit)
    report.changes = [Change(p, What.ADDED) for p, e in entries.items() if e.mode != SUBMODULE]
    if not request.plan:
        _finish(scratch, request, entries)
        _appear(where, scratch)
    return report


def _check_out(scratch: Scratch, request: Request) -> dict[bytes, Entry]:
    """Write all files; gives them with the contents they have on disk."""
    scratch.git("read-tree", "-u", "--reset", request.commit)
    entries = scratch.entries("index")
    if scratch.bundle.submodules:
        scratch.flatten(_FLAT)
        inside = {p: e for p, e in scratch.entries(_FLAT).items() if p not in entries}
        scratch.check_out(_FLAT, inside)
        entries |= inside
    return scratch.with_contents(entries) if has_attributes(entries) else entries


def has_attributes(entries: dict[bytes, Entry]) -> bool:
    """Whether files may lie in the folder in another form than in the commit."""
    return any(path.rpartition(b"/")[2] == _ATTRIBUTES for path in entries)


def _finish(scratch: Scratch, request: Request, entries: dict[bytes, Entry]) -> None:
    """Turn the scratch repository into the project's own."""
    with beneath(scratch.directory, REPOSITORY) as git:
        with suppress(FileNotFoundError):
            os.unlink(_FLAT, dir_fd=git)
        write_beneath(git, "config", _config(request).encode())
        _write_refs(git, request)
    os.rename(
        REPOSITORY,
        f"{FILES}/.git",
        src_dir_fd=scratch.directory,
        dst_dir_fd=scratch.directory,
    )
    mkdir_beneath(scratch.directory, f"{FILES}/{STORE}", 0o700)
    with beneath(scratch.directory, f"{FILES}/{STORE}") as store:
        header = Header(request.commit, request.url, request.branch, request.commit)
        Record(header, entries).write(store, RECORD)


def _write_refs(git: int, request: Request) -> None:
    commit = f"{request.commit}\n".encode()
    for folder in ("refs/heads", "refs/tags", "info"):
        mkdir_beneath(git, folder)
    if not request.branch:
        write_beneath(git, "HEAD", commit)
        return
    write_beneath(git, "HEAD", f"ref: refs/heads/{request.branch}\n".encode())
    for name in (f"refs/heads/{request.branch}", f"refs/remotes/origin/{request.branch}"):
        above = name.rpartition("/")[0]
        mkdir_beneath(git, above)
        write_beneath(git, name, commit)


def _config(request: Request) -> str:
    """What `git clone` would have written."""
    config = repository_config(algorithm_of(request.commit)).replace(
        "\tfilemode = true\n", "\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n"
    )
    config += (
        f'[remote "origin"]\n\turl = {_quoted(request.url)}\n'
        "\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
    )
    if request.branch:
        config += (
            f"[branch {_quoted(request.branch)}]\n\tremote = origin\n"
            f"\tmerge = {_quoted(f'refs/heads/{request.branch}')}\n"
        )
    return config


def _quoted(value: str) -> str:
    if any(ord(char) < 32 or ord(char) == 127 for char in value):
        raise SyncError("bad-url", "The repository's address has control characters.")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _appear(where: Place, scratch: Scratch) -> None:
    """Move the finished project to its place at once; only an empty folder gives way."""
    try:
        os.rename(FILES, where.name, src_dir_fd=scratch.directory, dst_dir_fd=where.parent)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EBUSY):
            raise
        words = "Something else has come in the way of the project's folder. Launch again."
        raise SyncError("in-the-way", words) from error
