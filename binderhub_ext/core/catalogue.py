"""The catalogue: what an entry may say, how it is found, and what is popular. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from .downloads import ARCHIVE
from .errors import BadLink
from .forges import GIST
from .plain import TEXT_MAX, relative_path, shown
from .repo import Repo
from .sentences import Sentence, fixed

TITLE_MAX, TEXT_LONGEST, REASON_MAX = 120, 1000, 500
TAG_MAX, TAGS_MAX = 30, 8
TERM_MAX, TERMS_MAX = 40, 8

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
"""Unseen, but part of what is seen: of emoji, and of words in several scripts."""

_MARKS_MAX = 4
"""Accents upon one letter; more of them grow out of their line."""

_TAG = re.compile(r"\w[\w.+-]*")
_BETWEEN_TAGS = re.compile(r"[\s,;#]+")

_SSH = re.compile(r"(?<=ssh://)[\w.-]+@")
_USER_INFO = re.compile(r"//[^/?#\s@]+@")
_GIVEN = re.compile(r"(?:^|[?&;#\s])(?P<name>[\w.-]++)=(?=[^&\s])")
_SECRET = re.compile(
    r"token|secret|passw|api_?-?key|access_?-?key|credential|signature|auth(?!or)"
    r"|\A(?:sig|key|pwd)\Z",
    re.I,
)
"""In names of parameters."""

_ISSUED = re.compile(
    r"\b(?:gh[pousr]_\w{20}|github_pat_\w{20}|glpat-[\w-]{15}|hf_\w{20}|sk-[\w-]{20}|xox[abprs]-"
    r"|AKIA[0-9A-Z]{16}|(?<!-)eyJ[\w-]{10,}+\.[\w-]{10,}+\.)"
)
"""How tokens begin that well-known services issue."""

_LAYERS = 4

_PICTURE = fixed("path of the picture")


@dataclass(frozen=True)
class Listing:
    """What its publisher says of a link.

    Attributes:
        title: one line, never empty.
        text: one paragraph, or empty.
        tags: in small letters, each once.
        group: those who see it; empty for everybody.
        picture: path in the repository of a picture, or empty.
        picture_text: what that shows, for those who do not see it.
    """

    title: str
    text: str = ""
    tags: tuple[str, ...] = ()
    group: str = ""
    picture: str = ""
    picture_text: str = ""

    @classmethod
    def read(
        cls,
        title: str,
        text: str = "",
        tags: str = "",
        group: str = "",
        picture: str = "",
        picture_text: str = "",
    ) -> Listing:
        """A listing as it was typed.

        Raises:
            BadLink: something of it is missing or too long.
        """
        title = _within(clean(title), Sentence("title"), TITLE_MAX)
        if not title:
            raise BadLink("Give it a title, by which people find it.")
        text = _within(clean(text), Sentence("description"), TEXT_LONGEST)
        picture = _read_picture(picture.strip())
        shows = _within(clean(picture_text), Sentence("description of the picture"), TITLE_MAX)
        return cls(title, text, read_tags(tags), group, picture, shows if picture else "")


def _read_picture(path: str) -> str:
    if "://" in path:
        raise BadLink(
            "A picture is a file of the repository. Give its path there, such as docs/overview.png,"
            " and no address."
        )
    return relative_path(path, _PICTURE) if path else ""


def clean(text: str) -> str:
    """Text on one line, without what is not seen and what grows out of its line."""
    seen = " ".join("".join(filter(_is_seen, text)).split())
    calm: list[str] = []
    marks = 0
    for character in seen:
        marks = marks + 1 if unicodedata.combining(character) else 0
        calm += [character] if marks <= _MARKS_MAX else []
    return "".join(calm)


def _is_seen(character: str) -> bool:
    joins = character.isspace() or character in _JOINERS
    return joins or unicodedata.category(character) not in _UNSEEN


def read_tags(text: str) -> tuple[str, ...]:
    """Tags, however they were set apart.

    Raises:
        BadLink: too many, or one that is no word.
    """
    names = [name for name in _BETWEEN_TAGS.split(clean(text).casefold()) if name]
    for name in names:
        if not _TAG.fullmatch(name) or len(name) > TAG_MAX:
            raise BadLink(
                "{tag} cannot be a tag. A tag is one word of letters, digits, “-”, “+” and “.”, of"
                " at most {most} characters.",
                tag=shown(name),
                most=TAG_MAX,
            )
    tags = tuple(dict.fromkeys(names))
    if len(tags) > TAGS_MAX:
        raise BadLink(
            "There are {count} tags; at most {most} are allowed.", count=len(tags), most=TAGS_MAX
        )
    return tags


def read_reason(text: str) -> str:
    """Why somebody reports an entry.

    Raises:
        BadLink: nothing was said, or too much.
    """
    reason = _within(clean(text), Sentence("reason"), REASON_MAX)
    if not reason:
        raise BadLink("Say what is wrong with it, so that an administrator knows what to look at.")
    return reason


def check_no_secret(link: str) -> None:
    """Refuse what looks as if it opened something; a link in the catalogue is everybody's.

    Args:
        link: as it was given, and not yet as it was understood.

    Raises:
        BadLink: a user name, a password or a token is in it.
    """
    text = link[:TEXT_MAX]
    for _ in range(_LAYERS):
        named = any(_SECRET.search(given["name"]) for given in _GIVEN.finditer(text))
        if named or _USER_INFO.search(_SSH.sub("", text)) or _ISSUED.search(text):
            raise BadLink(
                "There is something like a password or a token in this link. Everybody could use "
                "it: leave it out, and if it was real, revoke it."
            )
        text, before = unquote(text), text
        if text == before:
            return


def is_listed(repo: Repo) -> bool:
    """Whether the address of a repository may be told to who does not know it.

    A file at any address is often open to whoever has been told that, as a cloud's share is, and so
    is a secret gist: its id is all that keeps it. A folder of a machine is its owner's alone.
    """
    host = urlsplit(repo.url).hostname
    opens = repo.provider in (ARCHIVE.id, GIST.id) or host == GIST.host
    return not (opens or repo.live)


def normal(text: str) -> str:
    """Text as it is searched: small letters without accents."""
    text = text.casefold()
    if text.isascii():
        return text
    parts = unicodedata.normalize("NFKD", text)
    return "".join(c for c in parts if not unicodedata.combining(c))


def words_of(listing: Listing, repo: str) -> str:
    """What an entry is found by.

    Args:
        repo: name of its repository, as people write it.
    """
    return normal("\n".join((listing.title, listing.text, " ".join(listing.tags), repo)))


def terms(query: str) -> tuple[str, ...]:
    """What has to be in an entry, all of it, for it to be found."""
    words = dict.fromkeys(word[:TERM_MAX] for word in normal(clean(query)).split())
    return tuple(words)[:TERMS_MAX]


def popularity(ages: Iterable[float], half_life: float) -> float:
    """How popular something is: each person counts once, and less with time.

    Args:
        ages: seconds since each person's latest launch; clocks that were set back count as now.
        half_life: seconds after which a person counts half.
    """
    return sum(0.5 ** (max(age, 0.0) / half_life) for age in ages)


@dataclass(frozen=True)
class Popular:
    """How popular something is.

    Attributes:
        score: as of :func:`popularity`.
        people: how many.
    """

    score: float
    people: int


NOBODY = Popular(0.0, 0)


def most_popular(
    latest: Mapping[str, Mapping[str, float]], *, now: float, half_life: float, people: int
) -> dict[str, Popular]:
    """What is popular, the most first; only what so many launched that it tells of nobody.

    Args:
        latest: by what was launched, the time of each person's latest launch.
        now: in the same time.
        people: how many it takes.
    """
    found = {
        what: Popular(popularity((now - then for then in times.values()), half_life), len(times))
        for what, times in latest.items()
        if len(times) >= people
    }
    order = sorted(found, key=lambda what: (-found[what].score, what))
    return {what: found[what] for what in order}


def _within(text: str, what: Sentence, most: int) -> str:
    if len(text) > most:
        raise BadLink(
            "The {what} is {count} characters long; at most {most} are allowed.",
            what=what,
            count=len(text),
            most=most,
        )
    return text
