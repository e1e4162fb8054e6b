"""The log of one build: a file that cannot fill the disk."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tornado.log import app_log

_CUT = "\n[The log is longer than this hub keeps. What follows is only told to those watching.]\n"


class BuildLog:
    """Appends lines to a file until a limit.

    Args:
        path: the file; its directory is made.
        limit: bytes of log kept.
    """

    def __init__(self, path: Path, limit: int) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._room = limit
        self._file = path.open("w", encoding="utf-8", errors="replace", buffering=1)

    def __enter__(self) -> BuildLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(OSError):  # what could not be written before cannot be now
            self._file.close()

    def write(self, line: str) -> None:
        """Add a line; beyond the limit, one remark and then nothing more. Never raises."""
        if self._room <= 0:
            return
        self._room -= len(line.encode("utf-8", "replace")) + 1
        try:
            self._file.write(line + "\n" if self._room > 0 else _CUT)
        except OSError as error:
            app_log.warning("The log %s ends here: %s", self._file.name, error)
            self._room = 0
