"""Getting the address out of what surrounds it: badges, markup and command lines."""

from __future__ import annotations

import html
import re
import shlex
from dataclasses import dataclass

QUOTATION_MARKS = "“”„‟«»\u2039\u203a"
"""As programs for texts and mails write them: of addresses they are no part. Single ones are not
among them, since apostrophes are in names of files."""

_URL = re.compile(rf"(?:https?|git|ssh)://[^\s<>\"'`\]{QUOTATION_MARKS}]+")
_MARKUP = (
    re.compile(r"href\s*+=\s*+[\"']?([^\"'\s>]+)", re.IGNORECASE),
    re.compile(r"\]\(\s*<?((?:[^()\s>]|\([^()\s]*\))++)>?[^()]*\)(?!\s*\])"),
    re.compile(r":target:[ \t]*(\S+)"),
    re.compile(r"^[ \t]*\.\.[ \t]+_[^:\n]+:[ \t]*(\S+)", re.MULTILINE),
    re.compile(r"`[^`<]*<([^`>]+)>`_"),
    re.compile(r"^[ \t]*\[[^\]\n]+\]:[ \t]*(\S+)", re.MULTILINE),
    re.compile(r"\blink=\"?([^\",\]]+)"),
    re.compile(r"\[\[([^\]\[]+)\]\["),
)
_PICTURE = re.compile(r"\.(svg|png|gif|jpe?g)$", re.IGNORECASE)
_COMMANDS = {
    "binder-at-home",
    "docker",
    "gh",
    "git",
    "gitpuller",
    "glab",
    "jupyter-repo2docker",
    "pip",
    "pip3",
    "podman",
    "repo2docker",
    "uv",
}
_REF_OPTIONS = {"-b", "--branch", "--ref"}
_VALUE_OPTIONS = {
    "--depth", "--origin", "-o", "--config", "-c", "--filter", "--jobs", "-j", "--reference",
    "-p", "--publish", "-v", "--volume", "--name", "-e", "--env", "-u", "--user", "-w",
    "--workdir", "--network", "--engine", "--hub", "--image-name", "--platform", "--memory",
}  # fmt: skip
_ENDS = {"&&", "||", ";", "|", "&"}


@dataclass(frozen=True)
class Command:
    """A command line that gets or runs a repository or an image.

    Attributes:
        subject: the address in it.
        ref: branch, tag or commit it names, or empty.
        image: whether the subject is a container image.
    """

    subject: str
    ref: str = ""
    image: bool = False


def command(text: str) -> Command | None:
    """A command line with an address in it, or `None` for anything else."""
    try:
        words = shlex.split(text.lstrip("$%!> \t").replace("\\\n", " "))
    except ValueError:
        return None
    words = words[1:] if words[:1] == ["sudo"] else words
    if len(words) < 2 or words[0] not in _COMMANDS:
        return None
    arguments, ref = _arguments(words[1:])
    places = [word for word in arguments if "/" in word]
    container = words[0] in ("docker", "podman")
    if container and not any("repo2docker" in word for word in arguments):
        images = [word for word in arguments if word not in ("run", "pull", "image", "container")]
        return Command(images[0], image=True) if images else None
    if container or words[0] == "gitpuller":
        places = [place for place in places if "://" in place]
    if words[0] == "gitpuller" and len(arguments) > 1 and not ref:
        ref = arguments[1]
    return Command(places[0], ref) if places else None


def links(text: str) -> list[str]:
    """Where the links of a piece of Markdown, HTML, reStructuredText or prose lead, once each.

    Pictures are left out: they say nothing of where their link leads.
    """
    links = [link for pattern in _MARKUP for link in pattern.findall(text)]
    links = [link for link in links if "/" in link] or [
        link.rstrip(").,;:!?") for link in _URL.findall(text)
    ]
    plain = (html.unescape(link) for link in links)
    return list(dict.fromkeys(link for link in plain if not is_picture(link)))


def is_picture(link: str) -> bool:
    """Whether it leads to a picture, such as a badge's own."""
    return _PICTURE.search(link) is not None


def _arguments(words: list[str]) -> tuple[list[str], str]:
    """Arguments that are no options, up to the end of the first command, and the ref."""
    arguments: list[str] = []
    ref = ""
    rest = iter(words)
    for word in rest:
        if word in _ENDS:
            break
        name, equals, value = word.partition("=")
        if name in _REF_OPTIONS:
            ref = value if equals else next(rest, "")
        elif word in _VALUE_OPTIONS:
            next(rest, "")
        elif not word.startswith("-"):
            arguments.append(word)
    return arguments, ref
