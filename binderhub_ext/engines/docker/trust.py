"""The certificate authorities of the Hub in images that are built here.

A build's steps see what is in the image they begin with. So where an administrator names
authorities, builds begin with the same base image and one more layer.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from ... import certificates
from ..containers.finish import build_on_top
from .daemon import Daemon
from .images import ImageStore

_PLACE = "/etc/ssl/binder-at-home.pem"
_FILE = "certificates.pem"
_DOCKERFILE = """\
FROM {base}
COPY {file} {place}
RUN mkdir -p /etc/apt/apt.conf.d \\
 && echo 'Acquire::https::CaInfo "{place}";' > /etc/apt/apt.conf.d/99binder-at-home
ENV {variables}
"""


def authorities() -> str:
    """What tells base images with different authorities apart; empty where none are named."""
    bundle = certificates.established()
    return sha256(bundle.read_bytes()).hexdigest()[:16] if bundle else ""


async def trusting(daemon: Daemon, store: ImageStore, base: str) -> str:
    """The name of a base image that trusts whom the Hub trusts; it is made if it is missing.

    Raises:
        ProcessFailed: it cannot be made.
    """
    bundle = certificates.established()
    if bundle is None:
        return base
    name = store.image_name(f"base-{sha256(f'{base} {authorities()}'.encode()).hexdigest()[:16]}")
    if await daemon.inspect(name) is None:
        settings = certificates.variables(_PLACE).items()
        dockerfile = _DOCKERFILE.format(
            base=base,
            file=_FILE,
            place=_PLACE,
            variables=" ".join(f"{variable}={value}" for variable, value in settings),
        )
        files: dict[str, str | Path] = {_FILE: bundle}
        await build_on_top(daemon, name, dockerfile, store.scratch, files=files)
    return name
