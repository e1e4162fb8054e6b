"""A real Git repository in a temporary folder, and bundles of its commits, for tests of sync."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from binderhub_ext.storage.sync.run import sync
from binderhub_ext.storage.sync.words import Keep, Report, Request

URL = "https://git.example.org/owner/name.git"
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    # A repository of a test need not outlive the machine.
    "GIT_TEST_FSYNC": "0",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


@dataclass(frozen=True)
class Link:
    """A file that is a symbolic link."""

    target: bytes


@dataclass(frozen=True)
class Program:
    """A file that may be executed."""

    content: bytes


File = bytes | Link | Program
Tree = Mapping[bytes, File]


def git(folder: Path, *arguments: str | bytes, feed: bytes = b"") -> bytes:
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        input=feed,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ).stdout


@dataclass
class Upstream:
    """The repository people launch. Commits are made from whole trees."""

    folder: Path
    object_format: str = "sha1"
    count: int = field(default=0)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        git(
            self.folder,
            "init",
            "-q",
            "--bare",
            "-b",
            "main",
            f"--object-format={self.object_format}",
        )

    def commit(self, tree: Tree, links: Mapping[bytes, str] | None = None) -> str:
        """Commit exactly these files (and submodules: path to commit) on `main`."""
        self.count += 1
        who = b"mark :1\ncommitter A <a@b> %d +0000\ndata 1\nx" % self.count
        head = (self.folder / "refs/heads/main").exists()
        lines = [b"commit refs/heads/main\n", who]
        lines += [b"from refs/heads/main^0\n" if head else b"", b"deleteall\n"]
        lines += [_line(path, content) for path, content in tree.items()]
        lines += [b"M 160000 %s %s\n" % (i.encode(), _quote(p)) for p, i in (links or {}).items()]
        made = b"".join([*lines, b"get-mark :1\n"])
        return git(self.folder, "fast-import", "--quiet", "--force", feed=made).decode().strip()

    def bundle(self, commit: str, extra: Mapping[str, str] | None = None) -> Path:
        """A bundle as the repo providers make them: the refs `HEAD` and `extra`."""
        path = self.folder.parent / f"{commit}.bundle"
        for name, value in (extra or {}).items():
            git(self.folder, "update-ref", name, value)
        head = self.folder / "HEAD"
        head.write_text(f"{commit}\n")
        git(self.folder, "bundle", "create", "-q", str(path), "HEAD", *(extra or {}))
        head.write_text("ref: refs/heads/main\n")
        return path


def _line(path: bytes, content: File) -> bytes:
    mode, data = b"100644", content
    if isinstance(content, Link):
        mode, data = b"120000", content.target
    elif isinstance(content, Program):
        mode, data = b"100755", content.content
    assert isinstance(data, bytes)
    return b"M %s inline %s\ndata %d\n%s\n" % (mode, _quote(path), len(data), data)


def _quote(path: bytes) -> bytes:
    return b'"' + b"".join(b"\\%03o" % byte for byte in path) + b'"'


@dataclass
class Person:
    """A home with one project, and what its owner does there."""

    home: Path
    into: str = "projects/owner/name"

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True)

    @property
    def project(self) -> Path:
        return self.home / self.into

    def request(self, upstream: Upstream, commit: str, **more: object) -> Request:
        return self.request_of(str(upstream.bundle(commit)), commit, **more)

    def request_of(self, bundle: str, commit: str, **more: object) -> Request:
        fields = {"branch": "main", "keep": Keep.BOTH, **more}
        return Request(bundle, commit, URL, str(self.home), self.into, **fields)  # type: ignore[arg-type]

    def sync(self, upstream: Upstream, commit: str, **more: object) -> Report:
        return sync(self.request(upstream, commit, **more))

    def path(self, path: bytes) -> Path:
        return self.project / os.fsdecode(path)

    def write(self, path: bytes, content: File) -> None:
        """Write a file, making folders; whatever is there goes first."""
        target = self.path(path)
        self.delete(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Link):
            target.symlink_to(os.fsdecode(content.target))
            return
        target.write_bytes(content.content if isinstance(content, Program) else content)
        target.chmod(0o755 if isinstance(content, Program) else 0o644)

    def delete(self, path: bytes) -> None:
        target = self.path(path)
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)

    def tree(self) -> dict[bytes, File]:
        """Everything in the project but `.git`."""
        return read_tree(self.project)

    def status(self) -> bytes:
        """What Git says about the project."""
        return git(self.project, "status", "--porcelain", "--untracked-files=all")


EXIT = 9
DEADLY = ("rename", "link", "unlink", "mkdir", "rmdir", "symlink", "fchmod", "fsync")


def killed_after(steps: int, request: Request) -> bool:
    """Sync in another process that dies at its n-th change of the disk.

    Returns:
        Whether it died; otherwise it came to its end before.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == EXIT
    try:
        _die_after(steps)
        sync(request)
    except BaseException:
        os._exit(1)
    os._exit(0)


def _die_after(steps: int) -> None:
    left = iter(range(steps))

    def deadly(act: Any) -> Any:
        def call(*arguments: Any, **more: Any) -> Any:
            if next(left, None) is None:
                os._exit(EXIT)
            return act(*arguments, **more)

        return call

    for name in DEADLY:
        setattr(os, name, deadly(getattr(os, name)))


def read_tree(folder: Path) -> dict[bytes, File]:
    """Every file below a folder but those of its own `.git`."""
    found: dict[bytes, File] = {}
    for path in folder.rglob("*"):
        name = os.fsencode(path.relative_to(folder))
        if name == b".git" or name.startswith(b".git/"):
            continue
        if path.is_symlink():
            found[name] = Link(os.fsencode(path.readlink()))
        elif path.is_file():
            content = path.read_bytes()
            found[name] = Program(content) if path.stat().st_mode & 0o100 else content
    return found
