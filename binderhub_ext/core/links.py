"""The grammar of launch links, read and written by the table in :mod:`.parameters`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from .archives import IMAGE
from .contents import check_content
from .errors import BadLink
from .launch import LaunchRequest
from .parameters import DESTINATIONS, NAME_MAX, PARAMETERS, Parameter
from .plain import (
    PATH_MAX,
    plain,
    query_pairs,
    ref_name,
    relative_path,
    server_path,
    shown,
)
from .providers import PROVIDERS, Providers, at_forge, find
from .pulling import pulled
from .sentences import Sentence

Pairs = Sequence[tuple[str, str]]

EXTRA = "extra"
"""The field of forms and API calls that has a link's further parameters, written as a query."""

_SPEC_MAX = 2 * PATH_MAX
_NOT_OURS = ("token", "build_token", "build_only", "_xsrf")
"""Of BinderHub's API and of cookies; never passed on to a target."""


def read_link(
    provider: str, raw_spec: str, query: str | Pairs = "", *, providers: Providers = PROVIDERS
) -> LaunchRequest:
    """What `/v2/<provider>/<raw_spec>?<query>` asks for.

    Args:
        provider: the id in the path.
        raw_spec: the rest of the path as sent, percent-escapes kept.
        query: the query string as sent, or decoded pairs.

    Raises:
        UnknownProvider, BadLink: cannot be understood, or would lead out of where it may lead.
    """
    if len(raw_spec) > _SPEC_MAX:
        raise BadLink(
            "The link is {count} characters long; at most {spec_max} are.",
            count=len(raw_spec),
            spec_max=_SPEC_MAX,
        )
    repo, ref = find(providers, provider).parse(raw_spec)
    if repo is None:
        return apply(LaunchRequest(None, image=ref), query, providers=providers)
    return apply(LaunchRequest(at_forge(repo, providers), ref), query, providers=providers)


def write_link(request: LaunchRequest, *, providers: Providers = PROVIDERS) -> str:
    """The link of a request, relative to the service: `v2/gh/owner/name/ref?…`.

    The inverse of :func:`read_link`.
    """
    if request.repo is None:
        path = f"image/{quote(request.image, safe='')}"
    else:
        provider = find(providers, request.repo.provider)
        path = f"{provider.id}/{provider.spec(request.repo, request.ref)}"
    query = urlencode(_pairs(request, providers), safe="/:@~", quote_via=quote)
    return f"v2/{path}" + (f"?{query}" if query else "")


def apply(
    request: LaunchRequest, query: str | Pairs, *, providers: Providers = PROVIDERS
) -> LaunchRequest:
    """A request with parameters of a query, a form or an API call on top of it.

    An empty value counts as not given. Unknown parameters are kept in `extra`.

    Raises:
        BadLink: a value that cannot be, or a parameter of ours given twice with two values.
    """
    pairs = query_pairs(query) if isinstance(query, str) else list(query)
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    changes = {
        field: value
        for parameter in PARAMETERS.values()
        for field, value in _read(parameter, given.get(parameter.name, []), providers).items()
    }
    if request.repo is None and changes.get("image", request.image) != request.image:
        raise BadLink("The link names two images. Leave one out.")
    changes |= _destination(given, changes.get("target", request.target))
    extra = (*request.extra, *_extra(pairs))
    request = replace(request, **changes, extra=extra)
    if "urlpath" in changes:
        request = pulled(request, request.urlpath, providers) or request
    check_content(request)
    return request


def fields_of(request: LaunchRequest, *, providers: Providers = PROVIDERS) -> dict[str, list[str]]:
    """All parameters of a request as fields of a form: :func:`apply_field` reads each back."""
    fields = {name: getattr(request, name) for name in DESTINATIONS if hasattr(request, name)}
    return {
        **{name: [value] for name, value in fields.items() if value},
        **{p.name: texts for p in PARAMETERS.values() if (texts := p.texts(request, providers))},
        **({EXTRA: [urlencode(request.extra, quote_via=quote)]} if request.extra else {}),
    }


def apply_field(
    request: LaunchRequest, name: str, values: Iterable[str], *, providers: Providers = PROVIDERS
) -> LaunchRequest:
    """A request with one field of a form on top of it; an empty one changes nothing.

    Raises:
        BadLink: as :func:`apply`.
    """
    values = [value for value in values if value]
    if name == EXTRA and values:
        pairs = [pair for text in values for pair in query_pairs(text)]
        return apply(replace(request, extra=()), pairs, providers=providers)
    pairs = [(name, value) for value in values]
    return apply(request, pairs, providers=providers) if values else request


def described(request: LaunchRequest, *, providers: Providers = PROVIDERS) -> dict[str, Any]:
    """A request as programs are told of it."""
    repo = request.repo
    provider = find(providers, repo.provider) if repo else IMAGE
    spec = provider.spec(repo, request.ref) if repo else request.image
    values: dict[str, Any] = {
        "provider": provider.id,
        "provider_name": provider.name,
        "name": repo.shown if repo else request.image,
        "spec": spec,
        "repo": repo.url if repo else "",
        "ref": request.ref if repo else "",
        "urlpath": request.urlpath,
        "filepath": request.filepath,
    }
    for parameter in PARAMETERS.values():
        values |= parameter.fields(request, providers)
    link = write_link(request, providers=providers)
    return {**values, EXTRA: urlencode(request.extra, quote_via=quote), "link": link}


def with_ref(
    request: LaunchRequest, ref: str, *, providers: Providers = PROVIDERS
) -> LaunchRequest:
    """A request for another branch, tag or commit; an empty `ref` changes nothing.

    Raises:
        BadLink: not a ref, or the request has no repository with refs.
    """
    if not ref:
        return request
    ref = ref_name(ref)
    has_refs = request.repo is not None and find(providers, request.repo.provider).has_ref
    if not has_refs and ref != request.ref:
        raise BadLink("An image or an archive has no branches. Leave the ref out.")
    return replace(request, ref=ref)


def secrets_of(link: str) -> list[str]:
    """The names of secrets in a link of :func:`write_link`."""
    return [value for name, value in query_pairs(link.partition("?")[2]) if name == "secrets"]


def without(link: str, name: str) -> str:
    """A link of :func:`write_link` without one parameter."""
    path, _, query = link.partition("?")
    kept = "&".join(pair for pair in query.split("&") if not pair.startswith(f"{name}="))
    return f"{path}?{kept}" if kept else path


def in_lab(link: str) -> str:
    """A link of :func:`write_link` that opens JupyterLab, with the same file if it opens one."""
    for name in ("target", "urlpath"):
        link = without(link, name)
    return f"{link}{'&' if '?' in link else '?'}target=lab"


def _read(parameter: Parameter, values: Iterable[str], providers: Providers) -> dict[str, Any]:
    values = list(dict.fromkeys(value for value in values if value))
    if not values:
        return {}
    if parameter.repeated:
        read = (parameter.value(value, providers) for value in values)
        return {parameter.field: tuple(dict.fromkeys(read))}
    if len(values) > 1:
        raise BadLink("The link gives {name} twice. Leave one out.", name=parameter.name)
    return {parameter.field: parameter.value(values[0], providers)}


def _destination(given: dict[str, list[str]], target: str) -> dict[str, str]:
    """BinderHub's order: `labpath`, else `filepath`, else `urlpath`; of each the first."""
    lab, file, url = (given.get(name, [""])[0] for name in DESTINATIONS)
    if lab or file:
        path = relative_path(lab or file, "labpath" if lab else "filepath")
        return {"filepath": path, "urlpath": "", "target": target or ("lab" if lab else "")}
    return {"filepath": "", "urlpath": server_path(url)} if url else {}


def _extra(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    known = {*PARAMETERS, *DESTINATIONS, *_NOT_OURS}
    return [
        (
            plain(name, "name of a parameter", NAME_MAX),
            plain(value, Sentence("parameter {name}", name=shown(name))),
        )
        for name, value in pairs
        if name not in known
    ]


def _pairs(request: LaunchRequest, providers: Providers) -> list[tuple[str, str]]:
    """The query of a link: as the fields, but BinderHub has one word for a file in JupyterLab."""
    fields = fields_of(request, providers=providers)
    fields.pop(EXTRA, None)
    if request.repo is None:
        fields.pop("image", None)
    if request.target == "lab" and request.filepath:
        fields = {"labpath": fields.pop("filepath"), **fields}
        del fields["target"]
    pairs = [(name, text) for name, texts in fields.items() for text in texts]
    return [*pairs, *request.extra]
