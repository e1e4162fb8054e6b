"""From what a browser or a client sends to a launch request, and back again. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from ..core.archives import image_reference
from ..core.contents import read_content, write_content
from ..core.errors import BadLink, UnknownProvider
from ..core.launch import Content, LaunchRequest
from ..core.links import EXTRA, apply_field, fields_of, read_link, with_ref, write_link
from ..core.parameters import DESTINATIONS, PARAMETERS
from ..core.paste import understand
from ..core.plain import ref_name
from ..core.providers import Providers
from ..core.repo import Repo
from ..core.sentences import Sentence

Fields = Mapping[str, Sequence[str]]

_PARAMETERS = (*PARAMETERS, *DESTINATIONS, EXTRA)

PASTED = "pasted"
"""The field of the main page's form that has the link it was filled in from."""

SHOWN = "commit"
"""The field of the page that asks that has the commit it is about."""

TOLD = "teacher"
"""The field of the page that asks that has whom it named as teachers of a class, by their ids."""

NAMES = ("link", PASTED, "repo", "ref", *_PARAMETERS)
"""What a form or an API call may say about a launch; BinderHub's and ours (DESIGN 5)."""

_CONTENT = "content"

_CONTROLS = ("target", "files", "volume", _CONTENT, "image", "server", "size", "share", "secrets")
"""Parameters for which the form has a control at all times."""

_TITLES = {
    "labpath": Sentence("File to open in JupyterLab"),
    "urlpath": Sentence("Page of the server to open"),
}
_EXTRA = Sentence("Passed on to the page that opens")


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
    for name in _PARAMETERS:
        values = fields.get(name, ())
        if name == _CONTENT:
            values = _content(values, providers)
        read = partial(apply_field, request, name, values, providers=providers)
        request = _read(name, read)
    return request


def brought(fields: Fields, providers: Providers) -> Fields:
    """What an address puts into the form; as what was pasted, the link that stands for all of it.

    Anybody may have written the address, so nothing of it may be in the form that is not in that
    link: a link of ours comes without other fields, and a field that is wrong not at all, since
    what is made of it by mending it was in no link.
    """
    if link := first(fields, "link"):
        return {"link": [link]}
    given = {name: fields[name] for name in ("repo", "ref", *_PARAMETERS) if name in fields}
    while True:
        try:
            link = write_link(read_fields(given, providers), providers=providers)
        except BadField as error:
            if error.field not in given or error.field == "repo":
                return {name: given[name] for name in ("repo", "ref") if name in given}
            del given[error.field]
        else:
            return {**given, PASTED: [link]}


def form_of(request: LaunchRequest, providers: Providers) -> dict[str, list[str]]:
    """The fields by which a request would be asked for: the inverse of :func:`read_fields`."""
    fields = fields_of(request, providers=providers)
    if request.repo is None:
        return fields
    ref = [request.ref] if request.ref != "HEAD" else []
    return {"repo": [_pasteable(request.repo, providers)], "ref": ref, **fields}


def further_fields(fields: Fields) -> list[dict[str, str]]:
    """Fields that a form has only where something stands in them, each with its title."""
    titles = {**_TITLES, **{p.name: p.title for p in PARAMETERS.values()}, EXTRA: _EXTRA}
    return [
        {"name": name, "title": title, "value": value}
        for name, title in titles.items()
        for value in fields.get(name, ())
        if value and name not in _CONTROLS
    ]


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


def _content(values: Sequence[str], providers: Providers) -> list[str]:
    """Content as links name it: of each line what a link has there, or anything pasted."""
    lines = [line.strip() for value in values for line in value.splitlines()]
    return [_content_line(line, providers) for line in lines if line]


def _content_line(line: str, providers: Providers) -> str:
    try:
        return write_content(read_content(line, providers), providers)
    except BadLink as error:
        try:
            request = understand(line, providers=providers).request
        except BadLink:
            raise BadField(_CONTENT, error) from error
    if request.repo is None:
        raise BadField(_CONTENT, BadLink("An image has no content to bring. Name a repository."))
    return write_content(Content(request.repo, request.ref), providers)


def _pasteable(repo: Repo, providers: Providers) -> str:
    """What a person could paste for a repository: its address where that says all, else a link."""
    with suppress(BadLink, UnknownProvider):
        if understand(repo.url, providers=providers).request == LaunchRequest(repo):
            return repo.url
    return write_link(LaunchRequest(repo), providers=providers)


def _read(field: str, read: Callable[[], LaunchRequest]) -> LaunchRequest:
    try:
        return read()
    except BadLink as error:
        raise BadField(field, error) from error
