"""From what a browser or a client sends to a launch request: parsed once, here, exactly. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..core.archives import image_reference
from ..core.errors import BadLink
from ..core.launch import LaunchRequest
from ..core.links import DESTINATIONS, PARAMETERS, apply, read_link, with_ref
from ..core.paste import understand
from ..core.plain import ref_name
from ..core.providers import Providers

Fields = Mapping[str, Sequence[str]]

NAMES = ("link", "repo", "ref", *DESTINATIONS, *PARAMETERS)
"""What a form or an API call may say about a launch; BinderHub's and ours (DESIGN 5)."""


class BadField(BadLink):
    """One field of a form cannot be understood.

    Args:
        field: its name.
        error: why not.
    """

    def __init__(self, field: str, error: BadLink) -> None:
        super().__init__(error.message, detail=error.detail)
        self.code = error.code
        self.field = field


def read_fields(fields: Fields, providers: Providers) -> LaunchRequest:
    """The request of a form or an API call.

    Either `link`, one of our own links, or `repo`, anything a person pasted; the other fields
    come on top of it.

    Raises:
        BadField: with the name of the field that is wrong.
    """
    request = _subject(fields, providers)
    if ref := first(fields, "ref"):
        request = _read("ref", lambda: with_ref(request, ref_name(ref)))
    for name in (*DESTINATIONS, *PARAMETERS):
        pairs = [(name, value) for value in fields.get(name, ()) if value]
        if pairs:
            request = _read(name, lambda: apply(request, pairs))  # noqa: B023 - called at once
    return request


def read_own_link(link: str, providers: Providers) -> LaunchRequest:
    """The inverse of `write_link`: `v2/<provider>/<spec>?<query>`.

    Raises:
        BadLink, UnknownProvider: not one of ours.
    """
    path, _, query = link.partition("?")
    version, _, rest = path.partition("/")
    provider, slash, spec = rest.partition("/")
    if version != "v2" or not slash:
        raise BadLink("The link is not one of this service.")
    return read_link(provider, spec, query, providers=providers)


def first(fields: Fields, name: str) -> str:
    """The first value of a field, or empty."""
    return next(iter(fields.get(name, ())), "").strip()


def _subject(fields: Fields, providers: Providers) -> LaunchRequest:
    if link := first(fields, "link"):
        return _read("repo", lambda: read_own_link(link, providers))
    if not (repo := first(fields, "repo")) and (image := first(fields, "image")):
        return _read("image", lambda: LaunchRequest(None, image=image_reference(image)))
    return _read("repo", lambda: understand(repo, providers=providers).request)


def _read(field: str, read: Callable[[], LaunchRequest]) -> LaunchRequest:
    try:
        return read()
    except BadLink as error:
        raise BadField(field, error) from error
