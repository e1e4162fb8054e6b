"""The parameters of a launch: one table of what each reads, writes and means.

Links, the form and its hidden fields, the page that asks, `parse` and the API are all made from
it, so that none can forget one. `urlpath`, `filepath` and `labpath` are BinderHub's and mean what
its client makes of them (`js/packages/binderhub-client/lib/spec.js`); the others are DESIGN §5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from .archives import image_reference
from .contents import content_fields, read_content, say_content, write_content
from .errors import BadLink
from .launch import Access, Files, LaunchRequest, VolumeRequest
from .names import is_class_id, is_server_name
from .plain import plain, relative_path, shown
from .providers import Providers
from .quantities import (
    read_bytes,
    read_cores,
    read_seconds,
    say_bytes,
    write_bytes,
    write_cores,
    write_seconds,
)
from .secretnames import check_key
from .sentences import NOTHING, Sentence, listing
from .sharees import Sharee

NAME_MAX = 255

PLAIN = "plain"
"""The environment of an empty repository."""


@dataclass(frozen=True)
class Parameter:
    """One query parameter.

    Attributes:
        name: in links.
        field: of :class:`LaunchRequest`.
        title: what it is called beside a value of it.
        read: text to value; raises `BadLink`.
        write: value to text.
        say: value to words.
        data: value to what programs are told.
        repeated: whether each occurrence adds to a tuple.
        with_providers: whether `read`, `write` and `data` are given the providers too.
        values: what it takes, for people.
        meaning: what it does, for people.
    """

    name: str
    field: str
    title: Sentence
    read: Callable[..., Any]
    write: Callable[..., str] = str
    say: Callable[[Any], Sentence] | None = None
    data: Callable[..., Any] | None = None
    repeated: bool = False
    with_providers: bool = False
    values: str = "text"
    meaning: str = ""

    def value(self, text: str, providers: Providers) -> Any:
        """What one text means; raises `BadLink`."""
        return self._use(self.read, text, providers)

    def texts(self, request: LaunchRequest, providers: Providers) -> list[str]:
        """What stands in a link for this request: nothing for the default."""
        value = getattr(request, self.field)
        if value == _DEFAULTS[self.field]:
            return []
        values = value if self.repeated else [value]
        return [self._use(self.write, value, providers) for value in values]

    def words(self, request: LaunchRequest) -> Sentence:
        """The same for people; empty for the default."""
        value = getattr(request, self.field)
        if value == _DEFAULTS[self.field]:
            return NOTHING
        say = self.say or (lambda one: Sentence.verbatim(self.write(one)))
        return listing(map(say, value)) if self.repeated else say(value)

    def fields(self, request: LaunchRequest, providers: Providers) -> dict[str, Any]:
        """The same for programs: one value, or a list where it can be repeated."""
        value, data = getattr(request, self.field), self.data or self.write
        if self.repeated:
            return {self.field: [self._use(data, item, providers) for item in value]}
        return {self.name: data(value) if value else ""}

    def _use(self, function: Callable[..., Any], value: Any, providers: Providers) -> Any:
        return function(value, providers) if self.with_providers else function(value)


_DEFAULTS = {field.name: field.default for field in fields(LaunchRequest)}


def _read_files(text: str) -> Files:
    try:
        return Files(text.lower())
    except ValueError:
        raise BadLink(
            "files={given} is not one of {files}.", given=shown(text), files=", ".join(Files)
        ) from None


def _read_environment(text: str) -> str:
    if text.lower() != PLAIN:
        raise BadLink(
            "environment={given} is not {plain}, the only one with a name.",
            given=shown(text),
            plain=PLAIN,
        )
    return PLAIN


def _read_name(what: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if "/" in plain(text, what, NAME_MAX) or text[0] in ".-":
            raise BadLink(
                "{given} cannot be the name of a {what}.", given=shown(text), what=Sentence(what)
            )
        return text

    return read


def _read_server(text: str) -> str:
    if not is_server_name(text):
        raise BadLink(
            "{given} cannot be the name of a server. Use up to 30 lower-case letters, "
            "digits and single hyphens, beginning with a letter.",
            given=shown(text),
        )
    return text


def _read_volume(text: str) -> VolumeRequest:
    name, *rest = text.split(":")
    access = Access(rest.pop()) if rest and rest[-1] in tuple(Access) else None
    if len(rest) > 1:
        raise BadLink("{given} has too many colons: write name:mount:ro.", given=shown(text))
    return VolumeRequest(_read_name("volume")(name or "-"), _mount(*rest), access)


def _mount(text: str = "") -> str:
    """Where in the home; never the home itself, nor the dot-files programs obey."""
    path = relative_path(text.removeprefix("~/"), "mount of a volume")
    parts = path.split("/")
    if text.startswith("/") or (text and not path) or (path and parts[0].startswith(".")):
        raise BadLink(
            "A volume cannot be mounted at {given}. Name a folder inside the home.",
            given=shown(text),
        )
    if path.casefold() == "projects" or "~" in parts:
        raise BadLink("A volume mounted at {given} would hide your projects.", given=shown(text))
    return path


def _read_sharee(text: str) -> str:
    sharee = Sharee.of(text)
    _read_name(sharee.what)(sharee.name)
    return str(sharee)


def _read_class(text: str) -> str:
    if not is_class_id(text):
        raise BadLink("class={given} cannot be the id of a class.", given=shown(text))
    return text


def _write_volume(volume: VolumeRequest) -> str:
    mount = f"./{volume.mount}" if volume.mount in tuple(Access) else volume.mount
    return ":".join(part for part in (volume.name, mount, volume.access) if part)


def _volume_fields(volume: VolumeRequest) -> dict[str, str]:
    return {"name": volume.name, "mount": volume.mount, "access": str(volume.access or "")}


DESTINATIONS = ("labpath", "filepath", "urlpath")
"""BinderHub's parameters, the first that is given wins."""

PARAMETERS = {
    parameter.name: parameter
    for parameter in (
        Parameter(
            "target",
            "target",
            Sentence("Opens with"),
            _read_name("target"),
            values="`lab`, `notebook`, `rstudio`, … as configured",
            meaning="the interface to land in; with `filepath` it opens that file there",
        ),
        Parameter(
            "files",
            "files",
            Sentence("Files"),
            _read_files,
            values="`project` (default), `home` or `none`",
            meaning="what the server sees of the person's files",
        ),
        Parameter(
            "volume",
            "volumes",
            Sentence("Volume"),
            _read_volume,
            _write_volume,
            data=_volume_fields,
            repeated=True,
            values="`<name>[:<mount>][:ro|rw]`",
            meaning="a group or shared volume, at `~/shared/<name>` unless a mount is given",
        ),
        Parameter(
            "content",
            "content",
            Sentence("Content"),
            read_content,
            write_content,
            say=say_content,
            data=content_fields,
            repeated=True,
            with_providers=True,
            values="`[<folder>:]<provider>/<spec>`",
            meaning="a further repository, of which nothing is built: its files stand in a folder "
            "of the working directory",
        ),
        Parameter(
            "image",
            "image",
            Sentence("Ready-made image"),
            image_reference,
            values="a container image",
            meaning="a prebuilt image instead of a build; the repository only gives the files",
        ),
        Parameter(
            "environment",
            "environment",
            Sentence("Environment"),
            _read_environment,
            say=lambda _: Sentence("That of an empty repository"),
            values="`plain`",
            meaning="nothing is built: the files come with the environment of an empty repository",
        ),
        Parameter(
            "server",
            "server",
            Sentence("Name of the server"),
            _read_server,
            values="lower-case letters, digits, hyphens; at most 30",
            meaning="name of the server; by default derived from the repository",
        ),
        Parameter(
            "size",
            "size",
            Sentence("Size"),
            _read_name("size"),
            values="a name",
            meaning="a size the administrator offers",
        ),
        Parameter(
            "mem",
            "memory",
            Sentence("Memory"),
            read_bytes,
            write_bytes,
            say=say_bytes,
            values="`512M`, `4G`",
            meaning="memory, within the administrator's limit",
        ),
        Parameter(
            "cpu",
            "cpu",
            Sentence("Processors"),
            read_cores,
            write_cores,
            values="`2`, `0.5`, `500m`",
            meaning="processors, within the administrator's limit",
        ),
        Parameter(
            "idle",
            "idle",
            Sentence("Stops after"),
            read_seconds,
            write_seconds,
            say=lambda idle: Sentence("{time} without use", time=write_seconds(idle)),
            values="`30m`, `1h30m`, seconds",
            meaning="stop after this much inactivity, within the limit",
        ),
        Parameter(
            "share",
            "share",
            Sentence("May also enter"),
            _read_sharee,
            say=lambda text: Sharee.of(text).words,
            repeated=True,
            values="`<user>` or `group:<name>`",
            meaning="somebody, or everybody in a group, who may enter this server",
        ),
        Parameter(
            "class",
            "class_id",
            Sentence("Class"),
            _read_class,
            values="an id",
            meaning="the class whose link it is; its teacher sees what becomes of the launch",
        ),
        Parameter(
            "secrets",
            "secrets",
            Sentence("Secrets"),
            check_key,
            repeated=True,
            values="`<name>` or `sign-in:<name>`",
            meaning="a secret of the person's that the server wants; the page that asks offers it, "
            "and only what is ticked there is given",
        ),
    )
}
"""All parameters of ours by name, in the order links are written."""
