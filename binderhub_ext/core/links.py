"""The grammar of launch links: one table that reads and writes them.

The form, the badge, the confirmation page and the API all go through :data:`PARAMETERS`, so
they cannot disagree. `urlpath`, `filepath` and `labpath` are BinderHub's and mean what its
client makes of them (`js/packages/binderhub-client/lib/spec.js`); the others are DESIGN §5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from .archives import image_reference
from .errors import BadLink
from .launch import Access, Files, LaunchRequest, VolumeRequest
from .names import is_server_name
from .plain import PATH_MAX, plain, ref_name, relative_path, server_path, shown
from .providers import PROVIDERS, Providers, at_forge, find
from .quantities import (
    read_bytes,
    read_cores,
    read_seconds,
    write_bytes,
    write_cores,
    write_seconds,
)

Pairs = Sequence[tuple[str, str]]

_FIELDS_MAX = 100
_SPEC_MAX = 2 * PATH_MAX
_NAME_MAX = 255


@dataclass(frozen=True)
class Parameter:
    """One query parameter.

    Attributes:
        name: in links.
        field: of :class:`LaunchRequest`.
        read: text to value; raises `BadLink`.
        write: value to text.
        repeated: whether each occurrence adds to a tuple.
        values: what it takes, for people.
        meaning: what it does, for people.
    """

    name: str
    field: str
    read: Callable[[str], Any]
    write: Callable[[Any], str] = str
    repeated: bool = False
    values: str = "text"
    meaning: str = ""

    def texts(self, request: LaunchRequest) -> list[str]:
        """What stands in a link for this request: nothing for the default."""
        value = getattr(request, self.field)
        if value == _DEFAULTS[self.field]:
            return []
        return [self.write(v) for v in value] if self.repeated else [self.write(value)]


_DEFAULTS = {field.name: field.default for field in fields(LaunchRequest)}


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
        raise BadLink(f"The link is {len(raw_spec)} characters long; at most {_SPEC_MAX} are.")
    repo, ref = find(providers, provider).parse(raw_spec)
    if repo is None:
        return apply(LaunchRequest(None, image=ref), query)
    return apply(LaunchRequest(at_forge(repo, providers), ref), query)


def write_link(request: LaunchRequest, *, providers: Providers = PROVIDERS) -> str:
    """The link of a request, relative to the service: `v2/gh/owner/name/ref?…`.

    The inverse of :func:`read_link`.
    """
    if request.repo is None:
        path = f"image/{quote(request.image, safe='')}"
    else:
        provider = find(providers, request.repo.provider)
        path = f"{provider.id}/{provider.spec(request.repo, request.ref)}"
    query = urlencode(_pairs(request), safe="/:@~", quote_via=quote)
    return f"v2/{path}" + (f"?{query}" if query else "")


def apply(request: LaunchRequest, query: str | Pairs) -> LaunchRequest:
    """A request with parameters of a query, a form or an API call on top of it.

    An empty value counts as not given. Unknown parameters are kept in `extra`.

    Raises:
        BadLink: a value that cannot be, or a parameter of ours given twice with two values.
    """
    pairs = _split(query) if isinstance(query, str) else list(query)
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    changes = {
        field: value
        for parameter in PARAMETERS.values()
        for field, value in _read(parameter, given.get(parameter.name, [])).items()
    }
    if request.repo is None and changes.get("image", request.image) != request.image:
        raise BadLink("The link names two images. Leave one out.")
    changes |= _destination(given, changes.get("target", request.target))
    extra = (*request.extra, *_extra(pairs))
    return replace(request, **changes, extra=extra)


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


def _split(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query.removeprefix("?"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_FIELDS_MAX,
        )
    except ValueError as error:
        raise BadLink(
            f"The link's parameters are not UTF-8, or more than {_FIELDS_MAX}."
        ) from error


def _read(parameter: Parameter, values: Iterable[str]) -> dict[str, Any]:
    values = list(dict.fromkeys(value for value in values if value))
    if not values:
        return {}
    if parameter.repeated:
        return {parameter.field: tuple(dict.fromkeys(map(parameter.read, values)))}
    if len(values) > 1:
        raise BadLink(f"The link gives {parameter.name} twice. Leave one out.")
    return {parameter.field: parameter.read(values[0])}


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
        (plain(name, "name of a parameter", _NAME_MAX), plain(value, f"parameter {shown(name)}"))
        for name, value in pairs
        if name not in known
    ]


def _pairs(request: LaunchRequest) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    in_lab = request.target == "lab" and request.filepath
    if request.filepath:
        pairs.append(("labpath" if in_lab else "filepath", request.filepath))
    if request.urlpath:
        pairs.append(("urlpath", request.urlpath))
    for parameter in PARAMETERS.values():
        implied = (parameter.name == "target" and in_lab) or (
            parameter.name == "image" and request.repo is None
        )
        if not implied:
            pairs += [(parameter.name, text) for text in parameter.texts(request)]
    return [*pairs, *request.extra]


def _read_files(text: str) -> Files:
    try:
        return Files(text.lower())
    except ValueError:
        raise BadLink(f"files={shown(text)} is not one of {', '.join(Files)}.") from None


def _read_name(what: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if "/" in plain(text, what, _NAME_MAX) or text[0] in ".-":
            raise BadLink(f"{shown(text)} cannot be the name of a {what}.")
        return text

    return read


def _read_server(text: str) -> str:
    if not is_server_name(text):
        raise BadLink(
            f"{shown(text)} cannot be the name of a server. Use up to 30 lower-case letters, "
            "digits and single hyphens, beginning with a letter."
        )
    return text


def _read_volume(text: str) -> VolumeRequest:
    name, *rest = text.split(":")
    access = Access(rest.pop()) if rest and rest[-1] in tuple(Access) else None
    if len(rest) > 1:
        raise BadLink(f"{shown(text)} has too many colons: write name:mount:ro.")
    return VolumeRequest(_read_name("volume")(name or "-"), _mount(*rest), access)


def _mount(text: str = "") -> str:
    """Where in the home; never the home itself, nor the dot-files programs obey."""
    path = relative_path(text.removeprefix("~/"), "mount of a volume")
    parts = path.split("/")
    if text.startswith("/") or (text and not path) or (path and parts[0].startswith(".")):
        raise BadLink(
            f"A volume cannot be mounted at {shown(text)}. Name a folder inside the home."
        )
    if path.casefold() == "projects" or "~" in parts:
        raise BadLink(f"A volume mounted at {shown(text)} would hide your projects.")
    return path


def _write_volume(volume: VolumeRequest) -> str:
    mount = f"./{volume.mount}" if volume.mount in tuple(Access) else volume.mount
    return ":".join(part for part in (volume.name, mount, volume.access) if part)


DESTINATIONS = ("labpath", "filepath", "urlpath")
"""BinderHub's parameters, the first that is given wins."""

_NOT_OURS = ("token", "build_token", "build_only", "_xsrf")
"""Of BinderHub's API and of cookies; never passed on to a target."""

PARAMETERS = {
    parameter.name: parameter
    for parameter in (
        Parameter(
            "target",
            "target",
            _read_name("target"),
            values="`lab`, `notebook`, `rstudio`, … as configured",
            meaning="the interface to land in; with `filepath` it opens that file there",
        ),
        Parameter(
            "files",
            "files",
            _read_files,
            values="`project` (default), `home` or `none`",
            meaning="what the server sees of the person's files",
        ),
        Parameter(
            "volume",
            "volumes",
            _read_volume,
            _write_volume,
            repeated=True,
            values="`<name>[:<mount>][:ro|rw]`",
            meaning="a group or shared volume, at `~/shared/<name>` unless a mount is given",
        ),
        Parameter(
            "image",
            "image",
            image_reference,
            values="a container image",
            meaning="a prebuilt image instead of a build; the repository only gives the files",
        ),
        Parameter(
            "server",
            "server",
            _read_server,
            values="lower-case letters, digits, hyphens; at most 30",
            meaning="name of the server; by default derived from the repository",
        ),
        Parameter(
            "size",
            "size",
            _read_name("size"),
            values="a name",
            meaning="a size the administrator offers",
        ),
        Parameter(
            "mem",
            "memory",
            read_bytes,
            write_bytes,
            values="`512M`, `4G`",
            meaning="memory, within the administrator's limit",
        ),
        Parameter(
            "cpu",
            "cpu",
            read_cores,
            write_cores,
            values="`2`, `0.5`, `500m`",
            meaning="processors, within the administrator's limit",
        ),
        Parameter(
            "idle",
            "idle",
            read_seconds,
            write_seconds,
            values="`30m`, `1h30m`, seconds",
            meaning="stop after this much inactivity, within the limit",
        ),
        Parameter(
            "share",
            "share",
            _read_name("person"),
            repeated=True,
            values="a user name",
            meaning="somebody who may enter this server",
        ),
    )
}
"""All parameters of ours by name, in the order links are written."""
