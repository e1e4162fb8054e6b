"""Git, kept away from everything a person or a repository could make it run.

It works only in a scratch folder beside the project: its own repository, its own empty
configuration, no hooks, no filters, no network. What it prepares there is put into the project
by :mod:`.files`.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from ...beneath import beneath, mkdir_beneath, write_beneath
from ...core.errors import NoSpace
from ..trees import empty_beneath
from .files import look
from .record import algorithm_of, is_commit, is_safe
from .words import REGULAR, SUBMODULE, Entry, Request, SyncError

REPOSITORY, FILES = "git", "files"
_COMMAND = (
    "git",
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.attributesFile=/dev/null"),
    *("-c", "core.autocrlf=false"),
    *("-c", "core.symlinks=true"),
    *("-c", "core.fileMode=true"),
    *("-c", "submodule.recurse=false"),
    *("-c", "protocol.allow=never"),
    *("-c", "gc.auto=0"),
)
_BUNDLE = re.compile(rb"# v[23] git bundle\n")
_SUBMODULES, _SHALLOW = "refs/submodules/", "refs/shallow/"
_DEEPEST = 20


@dataclass(frozen=True)
class Bundle:
    """What a bundle says it has.

    Attributes:
        start: where its pack begins, in bytes.
        submodules: commits of submodules that are in it.
        shallow: commits whose parents are not.
    """

    start: int
    submodules: frozenset[str]
    shallow: tuple[str, ...]


def read_bundle(file: IO[bytes]) -> Bundle:
    """Read the head of a bundle.

    Raises:
        SyncError: it is not one, or it needs commits it does not have.
    """
    if not _BUNDLE.fullmatch(file.readline()):
        raise SyncError("bad-bundle", "The fetched files are not a Git bundle. Launch again.")
    refs = {}
    while line := file.readline().rstrip(b"\n").decode(errors="replace"):
        if line.startswith("-"):
            raise SyncError("bad-bundle", "The fetched files are not whole. Launch again.")
        if not line.startswith("@"):
            commit, _, name = line.partition(" ")
            refs[name] = commit
    return Bundle(
        file.tell(),
        frozenset(commit for name, commit in refs.items() if name.startswith(_SUBMODULES)),
        tuple(commit for name, commit in refs.items() if name.startswith(_SHALLOW)),
    )


class Scratch:
    """The folder beside the project in which Git works.

    Args:
        directory: its descriptor, locked by the caller.
        request: what is to be done.
    """

    def __init__(self, directory: int, request: Request) -> None:
        self.directory = directory
        self._request = request
        self.bundle = Bundle(0, frozenset(), ())

    def clear(self) -> None:
        """Remove what is in it, also what a killed run left."""
        empty_beneath(self.directory)

    def unpack(self) -> None:
        """Make a repository that has the bundle's objects and nothing else.

        Raises:
            SyncError: the bundle cannot be read or does not have the commit.
        """
        self.clear()
        for name in (f"{REPOSITORY}/objects", f"{REPOSITORY}/refs", FILES):
            mkdir_beneath(self.directory, name)
        config = repository_config(algorithm_of(self._request.commit))
        write_beneath(self.directory, f"{REPOSITORY}/config", config.encode())
        write_beneath(self.directory, f"{REPOSITORY}/HEAD", self._request.commit.encode() + b"\n")
        try:
            with Path(self._request.bundle).open("rb", buffering=0) as file:
                self.bundle = read_bundle(file)
                self._take_pack(file)
        except FileNotFoundError as error:
            words = "The fetched files of this commit are not here any more. Launch again."
            raise SyncError("no-bundle", words) from error

    def _take_pack(self, file: IO[bytes]) -> None:
        if self.bundle.shallow:
            lines = "".join(f"{commit}\n" for commit in self.bundle.shallow)
            write_beneath(self.directory, f"{REPOSITORY}/shallow", lines.encode())
        file.seek(self.bundle.start)
        self.git("index-pack", "--stdin", stdin=file)

    def flatten(self, index: str) -> None:
        """Fill an index with the commit's files, those of its submodules among them."""
        self.git("read-tree", self._request.commit, index=index)
        for _ in range(_DEEPEST if self.bundle.submodules else 0):
            links = self._open_submodules(index)
            if not links:
                return
            for path, commit in links.items():
                self.git("update-index", "--force-remove", "--", path, index=index)
                prefix = os.fsdecode(path) + "/"
                self.git("read-tree", f"--prefix={prefix}", commit, index=index)

    def _open_submodules(self, index: str) -> dict[bytes, str]:
        return {
            path: entry.blob
            for path, entry in self.entries(index).items()
            if entry.mode == SUBMODULE and entry.blob in self.bundle.submodules
        }

    def entries(self, index: str) -> dict[bytes, Entry]:
        """What an index has.

        Raises:
            SyncError: a path in it leaves the project.
        """
        entries = {}
        for line in self.git("ls-files", "--stage", "-z", index=index).split(b"\0")[:-1]:
            head, _, path = line.partition(b"\t")
            mode, blob, _ = head.decode().split(" ")
            if not is_safe(path):
                raise SyncError(
                    "bad-bundle", "The repository has an unsafe path: {path}.", path=repr(path)
                )
            entries[path] = Entry(mode, blob, blob)
        return entries

    def list_all(self, flat: str) -> dict[bytes, Entry]:
        """The commit's entries, and the files of its submodules, which the index `flat` gets."""
        self.flatten(flat)
        if not self.bundle.submodules:
            return self.entries(flat)
        self.git("read-tree", self._request.commit)
        return self.entries("index") | self.entries(flat)

    def check_out(self, index: str, paths: Iterable[bytes]) -> None:
        """Write files of an index, as they would lie in a project, into the folder `FILES`."""
        listed = b"".join(path + b"\0" for path in paths)
        self.git("checkout-index", "-z", "--stdin", index=index, feed=listed)

    def with_contents(self, entries: dict[bytes, Entry]) -> dict[bytes, Entry]:
        """Entries with the ids of their files as they lie in `FILES`."""
        with beneath(self.directory, FILES) as files:
            return {path: self._with_content(files, path, entry) for path, entry in entries.items()}

    def _with_content(self, files: int, path: bytes, entry: Entry) -> Entry:
        if entry.mode not in REGULAR:
            return entry
        present = look(files, path, algorithm_of(self._request.commit))
        return replace(entry, content=present.content)

    def has_commit(self, commit: str) -> bool:
        """Whether a commit is in what was fetched, so that it is nobody's work in the project."""
        if not is_commit(commit):
            return False
        try:
            self.git("cat-file", "-e", f"{commit}^{{commit}}")
        except SyncError:
            return False
        return True

    def git(
        self,
        *arguments: str | bytes,
        index: str = "index",
        feed: bytes = b"",
        stdin: IO[bytes] | None = None,
    ) -> bytes:
        """Run Git in the scratch folder and give what it wrote.

        Args:
            index: name of the index file in the scratch repository.
            feed: its standard input, if `stdin` is not given.

        Raises:
            SyncError: it failed.
        """
        here = f"/proc/self/fd/{self.directory}"
        process = _start([*_COMMAND, *arguments], here, index, self.directory, stdin)
        output, complaint = process.communicate(None if stdin else feed)
        if process.returncode:
            raise _failure(complaint.decode(errors="replace"))
        return output


def _start(
    command: list[str | bytes], here: str, index: str, directory: int, stdin: IO[bytes] | None
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            cwd=f"{here}/{FILES}",
            env=_environment(here, index),
            pass_fds=(directory,),
            stdin=stdin or subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError as error:
        words = "Git is not installed where the files of people are kept."
        raise SyncError("no-git", words) from error


def repository_config(algorithm: str) -> str:
    """The part of a repository's configuration without which Git does not understand it."""
    if algorithm == "sha1":
        return "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n"
    return (
        "[core]\n\trepositoryformatversion = 1\n\tfilemode = true\n"
        f"[extensions]\n\tobjectformat = {algorithm}\n"
    )


def _environment(scratch: str, index: str) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_DIR": f"{scratch}/{REPOSITORY}",
        "GIT_WORK_TREE": f"{scratch}/{FILES}",
        "GIT_INDEX_FILE": f"{scratch}/{REPOSITORY}/{index}",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
    }


def _failure(explanation: str) -> SyncError:
    if NoSpace.in_text(explanation):
        return no_space()
    return SyncError(
        "git-failed",
        "Git could not prepare the files of this commit. Nothing of yours was changed.",
        explanation[-2000:],
    )


def no_space() -> SyncError:
    """The words for a full disk."""
    return SyncError(
        "no-space",
        "The disk or your quota is full, so the project could not be brought up to date. "
        "Nothing of yours was changed; delete something and launch again.",
    )
