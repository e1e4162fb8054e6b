"""Push what was built, in the second container of a build's pod, which alone has the credentials.

The image is a stranger's, so nothing of it is run, and it may have no links: skopeo reads what they
lead to, and what is here besides are the credentials. Where it goes was decided by the service.

Usage: python -m binderhub_ext.engines.kubernetes.push IMAGE [insecure]
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

from ...certificates import NAMES
from ..containers.trust import FILE
from .lastwords import leave
from .places import RESULT, TRUSTED

CREDENTIALS = Path("/credentials/.dockerconfigjson")


def main() -> None:
    image, *insecure = sys.argv[1:]
    if (bundle := TRUSTED / FILE).exists():
        os.environ[NAMES[0]] = str(bundle)
    folder = RESULT / "image"
    if not is_of_files(folder):
        sys.exit("The build left an image that is not made of plain files: it is not pushed.")
    sys.exit(push(f"dir:{folder}", image, insecure=bool(insecure)))


def is_of_files(folder: Path) -> bool:
    """Whether it is a folder with plain files and nothing else, no link above all."""
    if not stat.S_ISDIR(folder.lstat().st_mode):
        return False
    with os.scandir(folder) as entries:
        return all(entry.is_file(follow_symlinks=False) for entry in entries)


def push(source: str, image: str, *, insecure: bool) -> int:
    """Push an image, or leave a message why not.

    Args:
        source: where it is, as skopeo has it.
        image: what it is called in the registry.
        insecure: whether that speaks plain HTTP.

    Returns:
        The status to leave with.
    """
    command = ["skopeo", "copy", "--retry-times=3"]
    if insecure:
        command.append("--dest-tls-verify=false")
    if CREDENTIALS.exists():
        command.append(f"--dest-authfile={CREDENTIALS}")
    done = subprocess.run(
        [*command, source, f"docker://{image}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    print(done.stdout, flush=True)
    if done.returncode:
        leave({"push": done.stdout[-2000:]})
    return done.returncode


if __name__ == "__main__":
    main()
