"""Names that are derived from other names: stable, told apart by a hash, safe where they go.

Rules from elsewhere: JupyterHub 6 takes server names of 1-30 lower-case letters, digits and
single hyphens, beginning with a letter and not ending with a hyphen
(https://jupyterhub.readthedocs.io/en/stable/reference/changelog.html, 6.0).
"""

from __future__ import annotations

import re
from hashlib import sha256

import escapism

SERVER_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
SERVER_NAME_MAX = 30
CLASS_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Of ids of classes, which people type from a wall: none looks like another one."""
_HASH_DIGITS = 8


def directory_name(name: str) -> str:
    """The name of a directory (or claim) for a person or a group, path-safe.

    Names that are no such names themselves are told apart by 32 bits of their SHA-256. Who has a
    home looks whether it is theirs: :func:`..storage.homes.check_owner`.
    """
    return escapism.safe_slug(name)


def is_server_name(name: str) -> bool:
    return len(name) <= SERVER_NAME_MAX and SERVER_NAME.fullmatch(name) is not None


def is_class_id(text: str) -> bool:
    return 0 < len(text) <= 32 and set(text) <= set(CLASS_LETTERS)


def server_name(identity: str, readable: str) -> str:
    """A server name for a repository.

    Args:
        identity: what must never collide (provider and full repository).
        readable: what a person recognises (the repository's own name).

    Returns:
        `<readable part>-<8 hex digits>`, valid for JupyterHub 6.
    """
    digest = sha256(identity.encode()).hexdigest()[:_HASH_DIGITS]
    words = re.sub(r"[^a-z0-9]+", "-", readable.lower()).strip("-")
    words = re.sub(r"^[^a-z]+", "", words) or "server"
    room = SERVER_NAME_MAX - _HASH_DIGITS - 1
    return f"{words[:room].rstrip('-')}-{digest}"
