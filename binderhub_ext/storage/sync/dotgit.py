"""The project's own `.git` after an update: objects, remote branch, and only if the person has
not moved it themselves, branch and index.

Git never runs in it, since what is in its configuration may be anything. So refs, index and
packs are put there as files, with the lock files that Git respects. Where anything is not as
it is in a plain repository, it is left alone: the files of the project are what counts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress

from ...beneath import beneath, lstat_beneath, mkdir_beneath, read_beneath, write_beneath
from ...core.sentences import Sentence
from .files import InTheWay, put, split
from .git import REPOSITORY, Scratch
from .record import Header, Record
from .words import SUBMODULE, Entry, Request, SyncError, ancestors

_ID = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?\n?")
_BUSY = (
    "MERGE_HEAD",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "BISECT_LOG",
    "rebase-merge",
    "rebase-apply",
    "reftable",
)
_FILE_MAX = 1 << 28
_INDEX = "person"
_PACKS = "packs"
_LOCK, _LOCKED = "binder-at-home/lock", "binder-at-home/locked"
_LEFT = (
    "Your own branch or commits were left as they are; "
    "`git merge {name}` brings the repository's history into them."
)


def advance(
    project: int,
    scratch: Scratch,
    request: Request,
    bases: Sequence[Record],
    incoming: dict[bytes, Entry],
) -> tuple[str, str, list[Sentence]]:
    """Tell the project's Git about the commit.

    Args:
        bases: what we have put there before, the settled record first.
        incoming: what was put there now.

    Returns:
        The branch we look after, the commit we left it (or `HEAD`) at, and sentences for the
        person.
    """
    headers = [base.header for base in bases]
    last = headers[0]
    remote = f"remotes/origin/{request.branch}" if request.branch else "binder-at-home/incoming"
    try:
        with beneath(project, ".git") as git:
            _Objects(git, scratch, request).bring(last.commit)
            repository = _Repository(git, scratch)
            repository.unlock()
            # Killed before here: as if we had not begun. From here on each step says by what it
            # left that it was done, and is then done again without a difference: the remote
            # branch, the index, our branch, `HEAD`, and at last the record (see `update`).
            last = repository.last_left(headers)
            repository.move(f"refs/{remote}", request.commit)
            if not repository.is_at(last.branch, {i for h in headers for i in (h.tip, h.commit)}):
                left = Sentence(_LEFT, name=remote.split("/", 1)[1])
                return last.branch, last.tip, [left]
            repository.update_index([base.entries for base in bases], incoming)
            return repository.follow(last.branch, request, headers), request.commit, []
    except (OSError, SyncError, InTheWay, ValueError) as error:
        words = getattr(error, "message", str(error))
        text = "The project's files are up to date, its Git history could not be: {error}"
        return last.branch, last.tip, [Sentence(text, error=words)]


class _Objects:
    """Bringing the commit's history into `.git/objects`."""

    def __init__(self, git: int, scratch: Scratch, request: Request) -> None:
        self._git, self._scratch, self._request = git, scratch, request

    def bring(self, known: str) -> None:
        """Put a pack of what is new since the commit `known` there."""
        mkdir_beneath(self._scratch.directory, _PACKS)
        try:
            self._pack(f"{self._request.commit}\n^{known}\n")
        except SyncError:
            # The history was rewritten, or is too short to reach back to it.
            self._pack(f"{self._request.commit}\n")
        with beneath(self._scratch.directory, _PACKS) as packs:
            # Git looks for the index of a pack, so that comes last.
            for name in sorted(os.listdir(packs), reverse=True):  # noqa: PTH208
                with suppress(InTheWay):
                    put(packs, name.encode(), self._git, f"objects/pack/{name}".encode())
        self._bring_shallow()

    def _pack(self, revisions: str) -> None:
        self._scratch.git(
            *("pack-objects", "--revs", "--non-empty", "--quiet", f"../{_PACKS}/pack"),
            feed=revisions.encode(),
        )

    def _bring_shallow(self) -> None:
        if not self._scratch.bundle.shallow:
            return
        with suppress(FileNotFoundError):
            theirs = read_beneath(self._git, "shallow", _FILE_MAX).decode().split()
            write_beneath(
                self._git,
                "shallow",
                "".join(
                    f"{i}\n" for i in sorted({*theirs, *self._scratch.bundle.shallow})
                ).encode(),
            )


class _Repository:
    """Refs and index of the project's `.git`, read and written as files."""

    def __init__(self, git: int, scratch: Scratch) -> None:
        self._git, self._scratch = git, scratch

    def last_left(self, headers: Sequence[Header]) -> Header:
        """Of the settled record and those of runs that were killed, the one `HEAD` is as after.

        A run that was killed may have moved `HEAD` to its branch, or not yet.
        """
        head = self._read("HEAD").strip()
        for header in headers:
            if header.branch and head == f"ref: refs/heads/{header.branch}".encode():
                return header
        return headers[0]

    def is_at(self, branch: str, commits: Iterable[str]) -> bool:
        """Whether `HEAD` is where we left it, on our branch, with no operation under way."""
        if any(self._has(name) for name in _BUSY):
            return False
        head = self._read("HEAD")
        ours = f"ref: refs/heads/{branch}".encode()
        if branch and head.strip() == ours:
            return self._value(f"refs/heads/{branch}") in commits
        return bool(_ID.fullmatch(head)) and head.decode().strip() in commits

    def follow(self, branch: str, request: Request, headers: Sequence[Header]) -> str:
        """Move our branch, or `HEAD`, to the commit; gives the branch we are on now."""
        name = f"refs/heads/{request.branch}"
        # Empty if there is none; a tip of a run that was killed after it had made the branch.
        ours = {"", request.commit, *(h.tip for h in headers if h.branch == request.branch)}
        if request.branch and (
            request.branch == branch
            or (there := self._value(name)) in ours
            or self._scratch.has_commit(there)
        ):
            self.move(name, request.commit)
            self._swap("HEAD", f"ref: {name}\n".encode())
            return request.branch
        self._swap("HEAD", f"{request.commit}\n".encode())
        return ""

    def move(self, ref: str, commit: str) -> None:
        """Let a ref be a commit."""
        self._swap(ref, f"{commit}\n".encode())

    def update_index(self, bases: list[dict[bytes, Entry]], incoming: dict[bytes, Entry]) -> None:
        """Let the index have the incoming entries where it has ours; what is staged stays."""
        before = self._read("index")
        if not before:
            return
        with beneath(self._scratch.directory, REPOSITORY) as scratch:
            write_beneath(scratch, _INDEX, before)
        theirs = self._scratch.entries(_INDEX)
        lines = b"".join(_index_lines(theirs, bases, incoming))
        if lines:
            arguments = ("--add", "--remove", "--replace", "-z", "--index-info")
            self._scratch.git("update-index", *arguments, index=_INDEX, feed=lines)
            with beneath(self._scratch.directory, REPOSITORY) as scratch:
                self._swap("index", read_beneath(scratch, _INDEX), before)

    def _value(self, ref: str) -> str:
        """The commit a branch is at, empty if it does not exist."""
        loose = self._read(ref)
        if loose:
            return loose.decode(errors="replace").strip()
        for line in self._read("packed-refs").decode(errors="replace").splitlines():
            commit, _, name = line.partition(" ")
            if name == ref:
                return commit
        return ""

    def _has(self, name: str) -> bool:
        try:
            os.stat(name, dir_fd=self._git, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def _read(self, path: str) -> bytes:
        try:
            content = read_beneath(self._git, path, _FILE_MAX + 1)
        except FileNotFoundError:
            return b""
        if len(content) > _FILE_MAX:
            raise ValueError(f".git/{os.fsdecode(path)} is too large to be read.")
        return content

    def _swap(self, path: str, new: bytes, before: bytes | None = None) -> None:
        """Replace a file under the lock that Git uses.

        Killed right here, a lock stays until the next run, as with Git itself.

        Raises:
            InTheWay: Git is at work, or it is no longer what it was `before`.
        """
        if self._read(path) == new:
            return
        lock = f"{path}.lock"
        write_beneath(self._git, _LOCKED, lock.encode())
        write_beneath(self._git, _LOCK, new)
        put(self._git, _LOCK.encode(), self._git, lock.encode())
        above, _, name = path.rpartition("/")
        with beneath(self._git, above) as directory:
            if before is not None and self._read(path) != before:
                os.unlink(f"{name}.lock", dir_fd=directory)
                raise InTheWay(path)
            os.rename(f"{name}.lock", name, src_dir_fd=directory, dst_dir_fd=directory)

    def unlock(self) -> None:
        """Remove a lock that a killed run left; known as ours since we hold the same file."""
        lock = self._read(_LOCKED)
        if not lock.endswith(b".lock"):
            return
        ours, there = lstat_beneath(self._git, _LOCK), lstat_beneath(self._git, lock)
        if ours and there and os.path.samestat(ours, there):
            above, name = split(lock)
            with beneath(self._git, above) as directory:
                os.unlink(name, dir_fd=directory)


def _index_lines(
    theirs: dict[bytes, Entry], bases: list[dict[bytes, Entry]], incoming: dict[bytes, Entry]
) -> Iterable[bytes]:
    """The changes of an index, in the grammar of `git update-index --index-info`."""
    submodules = {path for path, entry in incoming.items() if entry.mode == SUBMODULE}
    removed: list[bytes] = []
    added: list[bytes] = []
    for path in theirs.keys() | incoming.keys():
        if _is_inside(path, submodules):
            continue
        now, then = _key(theirs.get(path)), _key(incoming.get(path))
        if now == then or now not in [_key(base.get(path)) for base in bases]:
            continue
        mode, blob = then or ("0", "0" * len(now[1] if now else ""))
        line = f"{mode} {blob} 0\t".encode() + path + b"\0"
        (added if then else removed).append(line)
    return [*removed, *added]


def _key(entry: Entry | None) -> tuple[str, str] | None:
    return (entry.mode, entry.blob) if entry else None


def _is_inside(path: bytes, folders: set[bytes]) -> bool:
    """Whether a path is below one of the folders, at any depth."""
    if not folders:
        return False
    return any(above in folders for above in ancestors(path))
