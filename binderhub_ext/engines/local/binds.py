"""What of this machine a server sees: the environment and its person's files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

from ...beneath import open_beneath
from ...core.errors import LaunchFailed
from ...core.launch import Access
from ...storage.mounts import Mount
from .environment import interpreter_binds
from .sandbox import HOME, Bind
from .store import Record


def system_binds(record: Record) -> list[Bind]:
    """An environment and the interpreters, at the same places inside."""
    return [
        *interpreter_binds({record.prefix, record.server}, own_system=bool(record.system)),
        Bind(Path(record.path), PurePosixPath(record.path)),
    ]


def file_binds(stack: ExitStack, mounts: Iterable[Mount]) -> list[Bind]:
    """Mounts in the home, each opened without following a link, until the stack is left.

    Raises:
        LaunchFailed: a link or a file is in the place of a folder.
    """
    return [
        Bind(
            opened(stack, mount.root, mount.path),
            PurePosixPath(HOME, mount.target),
            read_only=mount.access is Access.RO,
        )
        for mount in mounts
    ]


def opened(stack: ExitStack, root: Path, path: PurePosixPath | str) -> int:
    """A folder of a person's by a descriptor that is closed with the stack.

    Raises:
        LaunchFailed: it is no folder any more.
    """
    try:
        descriptor = open_beneath(root, path)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise LaunchFailed(
            "{path} is not a folder any more (a link or a file is in its place), so the server"
            " cannot see it. Rename what is there and launch again.",
            path=path,
        ) from error
    stack.callback(os.close, descriptor)
    return descriptor


def ordered(system: list[Bind], files: list[Bind]) -> tuple[Bind, ...]:
    """What lies in the home comes after the home, also where the Hub's own home has its name."""
    inside = [bind for bind in system if bind.target.is_relative_to(HOME)]
    outside = [bind for bind in system if bind not in inside]
    return (*outside, *files, *inside)
