"""Secrets that are made once and kept in files only we can read."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from .core.errors import CannotStart


def ensure_secret(path: Path, *, nbytes: int = 32) -> str:
    """The secret in a file, made if there is none.

    Two processes that make it at the same moment get the same one.

    Args:
        path: the file; its directory is made with mode 0700.
        nbytes: bytes of randomness in a new secret.

    Raises:
        CannotStart: other people may read the file, or it is empty.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return _read(path)
    except FileNotFoundError:
        _write_new(path, secrets.token_urlsafe(nbytes))
        return _read(path)


def _read(path: Path) -> str:
    with path.open(encoding="ascii") as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            raise CannotStart(
                "The secret {path} can be read by other people of this machine. If nobody has"
                " read it, run: chmod 600 '{path}'. If in doubt delete it; a new one is made and"
                " everybody signs in again.",
                path=path,
            )
        secret = file.read().strip()
    if not secret:
        raise CannotStart("The secret {path} is empty. Delete it, a new one is made.", path=path)
    return secret


def _write_new(path: Path, secret: str) -> None:
    """Write whole or not at all, and never over somebody else's."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
