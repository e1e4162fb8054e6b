"""Base images that trust whom the Hub trusts, kept on this machine."""

from __future__ import annotations

from hashlib import sha256

from ... import certificates
from ..containers.trust import authorities, build_trusting
from .daemon import Daemon
from .images import ImageStore


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
        await build_trusting(daemon, base, name, bundle, store.scratch)
    return name
