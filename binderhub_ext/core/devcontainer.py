"""`devcontainer.json` as files that repo2docker reads, and words for what it has besides. Pure.

A container for development (https://containers.dev/implementors/json_reference/) names an image,
features to be installed in it and commands to be run in it. The Python that they ask for becomes
a `runtime.txt`, their packages of Debian an `apt.txt`, the commands a `postBuild`: so all that is
done with these is done with them, and who writes it in either way gets the same environment. An
image as such is never taken: what an environment is built on is for the administrator to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from shlex import quote
from typing import Any

from .apt import check_packages
from .errors import BuildFailed
from .jsontext import parse_jsonc
from .sentences import Sentence, fixed

FOLDER, FILE = ".devcontainer", ".devcontainer.json"
"""Where it is, beneath the root of a repository; in the folder, or a folder of that, it is called
:data:`NAME`."""

NAME = "devcontainer.json"

_BYTES = 2**16
_FEATURES = 100
_SHOWN = 10
"""Names in one sentence."""

_TAG = r"(?::(?P<tag>[\w.-]+))?(?P<digest>@sha256:[0-9a-f]+)?"
_MICROSOFT = r"(?P<microsoft>mcr\.microsoft\.com/(?:vscode/)?devcontainers)"
_DOCKER_HUB = r"(?:(?:docker\.io/)?library/)?"
_PYTHON_IMAGE = re.compile(rf"(?:{_MICROSOFT}/|{_DOCKER_HUB})python{_TAG}", re.ASCII)
_SYSTEM_IMAGE = re.compile(
    rf"(?:{_MICROSOFT}/(?:base|universal)|{_DOCKER_HUB}(?:debian|ubuntu|buildpack-deps)){_TAG}",
    re.ASCII,
)
_PYTHON_TAG = re.compile(
    r"(?:dev-)?(?:\d+(?:\.\d+){0,2}-)??"
    r"(?P<python>3\.(?:[5-9]|\d\d)(?:\.\d+)?|2\.7(?:\.\d+)?|3)(?:-[a-z][\w.-]*)?",
    re.ASCII,
)
"""The release of Microsoft's image may stand before the version of Python."""

_ANY_TAG = re.compile(r"[a-z-]*", re.ASCII)
_ANY_RELEASE = re.compile(r"(?:dev-)?\d+(?:\.\d+){0,2}(?:-[a-z-]+)?", re.ASCII)
"""Tags of which the version of Python is whatever is current."""

_PYTHON = re.compile(r"\d+\.\d+(?:\.\d+)?", re.ASCII)
_ANY_PYTHON = ("", "3", "latest", "none", "os-provided")

_VERSION_OF_FEATURE = re.compile(r"(?::[\w.-]{1,100})?(?:@sha256:[0-9a-f]{1,100})?$")
_APT = frozenset(
    {
        "ghcr.io/devcontainers-contrib/features/apt-packages",
        "ghcr.io/devcontainers-extra/features/apt-packages",
        "ghcr.io/rocker-org/devcontainer-features/apt-packages",
    }
)
_PYTHON_FEATURE = "ghcr.io/devcontainers/features/python"

_COMMANDS = ("onCreateCommand", "updateContentCommand", "postCreateCommand")
"""Those that make a container, in their order."""

_ROOT = re.compile(r"(?<![\w./-])(?:sudo|apt-get|apt)\s")
_USER = re.compile(r"(\bpip3?\s+install\b[^;&|\n]{0,200}?)\s--user\b")
"""An environment is no system's: there is no place beside it for a person's own packages."""

_PLACES = ("containerWorkspaceFolder", "localWorkspaceFolder")
_PLACE = re.compile(rf"(\$\{{(?:{'|'.join(_PLACES)})\}})")

_READ = frozenset({"image", "build", "dockerFile", "dockerComposeFile", "features", *_COMMANDS})
_SAYS_NOTHING_HERE = frozenset(
    {
        *("$schema", "name", "customizations", "extensions", "settings", "service", "context"),
        *("remoteUser", "containerUser", "updateRemoteUserUID", "userEnvProbe", "waitFor"),
        *("overrideCommand", "overrideFeatureInstallOrder", "shutdownAction", "init"),
        *("forwardPorts", "portsAttributes", "otherPortsAttributes", "hostRequirements"),
    }
)
"""What is so for every server here, is said with something else, or is for an editor alone."""


@dataclass(frozen=True)
class DevContainer:
    """What a repository asks for by its `devcontainer.json`.

    Attributes:
        path: of the file.
        files: what it asks for, as texts of files in the repository's root, by name.
        notes: what of it is not done.
    """

    path: str
    files: Mapping[str, str]
    notes: tuple[Sentence, ...] = ()


def read_devcontainer(path: str, content: bytes) -> DevContainer:
    """What a `devcontainer.json` asks for.

    Raises:
        BuildFailed: it cannot be read, or names what is no package.
    """
    try:
        return _Reading(path, _table(parse_jsonc(content, _BYTES), path)).result()
    except ValueError as error:
        raise BuildFailed(
            "{path} cannot be read ({error}). Correct it in the repository.",
            path=path,
            error=error,
        ) from error


class _Reading:
    """One file on its way; what it says is checked where it is read."""

    def __init__(self, path: str, said: Mapping[str, Any]) -> None:
        self.path = path
        self.said = {name: value for name, value in said.items() if value is not None}
        self.notes: list[Sentence] = []
        self.files: dict[str, str] = {}

    def result(self) -> DevContainer:
        python, known = self._image()
        packages, of_feature = self._features()
        if version := of_feature or python:
            self.files["runtime.txt"] = f"python-{version}\n"
        if packages:
            self.files["apt.txt"] = "".join(f"{package}\n" for package in packages)
        self._commands(known)
        self._tell(_NOT_INSTALLED_EXTENSIONS, self._extensions())
        self._tell(_NOT_COUNTED, self._rest())
        return DevContainer(self.path, self.files, tuple(self.notes))

    def _image(self) -> tuple[str, bool]:
        """The version of Python that the image has, if any, and whether commands fit here."""
        image = _text(self.said.get("image", ""), "image").strip()
        build = _table(self.said.get("build", {}), "build")
        made_of = [
            *_texts(build.get("dockerfile"), "build.dockerfile"),
            *_texts(self.said.get("dockerFile"), "dockerFile"),
            *_texts(self.said.get("dockerComposeFile"), "dockerComposeFile"),
        ]
        if made_of:
            self._tell(_NOT_BUILT, made_of)
            return "", False
        python = _python_of(image)
        if python is None:
            self._tell(_OTHER_IMAGE, [image])
            return "", _SYSTEM_IMAGE.fullmatch(image) is not None
        return python, True

    def _features(self) -> tuple[list[str], str]:
        """Packages of Debian, and a version of Python."""
        features = _table(self.said.get("features", {}), "features")
        if len(features) > _FEATURES:
            raise ValueError(f"more than {_FEATURES} features")
        packages: set[str] = set()
        python, left = "", []
        for id, options in features.items():
            name = _VERSION_OF_FEATURE.sub("", id).lower()
            if name in _APT:
                asked = _table(options, id)
                packages |= {*re.split(r"[\s,]+", _text(asked.get("packages", ""), id))} - {""}
                left += [f"{name} (ppas)"] if asked.get("ppas") else []
                continue
            version = options.get("version", "") if isinstance(options, dict) else options
            if name != _PYTHON_FEATURE or not _is_python(version):
                left.append(name)
            elif version not in _ANY_PYTHON:
                python = version
        self._tell(_NOT_INSTALLED, left)
        check_packages(self.path, tuple(sorted(packages)))
        return sorted(packages), python

    def _commands(self, known: bool) -> None:
        lines = {name: list(_lines(name, self.said.get(name))) for name in _COMMANDS}
        names = [name for name in _COMMANDS if lines[name]]
        script = "\n".join(line for name in names for line in lines[name])
        if not known:
            self._tell(_FOR_ITS_IMAGE, names)
        elif _ROOT.search(script):
            self._tell(_FOR_ROOT, names)
        elif names:
            places = " ".join(f'{place}="$PWD"' for place in _PLACES)
            self.files["postBuild"] = f"#!/bin/sh\nset -e\nexport {places}\n{script}\n"

    def _extensions(self) -> Iterator[str]:
        """Extensions of VS Code; an editor's own part of the file may be anything."""
        editors = self.said.get("customizations")
        editor = editors.get("vscode") if isinstance(editors, dict) else None
        own = editor.get("extensions") if isinstance(editor, dict) else None
        for names in (own, self.said.get("extensions")):
            for name in names if isinstance(names, list) else ():
                if isinstance(name, str) and not name.startswith("-"):
                    yield name

    def _rest(self) -> Iterator[str]:
        return (name for name, value in self.said.items() if value and name not in _KNOWN)

    def _tell(self, text: str, names: Iterable[str]) -> None:
        """Note something of these names, if there are any, as they can be shown."""
        some = [_shown(name) for name in islice(filter(None, names), _SHOWN + 1)]
        if some:
            more = ["…"] if len(some) > _SHOWN else []
            listed = ", ".join([*some[:_SHOWN], *more])
            self.notes.append(Sentence(text, path=self.path, names=listed))


_KNOWN = _READ | _SAYS_NOTHING_HERE
_OTHER_IMAGE = fixed(
    "{path} names the image {names}; this hub's own environment is taken in its place"
)
_NOT_BUILT = fixed(
    "{path} has its image built from {names}; this hub's own environment is taken in its place"
)
_NOT_INSTALLED = fixed("Features that {path} names and that are not installed: {names}")
_NOT_INSTALLED_EXTENSIONS = fixed(
    "Extensions of VS Code that {path} names and that are not installed: {names}"
)
_FOR_ITS_IMAGE = fixed("Not run, since it is written for another image: {names} in {path}")
_FOR_ROOT = fixed(
    "Not run, since it asks for root's rights, which nobody has here: {names} in {path}. "
    "Packages of Debian can be named by the feature apt-packages, or in an apt.txt"
)
_NOT_COUNTED = fixed("What {path} says besides and what does not count here: {names}")


def _python_of(image: str) -> str | None:
    """The version that an image has, empty for whatever is current; `None` for no such image."""
    found = _PYTHON_IMAGE.fullmatch(image)
    if not found:
        return None if image else ""
    tag = found["tag"] or ""
    if version := _PYTHON_TAG.fullmatch(tag):
        return "" if version["python"] in _ANY_PYTHON else version["python"]
    if found["microsoft"] and _ANY_RELEASE.fullmatch(tag):
        return ""
    return "" if _ANY_TAG.fullmatch(tag) and (tag or not found["digest"]) else None


def _is_python(version: Any) -> bool:
    return isinstance(version, str) and (version in _ANY_PYTHON or bool(_PYTHON.fullmatch(version)))


def _lines(name: str, said: Any) -> Iterator[str]:
    """A command as lines of a script: of several by name one after the other."""
    for command in said.values() if isinstance(said, dict) else [said]:
        if isinstance(command, list) and command:
            words = [_text(word, name) for word in command]
            yield " ".join(_quoted(word) for word in words)
        elif command:
            text = _USER.sub(r"\1", _text(command, name))
            yield f"/bin/sh -c {quote(text)}"


def _quoted(word: str) -> str:
    """A word that no shell reads, but for the name of the folder that it stands for."""
    parts = _PLACE.split(word)
    return "".join(f'"{part}"' if number % 2 else quote(part) for number, part in enumerate(parts))


def _shown(name: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:80]


def _table(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{_shown(name)} is no object")
    return value


def _text(value: Any, name: str) -> str:
    """A text that can stand in a file, and be a word of a command."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"{_shown(name)} is no text")
    value.encode()
    return value


def _texts(value: Any, name: str) -> list[str]:
    """One text, or a list of them, or nothing."""
    return [_text(each, name) for each in (value if isinstance(value, list) else [value]) if each]
