"""Whose fault it is that a build failed, by what its programs said. Pure.

What a repository asks for can be mended there; a host that does not answer cannot.
"""

from __future__ import annotations

import re

from ..core.sentences import NOTHING, Sentence

_LAST = 40
"""Lines at the end that count: programs complain of much that they then get over."""

_STAMP = re.compile(r"^#\d+ (?:\d+\.\d+ )?")
"""What BuildKit puts before a line."""

_UNREACHABLE = re.compile(
    # uv, curl, Git, Python
    r"dns error|error sending request|could not connect|couldn't connect|failed to connect"
    r"|network is unreachable|no route to host|connection (refused|reset|timed out|aborted)"
    r"|(name or service|nodename nor servname) not known|could not resolve (host|proxy|')"
    r"|temporary failure (in name resolution|resolving)|operation timed out|read timed out"
    # pip, conda, apt, R, npm, the container engine
    r"|(NewConnection|ConnectTimeout|ReadTimeout|NameResolution)Error|max retries exceeded"
    r"|CondaHTTPError|HTTP 000 CONNECTION FAILED|unable to fetch some archives"
    r"|unable to access index for repository|cannot open URL|InternetOpenUrl failed"
    r"|\b(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT)\b"
    r"|failed to do request|dial tcp|i/o timeout|TLS handshake timeout|no such host"
    # a host with a fault of its own
    r"|HTTP status server error|\b50[0234] (server error|internal|bad gateway|service|gateway)"
    r"|(returned error|status code|HTTP error|status was)[: ']+5\d\d\b",
    re.IGNORECASE,
)
_REFUSED = re.compile(r"\b(40[01345]|410) |(error|status|code)[: ']+4\d\d\b", re.IGNORECASE)
"""The host answered, and has no such thing."""

_DISTRUSTED = re.compile(
    r"certificate verify failed|unable to get (local )?issuer certificate|invalid peer certificate"
    r"|UnknownIssuer|SELF_SIGNED_CERT|self[- ]signed certificate|unknown authority"
    r"|server certificate verification failed",
    re.IGNORECASE,
)


def plain(said: str) -> list[str]:
    """The lines of what was said, without what the container engine adds."""
    return [_STAMP.sub("", line) for line in said.splitlines()]


def unreachable(said: str) -> bool:
    """Whether something could not be reached."""
    lines = plain(said)[-_LAST:]
    return any(_UNREACHABLE.search(line) and not _REFUSED.search(line) for line in lines)


def of_others(said: str) -> Sentence:
    """The sentence for a failure that nobody can mend in the repository; empty for any other."""
    if any(map(_DISTRUSTED.search, plain(said)[-_LAST:])):
        return Sentence(
            "A host that the build needs is not trusted here: its certificate is of an authority "
            "that this hub does not know. That is no fault of the repository. Tell the "
            "administrator, who can add the authority."
        )
    if unreachable(said):
        return Sentence(
            "A package index or another host could not be reached during the build. That is no "
            "fault of the repository: try again later, and tell the administrator if it stays so."
        )
    return NOTHING
