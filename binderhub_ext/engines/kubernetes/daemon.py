"""A BuildKit daemon that builds in place of buildah, and what can be wrong with it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from ...core.errors import BinderError, BuildFailed, NoSpace
from ..base import EngineDown

_ADDRESS = re.compile(r"tcp://(\[[0-9a-fA-F:]+\]|[A-Za-z0-9][A-Za-z0-9.-]*):([0-9]{1,5})")
_CERTIFICATES = re.compile(
    r"x509:|tls:|authentication handshake failed|error reading server preface"
    r"|failed to write (client preface|initial settings frame|window update)|: (read|write) tcp "
)
"""Also how gRPC says that a daemon hung up while it was greeted (its `http2_client.go`)."""

_CUT_OFF = re.compile(r"^error: (failed to receive status|listing workers)", re.MULTILINE)


class Fault(StrEnum):
    """What is wrong with a daemon, as a container of a build says it."""

    SILENT = "silent"
    CERTIFICATES = "certificates"
    CUT_OFF = "cut-off"
    FULL = "full"


@dataclass(frozen=True)
class BuildDaemon:
    """Where a daemon is.

    Attributes:
        address: `tcp://host:port`.
        secret: Secret with the certificates by which it and we know each other; empty for none.
    """

    address: str
    secret: str = ""

    @property
    def place(self) -> tuple[str, int]:
        """Its host and port."""
        found = _ADDRESS.fullmatch(self.address)
        assert found, self.address
        return found[1].strip("[]"), int(found[2])


def is_address(text: str) -> bool:
    """Whether a text says where a daemon is."""
    found = _ADDRESS.fullmatch(text)
    return found is not None and 0 < int(found[2]) < 1 << 16


def unanswered(said: str) -> Fault:
    """Why a daemon did not answer, by what its client said."""
    return Fault.CERTIFICATES if _CERTIFICATES.search(said) else Fault.SILENT


def failed(said: str) -> Fault | None:
    """What of a build that failed is the daemon's fault, by the end of its log."""
    if NoSpace.in_text(said):
        return Fault.FULL
    return Fault.CUT_OFF if _CUT_OFF.search(said) else None


def in_words(fault: str, said: str) -> BinderError:
    """The error for a daemon's fault.

    Args:
        said: by its client.
    """
    if fault == Fault.CERTIFICATES:
        return EngineDown(
            "The build daemon of this hub and the hub do not accept each other's certificates, so"
            " nothing was built. Tell the administrator.",
            detail=said,
        )
    if fault == Fault.FULL:
        return NoSpace(
            "The disk of the build daemon filled up during the build, which was ended. Make it"
            " write less, or ask the administrator to make room there.",
            detail=said,
        )
    if fault == Fault.CUT_OFF:
        return BuildFailed(
            "The build daemon of this hub went away in the middle of the build. Launch again.",
            detail=said,
        )
    return EngineDown(
        "The build daemon of this hub does not answer, so nothing was built. Try again in a moment;"
        " if it stays so, tell the administrator.",
        detail=said,
    )
