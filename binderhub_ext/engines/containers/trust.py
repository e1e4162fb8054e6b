"""The certificate authorities of the Hub in images that are built.

A build's steps see what is in the image they begin with. So where an administrator names
authorities, builds begin with the same base image and one more layer.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from ... import certificates
from .finish import build_on_top
from .tool import ImageTool

FILE = "certificates.pem"
_PLACE = "/etc/ssl/binder-at-home.pem"
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


async def build_trusting(
    tool: ImageTool, base: str, name: str, bundle: Path, scratch: Path
) -> None:
    """Build an image like another, in which whom the Hub trusts is trusted.

    Args:
        base: the other.
        name: of the one that is made.
        bundle: the authorities.
        scratch: folder for contexts.

    Raises:
        ProcessFailed: it cannot be made.
    """
    settings = certificates.variables(_PLACE).items()
    dockerfile = _DOCKERFILE.format(
        base=base,
        file=FILE,
        place=_PLACE,
        variables=" ".join(f"{variable}={value}" for variable, value in settings),
    )
    await build_on_top(tool, name, dockerfile, scratch, files={FILE: bundle})
