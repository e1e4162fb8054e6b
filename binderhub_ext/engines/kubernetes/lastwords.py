"""How a program in a container of a build ends: with words for whoever looks at its pod."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ...core.errors import BinderError
from ...programs import ProcessFailed
from .places import MESSAGE

_MOST = 2000
"""Characters of what was said; the cluster keeps twice as many of a message."""


class DaemonFailed(Exception):
    """A BuildKit daemon is at fault, and no repository.

    Args:
        fault: which of :class:`~.daemon.Fault`.
        said: by its client.
    """

    def __init__(self, fault: str, said: str) -> None:
        super().__init__(fault)
        self.fault, self.said = fault, said


@contextmanager
def last_words() -> Iterator[None]:
    """Leave the program with a status if something fails, and say why."""
    try:
        yield
    except subprocess.CalledProcessError as error:
        # What it says is the log; where repo2docker noticed is of no use to anybody.
        sys.exit(error.returncode)
    except ProcessFailed as error:
        print(error.tail, flush=True)
        sys.exit(error.status)
    except DaemonFailed as error:
        print(error.said, flush=True)
        leave({"daemon": error.fault, "said": error.said[-_MOST:]})
        sys.exit(1)
    except BinderError as error:
        leave({**error.to_dict(), "detail": error.detail[-_MOST:]})
        print(error.message, error.detail, sep="\n", flush=True)
        sys.exit(1)


def leave(message: dict[str, object]) -> None:
    """Leave a message for whoever looks at the pod."""
    MESSAGE.write_text(json.dumps(message))
