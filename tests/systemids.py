"""Give the ordinary user of a root test run the subordinate ids that `adduser` gives people."""

from __future__ import annotations

from pathlib import Path

from sandboxhub import ORDINARY

_NAMED = r"""
set -e
{ cat /etc/passwd; echo "ordinary:x:$2:$2::/:/bin/sh"; } >"$1/passwd"
echo "ordinary:1800000000:65536" >"$1/ids"
chmod 644 "$1/passwd" "$1/ids"
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/ids" /etc/subuid
mount --bind "$1/ids" /etc/subgid
shift 2
exec "$@"
"""


def with_ids(argv: list[str], folder: Path) -> list[str]:
    """The same command, begun by root, on a view of the machine in which that user has ids."""
    script = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _NAMED, "sh"]
    return [*script, str(folder), str(ORDINARY), *argv]
