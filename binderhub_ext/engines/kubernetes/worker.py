"""Run repo2docker once, or pull an image, in the first container of a build's pod.

Prints the build's log. Leaves the image for the next container, which alone may push it: what a
repository runs while it is built could read and do everything here.

Usage: python -m binderhub_ext.engines.kubernetes.worker
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from ...core.errors import BinderError
from ...core.progress import Event
from ...programs import ProcessFailed
from ..containers.application import configured
from ..containers.finish import make_startable
from ..containers.order import BuildOrder
from ..containers.planning import repo2docker_base
from .buildah import Buildah
from .places import MESSAGE, ORDER, RESULT

_SETTINGS = {
    "BUILDAH_ISOLATION": "chroot",
    "STORAGE_DRIVER": "overlay",
    "HOME": "/root",
    # Git must not take a repository's files for a repository of its own.
    "GIT_DIR": os.devnull,
}
_REGISTRIES = Path("/tmp/registries.conf")


def main() -> None:
    asked = json.loads((ORDER / "order.json").read_text())
    os.environ.update(_SETTINGS)
    _trust(asked["insecure"])
    order = BuildOrder(**asked["order"])
    try:
        _get(order, asked["from"])
        asyncio.run(_finish(order))
    except subprocess.CalledProcessError as error:
        # What it says is the log; where repo2docker noticed is of no use to anybody.
        sys.exit(error.returncode)
    except ProcessFailed as error:
        print(error.tail, flush=True)
        sys.exit(error.status)
    except BinderError as error:
        MESSAGE.write_text(json.dumps({**error.to_dict(), "detail": error.detail[-2000:]}))
        print(error.message, error.detail, sep="\n", flush=True)
        sys.exit(1)


def _trust(insecure: list[str]) -> None:
    """Let images be pulled by plain HTTP from these registries, as the administrator says."""
    lines = ['unqualified-search-registries = ["docker.io"]']
    for host in insecure:
        lines += ["[[registry]]", f"location = {json.dumps(host)}", "insecure = true"]
    _REGISTRIES.write_text("\n".join([*lines, ""]))
    os.environ["CONTAINERS_REGISTRIES_CONF"] = str(_REGISTRIES)


def _get(order: BuildOrder, prebuilt: str) -> None:
    """Have the image here: built, or pulled if somebody made it elsewhere."""
    if not prebuilt:
        app = configured(order)
        app.labels = dict(order.labels)
        app.build()
        return
    for command in (["pull", prebuilt], ["tag", prebuilt, order.image]):
        print(*command, flush=True)
        subprocess.run(["buildah", *command], check=True, stderr=subprocess.STDOUT)


async def _finish(order: BuildOrder) -> None:
    """Make sure that servers can be started from the image, and hand it on."""
    tool = Buildah()
    base = order.base_image or repo2docker_base()
    await make_startable(tool, order.image, Path("/tmp/scratch"), base, _tell)
    print("Handing the image on", flush=True)
    await tool.save(order.image, RESULT / "image")


def _tell(event: Event) -> None:
    print(event.message, flush=True)


if __name__ == "__main__":
    main()
