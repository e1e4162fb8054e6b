"""Write what a server says into a file that never gets large; the end of it is always there.

A server may say more in a second than a disk has room for, and a Hub that looks now and then comes
too late. So this stands between the two for as long as the server lives, whatever becomes of the
Hub. Run by path with the standard library alone; standard input is the pipe, standard output the
file.

Usage: keeplog.py LIMIT
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

CHUNK = 1 << 18


def keep(source: int, file: int, limit: int) -> None:
    """Copy until everybody has closed the pipe.

    Args:
        limit: bytes the file never has more of, and at least the last half of them are kept.
    """
    size = os.fstat(file).st_size
    while said := os.read(source, min(CHUNK, limit // 2)):
        # A disk that is full is no reason to hold up the server: what cannot be kept is dropped.
        with suppress(OSError):
            if size + len(said) > limit:
                size = keep_end(file, size, limit // 2)
            size += os.pwrite(file, said, size)


def keep_end(file: int, size: int, kept: int) -> int:
    """Leave nothing but the end of a file; whoever reads the end meanwhile finds it too.

    Returns:
        The file's size.
    """
    begin = max(0, size - kept)
    for place in range(begin, size, CHUNK):
        os.pwrite(file, os.pread(file, min(CHUNK, size - place), place), place - begin)
    os.ftruncate(file, size - begin)
    return size - begin


def main() -> None:
    # Without it the server cannot say anything, so it is not what goes when its memory is full.
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123
        score.write("-1000")
    keep(0, 1, int(sys.argv[1]))


if __name__ == "__main__":
    main()
