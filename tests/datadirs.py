"""Data directories of tests: with environments they are a hundred thousand files."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp


@contextmanager
def temporary_data() -> Iterator[Path]:
    """A folder through which people's own user ids pass, as they do through a data directory."""
    folder = Path(mkdtemp(prefix="bh-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        remove_later(folder)


def remove_later(folder: Path) -> None:
    """Have a folder removed by a program for which nobody waits; it ends by itself."""
    remove = 'rm -rf --one-file-system -- "$1" >/dev/null 2>&1 </dev/null &'
    subprocess.run(["sh", "-c", remove, "sh", folder], check=True)
