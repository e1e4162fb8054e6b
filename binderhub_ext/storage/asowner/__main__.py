"""The program: `python -m binderhub_ext.storage.asowner --root FD [--owner UID:GID[:GID…]]`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import suppress
from typing import Any

from .words import LINE, Owner, Question, code_of
from .work import copy, copy_pieces, look, new_file, opened


def main() -> int:
    """Answer one question; gives 0 if it was done, else 1."""
    parser = argparse.ArgumentParser(__doc__, allow_abbrev=False)
    parser.add_argument("--root", type=int, required=True)
    parser.add_argument("--owner", type=Owner.of)
    options = parser.parse_args()
    if options.owner:
        _become(options.owner)
    question = Question.read(sys.stdin.buffer.readline(LINE))
    try:
        _DO[question.do](options.root, question)
    except (OSError, ValueError) as error:
        _say({"error": code_of(error)})
        return 1
    return 0


def _become(owner: Owner) -> None:
    """Give up root's rights, when all that is needed of our own files has been imported."""
    os.setgroups(list(owner.groups))
    os.setgid(owner.gid)
    os.setuid(owner.uid)


def _look(root: int, question: Question) -> None:
    _say(look(root, question.path))


def _read(root: int, question: Question) -> None:
    with opened(root, question.path, question.name) as (file, size):
        _say({"size": size})
        # Whatever happens now can only be said by fewer bytes.
        with suppress(OSError):
            copy(file, sys.stdout.buffer, size)
            sys.stdout.buffer.flush()


def _write(root: int, question: Question) -> None:
    """Says when it is ready for the bytes, and then what the file is called."""
    with new_file(root, question.path) as draft:
        _say({})
        copy_pieces(sys.stdin.buffer, draft.file, question.size)
        _say({"name": draft.keep(question.name)})


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.flush()


_DO = {"look": _look, "read": _read, "write": _write}


if __name__ == "__main__":
    sys.exit(main())
