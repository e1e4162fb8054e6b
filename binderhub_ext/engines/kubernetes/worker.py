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
from dataclasses import replace
from pathlib import Path

from ... import certificates
from ...core.progress import Event
from ..containers.application import configured
from ..containers.finish import make_startable
from ..containers.made import facts_of, keep_made
from ..containers.order import REPO_DIR, BuildOrder
from ..containers.planning import repo2docker_base
from ..containers.trust import FILE, build_trusting
from .buildah import Buildah
from .lastwords import last_words
from .places import ORDER, PUSHED, RESULT, STORE, TRUSTING

_SETTINGS = {
    "BUILDAH_ISOLATION": "chroot",
    "STORAGE_DRIVER": "overlay",
    "HOME": "/root",
    # Git must not take a repository's files for a repository of its own.
    "GIT_DIR": os.devnull,
}
_REGISTRIES = Path("/tmp/registries.conf")
_SCRATCH = Path("/tmp/scratch")


def main() -> None:
    asked = json.loads((ORDER / "order.json").read_text())
    os.environ.update(_SETTINGS)
    _trust(asked["insecure"])
    _let_push_remember()
    order = BuildOrder(**asked["order"])
    with last_words():
        asyncio.run(_work(order, asked["from"], made=asked["made"]))


def _trust(insecure: list[str]) -> None:
    """Let images be pulled by plain HTTP from these registries, as the administrator says."""
    lines = ['unqualified-search-registries = ["docker.io"]']
    for host in insecure:
        lines += ["[[registry]]", f"location = {json.dumps(host)}", "insecure = true"]
    _REGISTRIES.write_text("\n".join([*lines, ""]))
    os.environ["CONTAINERS_REGISTRIES_CONF"] = str(_REGISTRIES)


def _let_push_remember() -> None:
    """Where layers are kept from build to build, those that were pushed are known again, too."""
    folder = STORE / PUSHED
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)


async def _work(order: BuildOrder, prebuilt: str, *, made: bool) -> None:
    """Have the image, make sure that servers can be started from it, and hand it on."""
    tool = Buildah()
    base = await _trusting(tool, order.base_image or repo2docker_base())
    before = facts_of(Path(order.context))
    # Not in a thread: repo2docker changes the working directory, and nothing else is done here.
    _get(replace(order, base_image=base), prebuilt)
    if made:
        await keep_made(tool, order.image, before, REPO_DIR, _SCRATCH, _tell)
    await make_startable(tool, order.image, _SCRATCH, base, _tell)
    print("Handing the image on", flush=True)
    await tool.save(order.image, RESULT / "image")


async def _trusting(tool: Buildah, base: str) -> str:
    """The base image, with whom the Hub trusts; likewise whatever runs here from now on."""
    bundle = ORDER / "trusted" / FILE
    if not bundle.exists():
        return base
    os.environ.update(certificates.variables(str(bundle)))
    await build_trusting(tool, base, TRUSTING, bundle, _SCRATCH)
    return TRUSTING


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


def _tell(event: Event) -> None:
    print(event.message, flush=True)


if __name__ == "__main__":
    main()
