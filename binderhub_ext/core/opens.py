"""What is said on the way to a sign-in about what it is for."""

from __future__ import annotations

from .launch import LaunchRequest
from .links import write_link
from .providers import Providers

OPENS = "opens"
"""The parameter of the sign-in's address that has the link. OAuth passes over what it does not
know, and the Hub shows what it means, never the text."""


def link_to(request: LaunchRequest, providers: Providers) -> str:
    """A link to the same repository or image and to nothing else of a request."""
    image = request.image if request.repo is None else ""
    return write_link(LaunchRequest(request.repo, request.ref, image=image), providers=providers)
