"""Software Heritage: identifiers and pages that say where the archived repository came from.

Source: the specification of SWHIDs (swhid.org), their qualifiers `origin`, `anchor`, `visit` and
`path`, and the parameters of archive.softwareheritage.org.
"""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import unquote

from .errors import BadLink
from .plain import decoded, ref_name, relative_path
from .providers import Providers
from .sentences import Sentence
from .understanding import Again, Understanding, WebLink

HOST = "archive.softwareheritage.org"

_IDENTIFIER = re.compile(r"swh:1:(?P<kind>cnt|dir|rev|rel|snp):(?P<hash>[0-9a-f]{40})(?=;|/|\Z)")
_TOOK = "Took the repository that Software Heritage archived this from."
_TOOK_NEWEST = (
    "Took the repository that Software Heritage archived this from, at its default branch: the "
    "identifier names no commit."
)
_NO_ORIGIN = (
    "This identifier of Software Heritage does not say where its files come from. Paste the one "
    "with “;origin=…” in it (Permalinks on its page), or the repository's address."
)


def is_identifier(text: str) -> bool:
    """Whether a text begins as an identifier of Software Heritage."""
    return _IDENTIFIER.match(text) is not None


def identifier(text: str, again: Again) -> Understanding:
    """The repository an identifier with its origin stands for.

    Raises:
        BadLink: it names no origin, or one that cannot be understood.
    """
    core, *qualifiers = text.rstrip("/").split(";")
    named = dict(part.partition("=")[::2] for part in qualifiers)
    if not named.get("origin"):
        raise BadLink(_NO_ORIGIN)
    commits = [core, named.get("anchor", "")]
    revisions = [m["hash"] for m in map(_IDENTIFIER.match, commits) if m and m["kind"] == "rev"]
    return _archived(
        unquote(named["origin"]),
        revisions[0] if revisions else "",
        decoded(named.get("path", ""), "path"),
        again,
    )


def page(link: WebLink, _providers: Providers, again: Again) -> Understanding | None:
    """A page of the archive."""
    if link.host != HOST:
        return None
    if link.parts and is_identifier(link.parts[0]):
        return identifier(link.raw_path.lstrip("/"), again)
    if origin := link.query.get("origin_url"):
        revision = link.query.get("revision", "")
        return _archived(origin, revision, link.query.get("path", ""), again)
    raise BadLink(_NO_ORIGIN)


def _archived(origin: str, revision: str, path: str, again: Again) -> Understanding:
    understanding = again(origin)
    request = understanding.request
    if revision:
        request = replace(request, ref=ref_name(revision))
    if path.strip("/"):
        request = replace(request, filepath=relative_path(path.strip("/"), "path"))
    taken = Sentence(_TOOK if revision else _TOOK_NEWEST)
    return replace(understanding, request=request).guessing(taken)
