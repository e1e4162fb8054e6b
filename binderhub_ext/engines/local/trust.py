"""The certificate authorities that programs in sandboxes trust: those of the Hub."""

from __future__ import annotations

from pathlib import PurePosixPath

from ... import certificates
from .sandbox import RUN, Bind

INSIDE = f"{RUN}/certificates.pem"


def binds() -> list[Bind]:
    """What a sandbox shows for it."""
    bundle = certificates.established()
    return [Bind(bundle, PurePosixPath(INSIDE))] if bundle else []


def variables() -> dict[str, str]:
    """What tells programs inside."""
    return certificates.variables(INSIDE) if certificates.established() else {}
