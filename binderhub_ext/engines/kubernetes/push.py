"""Push what was built, in the second container of a build's pod, which alone has the credentials.

The image is a stranger's, so nothing of it is run, and of its files only those that have the digest
they are named by. Where it goes was decided by the service.

Usage: python -m binderhub_ext.engines.kubernetes.push IMAGE [insecure]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ...certificates import NAMES
from ..containers.trust import FILE
from .places import MESSAGE, RESULT, TRUSTED

CREDENTIALS = Path("/credentials/.dockerconfigjson")


def main() -> None:
    image, *insecure = sys.argv[1:]
    command = ["skopeo", "copy", "--retry-times=3"]
    if insecure:
        command.append("--dest-tls-verify=false")
    if CREDENTIALS.exists():
        command.append(f"--dest-authfile={CREDENTIALS}")
    if (bundle := TRUSTED / FILE).exists():
        os.environ[NAMES[0]] = str(bundle)
    done = subprocess.run(
        [*command, f"dir:{RESULT / 'image'}", f"docker://{image}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    print(done.stdout, flush=True)
    if done.returncode:
        MESSAGE.write_text(json.dumps({"push": done.stdout[-2000:]}))
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
