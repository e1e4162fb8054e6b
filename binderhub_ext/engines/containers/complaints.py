"""What an engine says of a transfer that failed, in words for people. Pure."""

from __future__ import annotations

from ...core.errors import (
    BinderError,
    ImageNotFound,
    ImageRefused,
    NoSpace,
    RegistryUnavailable,
    TooMany,
    Unsupported,
)
from ...core.sentences import Sentence
from ..base import EngineDown

_Answer = tuple[tuple[str, ...], type[BinderError], str]


def _rule(signs: tuple[str, ...], error: type[BinderError], words: str) -> _Answer:
    return signs, error, words


_ANSWERS: tuple[_Answer, ...] = (
    _rule(
        ("cannot connect to the docker daemon", "error while fetching server api version"),
        EngineDown,
        "The container engine of this hub does not answer. Tell the administrator.",
    ),
    _rule(
        ("no space left on device",),
        NoSpace,
        "The disk of this hub is too full for the image.",
    ),
    _rule(
        ("no matching manifest", "no match for platform", "does not match the specified platform"),
        Unsupported,
        "The image {name} is not made for this machine's kind of processor. Take one that is, or"
        " ask whoever makes it for one.",
    ),
    _rule(
        ("toomanyrequests", "too many requests", "rate limit", "http 429 "),
        TooMany,
        "{host} has had too many questions from this hub and asks it to wait. Try again later; the"
        " administrator can sign the hub in there for more.",
    ),
    _rule(
        ("pull access denied", "manifest unknown", "name unknown", " not found: ", ": not found"),
        ImageNotFound,
        "There is no image {name}, or this hub may not read it. Look for a typing mistake in its"
        " name and tag; for one that is private, the administrator has to give the hub"
        " credentials.",
    ),
    _rule(
        ("unauthorized", "authentication req", "no basic auth", "denied", "forbidden", "http 403 "),
        ImageRefused,
        "{host} does not let this hub use {name}. The administrator has to give the hub credentials"
        " for it, or newer ones.",
    ),
    _rule(
        ("404 not found", "status code 404", "404 page not found", "http 404 "),
        ImageNotFound,
        "There is no image {name}. Look for a typing mistake in its name and tag.",
    ),
)
"""What the engine's words contain, the surest first; in them are the registry's own."""

_SILENT = _rule(
    (),
    RegistryUnavailable,
    "{host} did not answer, or gave an unusable answer, so the image {name} could not be moved."
    " Try again in a moment.",
)


def complaint(name: str, said: str) -> BinderError:
    """The error for a transfer that failed.

    Args:
        name: of the image.
        said: the engine's own words.
    """
    told = said.lower()
    fitting = (answer for answer in _ANSWERS if any(sign in told for sign in answer[0]))
    _, error, words = next(fitting, _SILENT)
    return error(words, detail=said, host=_host(name), name=name)


def _host(name: str) -> Sentence:
    first, slash, _ = name.partition("/")
    has_host = slash and (first == "localhost" or "." in first or ":" in first)
    return Sentence("The registry {host}", host=first) if has_host else Sentence("Docker Hub")
