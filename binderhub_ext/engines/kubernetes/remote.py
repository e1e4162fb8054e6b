"""Have a BuildKit daemon build, and push what it built, in the second container of a build's pod.

Nothing of a repository runs here: the daemon runs it. So this container may have the certificate
for the daemon, and the credentials for pushing; the daemon is given neither.

Usage: python -m binderhub_ext.engines.kubernetes.remote IMAGE DAEMON KEY [insecure]
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...certificates import NAMES
from ...core.progress import Event
from ...programs import ProcessFailed
from ..containers.finish import make_startable
from ..containers.made import facts_of, keep_made
from ..containers.order import REPO_DIR, BuildOrder
from ..containers.planning import repo2docker_base
from ..containers.trust import FILE, build_trusting
from .buildkit import BuildKit
from .lastwords import last_words
from .places import CERTIFICATES, CONTEXT, ORDER, PULLING, RESULT, TRUSTING, WRITTEN
from .push import push

_SCRATCH = Path("/tmp/scratch")


def main() -> None:
    image, address, key, *insecure = sys.argv[1:]
    asked = json.loads((ORDER / "order.json").read_text())
    if (bundle := ORDER / "trusted" / FILE).exists():
        os.environ[NAMES[0]] = str(bundle)
    layout = RESULT / "image"
    certificates = CERTIFICATES if CERTIFICATES.exists() else None
    given = address, certificates, layout, _SCRATCH, key, PULLING
    tool = BuildKit(*given, apart=asked["apart"])
    with last_words():
        asyncio.run(_work(tool, asked))
    print("Pushing the image", flush=True)
    sys.exit(push(f"oci:{layout}", image, insecure=bool(insecure)))


async def _work(tool: BuildKit, asked: Mapping[str, Any]) -> None:
    """Have the image here, and make sure that servers can be started from it."""
    order = BuildOrder(**asked["order"])
    await tool.answers()
    if asked["from"]:
        await _pull(tool, order, asked)
    base = await _trusting(tool, order.base_image or repo2docker_base())
    if not asked["from"]:
        await _build(tool, order, json.loads(WRITTEN.read_text()), asked["variables"])
    if asked["made"]:
        before = facts_of(Path(order.context))
        await keep_made(tool, order.image, before, REPO_DIR, _SCRATCH, _tell)
    await make_startable(tool, order.image, _SCRATCH, base, _tell)
    tool.save(order.image)


async def _pull(tool: BuildKit, order: BuildOrder, asked: Mapping[str, Any]) -> None:
    reference = str(asked["from"])
    print("pull", reference, flush=True)
    insecure = reference.partition("/")[0] in asked["insecure"]
    await tool.pull(reference, order.image, asked["variables"], insecure=insecure)


async def _trusting(tool: BuildKit, base: str) -> str:
    """The base image, with whom the Hub trusts."""
    bundle = ORDER / "trusted" / FILE
    if not bundle.exists():
        return base
    await build_trusting(tool, base, TRUSTING, bundle, _SCRATCH)
    return TRUSTING


async def _build(
    tool: BuildKit, order: BuildOrder, written: Mapping[str, Any], variables: Mapping[str, str]
) -> None:
    # Of two folders one, whatever else is written, and by no link: everything here could be sent.
    context = CONTEXT if written["packed"] else Path(order.context)
    if context.is_symlink():
        raise NotADirectoryError(f"{context} is a link")
    try:
        await tool.build_file(
            order.image,
            context,
            written["file"],
            labels={**written["labels"], **order.labels},
            arguments={**variables, **written["arguments"]},
            tell=_say,
        )
    except ProcessFailed as error:
        # It was all said already.
        raise subprocess.CalledProcessError(error.status, "buildctl") from None


def _say(line: str) -> None:
    print(line, flush=True)


def _tell(event: Event) -> None:
    _say(str(event.message))


if __name__ == "__main__":
    main()
