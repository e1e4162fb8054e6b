"""What is asked of the program, and what it answers."""

from __future__ import annotations

import errno
import json
import sys
from dataclasses import asdict, dataclass
from typing import Any

from ...core.errors import BinderError, Conflict, NoSpace, NotAllowed, NotFound
from ...core.jsontext import parse_json

LINE = 1 << 16
"""Bytes that a question may have."""

HEAD = 8
"""Bytes that say how large a piece of a file is."""


@dataclass(frozen=True)
class Owner:
    """As whom something is done.

    Attributes:
        uid, gid: of the owner.
        groups: further ones, such as a volume's.
    """

    uid: int
    gid: int
    groups: tuple[int, ...] = ()

    def __str__(self) -> str:
        return ":".join(map(str, (self.uid, self.gid, *self.groups)))

    @classmethod
    def of(cls, text: str) -> Owner:
        uid, gid, *groups = map(int, text.split(":"))
        return cls(uid, gid, tuple(groups))


@dataclass(frozen=True)
class Question:
    """What the program is asked to do.

    Attributes:
        do: `look` into a folder, `read` or `write` a file.
        path: of the folder, relative to what was handed over.
        name: of the file.
        size: bytes that a file may have that is written.
    """

    do: str
    path: str
    name: str = ""
    size: int = 0

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Question:
        return cls(**json.loads(line))


def piece(content: bytes) -> bytes:
    """A piece of a file as it is sent; without content, that the file is whole.

    Whatever ends early ends without that, and so no half of a file is taken for one.
    """
    return len(content).to_bytes(HEAD, "big") + content


def piece_size(head: bytes) -> int:
    """How large a piece is; 0 for the end.

    Raises:
        BrokenPipeError: it was cut off.
    """
    if len(head) < HEAD:
        raise BrokenPipeError(errno.EPIPE, "the file ended early")
    return int.from_bytes(head, "big")


def command(root: int, owner: Owner | None) -> list[str]:
    """The argv of the program.

    Args:
        root: descriptor of the folder that is handed over, which the program inherits.
        owner: whom root starts it for; `None` where it runs as the caller.
    """
    program = (sys.executable, "-I", "-m", "binderhub_ext.storage.asowner", f"--root={root}")
    return [*program, *([f"--owner={owner}"] if owner else ())]


def answered(line: bytes) -> dict[str, Any]:
    """What the program answered.

    Raises:
        BinderError: it could not, in words.
    """
    try:
        answer: dict[str, Any] = parse_json(line)
    except ValueError:
        answer = {"error": ""}
    if (code := answer.get("error")) is None:
        return answer
    raise refusal(code)


def refusal(code: str) -> BinderError:
    """What people are told."""
    match code:
        case "gone":
            return NotFound(
                "There is no such file or folder (any more); links are not followed here."
            )
        case "closed":
            return NotAllowed("The owner of this file or folder has closed it to you.")
        case "full":
            return NoSpace(
                "There is no room left for this file, so nothing of it was kept. Delete what you do"
                " not need, then try again."
            )
        case "taken":
            return Conflict(
                "There are too many files of this name, or the name is too long here. Rename it."
            )
        case "cut":
            return BinderError("The file did not come whole, so nothing of it was kept. Try again.")
    return BinderError(
        "The file could not be reached. Try again; if it stays so, tell the administrator."
    )


def code_of(error: OSError | ValueError) -> str:
    """How the program calls what went wrong."""
    if NoSpace.caused(error):
        return "full"
    if isinstance(error, OSError):
        return _CODES.get(error.errno or 0, "")
    return "gone"


_CODES = {
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.ENXIO), "gone"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "closed"),
    errno.EFBIG: "full",
    **dict.fromkeys((errno.EEXIST, errno.ENAMETOOLONG), "taken"),
    errno.EPIPE: "cut",
}
