"""What text of a link may look like, whatever it means.

Everything a stranger can put into a link passes one of these checks before it becomes part
of a launch request, so that no later room meets a control character, a path that climbs, a
second layer of percent-escapes or a letter that looks like another one.

Pairs of look-alikes: the Latin rows of
https://www.unicode.org/Public/security/latest/confusables.txt.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, unquote, unquote_to_bytes

from . import refs
from .errors import BadLink
from .sentences import Sentence

REF_MAX = 250
PATH_MAX = 2048
TEXT_MAX = 16384
_FIELDS_MAX = 100

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_STRUCTURE = set("/\\.:%?#@")
_LOOKALIKES = dict(
    zip(
        "аеорсухіјѕһԁԛԝАВЕКМНОРСТХІЈЅοΟΑΒΕΖΗΙΚΜΝΡΤΥΧν",  # noqa: RUF001
        "aeopcyxijshdqwABEKMHOPCTXIJSoOABEZHIKMNPTYXv",
        strict=True,
    )
)
_WORD = re.compile(r"[^\W\d_]+")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_CREDENTIALS = re.compile(r"(?<=//)[^/\s]*@|[^/\s@:]+:[^/\s@]*@")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_OTHER_PEOPLE = {"user", "hub", "services"}


def shown(text: str) -> str:
    """A text as an error may repeat it: short, on one line, no invisible letter, no password."""
    text = _CREDENTIALS.sub("…@", text[:PATH_MAX])
    return f"“{printable(text[:60])}{'…' if len(text) > 60 else ''}”"


def printable(text: str) -> str:
    """A name that somebody gave, as a terminal may have it: nothing in it is a command."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def plain(text: str, what: str, most: int = PATH_MAX) -> str:
    """Text on one line in which every character is what it looks like.

    Args:
        text: decoded text.
        what: what it is called in the error, such as `ref`.
        most: allowed length in characters.

    Raises:
        BadLink: too long, invisible characters, look-alikes of letters or of `/ . :`.
    """
    if len(text) > most:
        raise BadLink(
            "The {what} is {count} characters long; at most {most} are allowed.",
            what=Sentence(what),
            count=len(text),
            most=most,
        )
    for character in text:
        _check_character(character, what)
    for word in _WORD.findall(text):
        _check_word(word, what)
    return text


def decoded(raw: str, what: str) -> str:
    """Percent-decode exactly once.

    Raises:
        BadLink: the escapes are not UTF-8.
    """
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeError as error:
        raise BadLink(
            "The {what} {raw} is not written in UTF-8.", what=Sentence(what), raw=shown(raw)
        ) from error


def query_pairs(query: str) -> list[tuple[str, str]]:
    """The parameters of a link, decoded.

    Raises:
        BadLink: not UTF-8, or too many.
    """
    try:
        return parse_qsl(
            query.removeprefix("?"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_FIELDS_MAX,
        )
    except ValueError as error:
        raise BadLink(
            "The link's parameters are not UTF-8, or more than {fields_max}.",
            fields_max=_FIELDS_MAX,
        ) from error


def ref_name(text: str) -> str:
    """A branch, tag, commit or `HEAD` as Git allows it; nothing means `HEAD`.

    Raises:
        BadLink: Git could not have such a ref, or it is escaped twice.
    """
    if _ESCAPE.search(plain(text, "ref", REF_MAX)):
        raise BadLink(
            "The ref {given} is percent-escaped twice. Escape it once.", given=shown(text)
        )
    if text and not refs.is_valid(text):
        raise BadLink(
            "{given} cannot be the name of a branch, a tag or a commit.", given=shown(text)
        )
    return refs.check(text)


def relative_path(text: str, what: str) -> str:
    """A path inside a project: no leading or trailing slash, no empty or `.` part.

    One leading slash is forgiven, as BinderHub does.

    Raises:
        BadLink: it climbs, has a backslash, a host, or escapes that hide one of these.
    """
    if text.startswith("//"):
        raise BadLink(
            "The {what} {given} begins with two slashes. Give a relative path.",
            what=Sentence(what),
            given=shown(text),
        )
    _check_path(plain(text, what), what)
    return "/".join(part for part in text.split("/") if part not in ("", "."))


def server_path(text: str) -> str:
    """A path below a server's own URL, with query and fragment, ready to be joined to it.

    Raises:
        BadLink: another site, another person's server, the Hub, or a path that climbs.
    """
    plain(text, "urlpath", 2 * PATH_MAX)
    path = text.removeprefix("/")
    if path.startswith("/") or _SCHEME.match(path):
        raise BadLink(
            "The urlpath {given} leads to another site. Give a relative path.", given=shown(text)
        )
    if "\\" in path:
        raise BadLink("The urlpath {given} contains a backslash. Write “/”.", given=shown(text))
    end = re.search(r"[?#]|$", path)
    cut = end.start() if end else len(path)
    # MyST joins paths that begin with a slash; a server knows no empty part.
    once = re.sub(r"(?<!:)/{2,}", "/", path[:cut])
    path, cut = once + path[cut:], len(once)
    _check_path(path[:cut], "urlpath")
    for layer in _layers(path[:cut], "urlpath"):
        if layer.lstrip("/").partition("/")[0].lower() in _OTHER_PEOPLE:
            raise BadLink(
                "The urlpath {given} leaves the server. Give a path inside it.", given=shown(text)
            )
    return _requoted(path[:cut], "/:@!$&'()*+,;=~") + _requoted(path[cut:], "/:@!$&'()*+,;=~?#")


def _check_character(character: str, what: str) -> None:
    if character.isascii() and character.isprintable():
        return
    category = unicodedata.category(character)
    hidden = category in _INVISIBLE or (category == "Zs" and character != " ")
    if hidden or _STRUCTURE & set(unicodedata.normalize("NFKC", character)):
        name = unicodedata.name(character, f"character {ord(character)}")
        raise BadLink(
            "The {what} contains {name}, which cannot be told from something else.",
            what=Sentence(what),
            name=name,
        )


def _check_word(word: str, what: str) -> None:
    if word.isascii() or not any(c.isascii() for c in word):
        return
    for character in word:
        if twin := _LOOKALIKES.get(character):
            name = unicodedata.name(character)
            raise BadLink(
                "The {what} contains {name}, which looks like “{twin}”. Type it anew.",
                what=Sentence(what),
                name=name,
                twin=twin,
            )


def _check_path(path: str, what: str) -> None:
    slashes = path.count("/")
    for layer in _layers(path, what):
        if any(not c.isprintable() for c in layer) or "\\" in layer:
            raise BadLink(
                "The {what} {path} contains a character no path may have.",
                what=Sentence(what),
                path=shown(path),
            )
        if layer.count("/") != slashes:
            raise BadLink(
                "The {what} {path} contains an escaped “/”. Write it plainly.",
                what=Sentence(what),
                path=shown(path),
            )
        if ".." in layer.split("/"):
            raise BadLink(
                "The {what} {path} contains “..”. Give a path without it.",
                what=Sentence(what),
                path=shown(path),
            )


def _layers(text: str, what: str) -> Iterator[str]:
    """The text, then what each careless extra decoding would make of it."""
    for _ in range(4):
        yield text
        text, before = unquote(text), text
        if text == before:
            return
    raise BadLink(
        "The {what} is percent-escaped too many times. Escape it once.", what=Sentence(what)
    )


def _requoted(text: str, safe: str) -> str:
    """Escape what a URL cannot have, keeping escapes that are there."""
    parts = re.split(r"(%[0-9A-Fa-f]{2})", text)
    return "".join(p if i % 2 else quote(p, safe=safe) for i, p in enumerate(parts))
