"""Files of our own in folders of our own: there as a whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def put(path: Path, content: bytes) -> None:
    """Have a file that everybody may read; whoever reads it meanwhile has the old or the new one.

    Nothing is written where it is so already.
    """
    if path.is_file() and path.read_bytes() == content:
        return
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_bytes(content)
    partial.chmod(0o644)
    partial.replace(path)
