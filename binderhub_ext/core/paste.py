"""Making a launch request of whatever people have at hand. No network.

A paste is one address, a command line with one in it, or a piece of text (a badge, a README) with
one link that can be launched. What had to be assumed is said; where two meanings are equally
likely nothing is assumed and the error asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from . import downloads, heritage, hublinks, pages, pointers, snippets
from .errors import BadLink
from .launch import LaunchRequest
from .links import with_ref
from .plain import REF_MAX, TEXT_MAX, decoded, shown
from .providers import PROVIDERS, Providers, at_forge, find
from .sentences import Sentence
from .understanding import Again, Understanding, WebLink, read_web_link
from .url import is_scp

__all__ = ["Understanding", "understand"]

Recogniser = Callable[[WebLink, Providers, Again], Understanding | None]

_DEPTH = 4
_SCHEME = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9+.-]*)://")
_HOST = re.compile(r"(?:[\w-]+\.)+[A-Za-z]{2,}(?::\d{1,5})?/\S+")
_DOI_WORD = re.compile(r"doi:\s*10\.|10\.\d{4,9}/", re.IGNORECASE)
_SHORT = re.compile(
    r"(?:(?P<kind>[a-z]+):)?(?P<name>[\w.-]+(?:/[\w.-]+)+?)(?:\.git)?(?:[@#](?P<ref>\S+))?"
)
_FOLDER = re.compile(r"(?:~|\.{1,2})?/")
_KINDS = {"gh": "gh", "github": "gh", "gl": "gl", "gitlab": "gl", "gist": "gist"}
_REGISTRIES = re.compile(
    r"(?:docker\.io|ghcr\.io|quay\.io|(?:[\w-]+\.)*gcr\.io|mcr\.microsoft\.com|public\.ecr\.aws"
    r"|registry\.gitlab\.com|[\w-]+\.azurecr\.io)/"
)
_USER_NAME = re.compile(r"(?<=//)[A-Za-z][\w.-]{0,38}@(?=(?:bitbucket\.org|dev\.azure\.com)/)")
_PAGE = re.compile(r"\.(?:aspx?|html?|ipynb|md|pdf|php|rst)/?\Z", re.IGNORECASE)
_QUOTES = f"\"'`\u2018\u2019{snippets.QUOTATION_MARKS}<>,; \t\r\n\ufeff"
_WHAT = (
    "Paste the address of a repository (such as https://github.com/owner/name), "
    "owner/name, a DOI, or a Binder link."
)


def understand(text: str, *, providers: Providers = PROVIDERS) -> Understanding:
    """What a paste asks for.

    Args:
        text: an address, a command, or a piece of Markdown, HTML or reStructuredText.
        providers: what this service has.

    Raises:
        BadLink: it cannot be understood, is ambiguous, or carries a password.
        UnknownProvider: understood, but this service has no such provider.
    """
    if len(text) > TEXT_MAX:
        raise BadLink(
            "The text is {count} characters long; at most {text_max} are read.",
            count=len(text),
            text_max=TEXT_MAX,
        )
    if command := snippets.command(text.strip()):
        return _command(command, providers)
    text = text.strip(_QUOTES)
    if not text:
        raise BadLink("There is nothing to launch. " + _WHAT)
    text = re.sub(r"\Adoi:\s+(?=10\.\S+\Z)", "doi:", text, flags=re.IGNORECASE)
    if re.search(rf"[\s<>\"`{snippets.QUOTATION_MARKS}]|\]\(|\[link=", text):
        links = snippets.links(text)
        understanding = _among(links, providers)
        cut = len(links) == 1 and text.startswith(links[0])
        taken = Sentence("Took {link} and left out the rest.", link=shown(links[0]))
        return understanding.guessing(taken) if cut else understanding
    return _word(text, providers, _DEPTH)


def _command(command: snippets.Command, providers: Providers) -> Understanding:
    if command.image:
        return pointers.of_image(command.subject, providers)
    understanding = _word(command.subject.split()[-1], providers, _DEPTH)
    return Understanding(
        with_ref(understanding.request, command.ref, providers=providers), understanding.guessed
    )


def _among(links: list[str], providers: Providers) -> Understanding:
    """The one link of a text that can be launched; a Binder link before any other."""
    understood: dict[LaunchRequest, Understanding] = {}
    binders: dict[LaunchRequest, Understanding] = {}
    failures: list[BadLink] = []
    for link in links:
        try:
            understanding = _word(link, providers, _DEPTH, guess=False)
        except BadLink as error:
            failures.append(error)
            continue
        understood.setdefault(understanding.request, understanding)
        if re.search(r"/v2/|/repo/", link):
            binders.setdefault(understanding.request, understanding)
    for group in (binders, understood):
        if len(group) == 1:
            (understanding,) = group.values()
            more = len(links) - 1
            return (
                understanding.guessing(
                    Sentence("Took one of {count} links in the text.", count=more + 1)
                )
                if more
                else understanding
            )
    if understood:
        raise BadLink(
            "The text holds {count} links that can be launched. Paste the one you mean.",
            count=len(understood),
        )
    if len(failures) == 1:
        raise failures[0]
    raise BadLink("The text holds no link that can be launched. " + _WHAT)


def _word(word: str, providers: Providers, depth: int, *, guess: bool = True) -> Understanding:
    """What one address means."""
    if depth == 0:
        raise BadLink("The link holds a link that holds a link, and so on. Paste the innermost.")
    if _DOI_WORD.match(word):
        return pointers.of_doi(word, providers)
    if heritage.is_identifier(word):
        return heritage.identifier(word, _again(providers, depth))
    if re.match(r"/?(?:[\w/-]*/)?v2/[a-z]+/", word):
        return _web(f"https://binder.invalid/{word.lstrip('/')}", providers, depth, guess)
    if is_scp(word) and word.partition(":")[0] not in _KINDS:
        return _git(word, providers)
    if scheme := _SCHEME.match(word):
        return _url(word, scheme["name"].lower(), providers, depth, guess)
    if _REGISTRIES.match(word) and not word.startswith("quay.io/repository/"):
        return pointers.of_image(word, providers)
    if _HOST.fullmatch(word) and "@" not in word.partition("/")[0]:
        return _web(f"https://{word}", providers, depth, guess)
    if guess and _FOLDER.match(word):
        raise BadLink(
            "{word} looks like a folder, and no link can name one. If it is on the machine on which"
            " you run Binder@home yourself, type “binder-at-home launch ./folder” there.",
            word=shown(word),
        )
    return _short(word, providers)


def _url(word: str, scheme: str, providers: Providers, depth: int, guess: bool) -> Understanding:
    rest = word[len(scheme) :]
    if scheme in ("http", "https"):
        return _web(f"{scheme}{rest}", providers, depth, guess)
    if scheme == "docker":
        return pointers.of_image(rest.removeprefix("://"), providers)
    if scheme.startswith("git+"):
        place, ref = _pip(f"{scheme.removeprefix('git+')}{rest}")
        understanding = _word(place, providers, depth - 1)
        return Understanding(
            with_ref(understanding.request, ref, providers=providers), understanding.guessed
        )
    if scheme in ("git", "ssh"):
        return _git(f"{scheme}{rest}", providers)
    raise BadLink(
        "Addresses that begin with {scheme} cannot be fetched. " + _WHAT, scheme=shown(scheme)
    )


def _web(url: str, providers: Providers, depth: int, guess: bool) -> Understanding:
    without_name = _USER_NAME.sub("", url)
    link = read_web_link(without_name)

    again = _again(providers, depth)
    for recognise in _RECOGNISERS:
        if understanding := recognise(link, providers, again):
            understanding = (
                _fragment(understanding, link, providers)
                if recognise is pointers.place
                else understanding
            )
            break
    else:
        understanding = _unknown_site(link, providers, depth, guess)
    if without_name != url:
        return understanding.guessing(Sentence("Left out the user name in the address."))
    return understanding


def _again(providers: Providers, depth: int) -> Again:
    def again(inner: str) -> Understanding:
        inner = decoded(inner, "address") if re.match(r"https?%3A", inner, re.IGNORECASE) else inner
        return _word(inner, providers, depth - 1)

    return again


def _unknown_site(link: WebLink, providers: Providers, depth: int, guess: bool) -> Understanding:
    git = find(providers, "git")
    if snippets.is_picture(link.raw_path):
        raise BadLink("This is the address of a picture. Paste the link that the picture has.")
    if any(part.endswith(".git") for part in link.parts):
        return _fragment(_git(link.url, providers), link, providers)
    if (shape := pages.by_shape(link.parts)) and guess:
        title, show = shape
        understanding = git.shows(show(link.parts, link.query), link.site)
        runs = Sentence("Took {host} as a site that runs {program}.", host=link.host, program=title)
        return understanding.guessing(runs)
    if guess and (archive := downloads.packed(link)):
        find(providers, downloads.ARCHIVE.id)
        return archive
    inside = {value for value in link.query.values() if re.match(r"https?://", value)}
    if len(inside) == 1:
        # as mail programs, search engines and chats make them of every link
        understanding = _word(inside.pop(), providers, depth - 1, guess=False)
        return understanding.guessing(
            Sentence("Took the address that a link of {host} leads to.", host=link.host)
        )
    if not guess or not link.parts or link.raw_query or _PAGE.search(link.raw_path):
        raise BadLink("{url} is not known to be a repository. " + _WHAT, url=shown(link.url))
    understanding = _git(link.url, providers)
    return understanding.guessing(
        Sentence("Took {url} as the address of a Git repository.", url=shown(link.url))
    )


_RECOGNISERS: tuple[Recogniser, ...] = (
    pointers.binder,
    hublinks.nbgitpuller,
    hublinks.hub,
    hublinks.asking,
    hublinks.swan,
    heritage.page,
    pointers.viewer,
    pointers.place,
)


def _git(text: str, providers: Providers) -> Understanding:
    """A Git URL; on a forge that is known, the repository of that forge, by HTTPS."""
    text, _, fragment = text.partition("#")
    repo = at_forge(find(providers, "git").repo(text), providers)
    return Understanding(_with_fragment(LaunchRequest(repo), fragment, providers))


def _fragment(understanding: Understanding, link: WebLink, providers: Providers) -> Understanding:
    """`….git#ref:folder`, as Docker and npm write it; other pages' fragments mean nothing here."""
    if not any(part.endswith(".git") for part in link.parts):
        return understanding
    return Understanding(
        _with_fragment(understanding.request, link.fragment, providers), understanding.guessed
    )


def _with_fragment(request: LaunchRequest, fragment: str, providers: Providers) -> LaunchRequest:
    ref = "" if "=" in fragment else decoded(fragment.partition(":")[0], "ref")
    return with_ref(request, ref, providers=providers)


def _pip(text: str) -> tuple[str, str]:
    """`https://host/path@ref#egg=…` as pip writes it: the address and the ref."""
    text = text.partition("#")[0]
    head, at, ref = text.rpartition("@")
    if at and "/" in head.partition("://")[2]:
        return head, decoded(ref, "ref")
    return text, ""


def _short(word: str, providers: Providers) -> Understanding:
    """`owner/name`, `gl:group/name`, `owner/name@ref`, `gh/owner/name/ref`."""
    first = word.partition("/")[0]
    if first in providers and word.count("/") > 2 - (first not in ("gh", "gist")):
        return _web(f"https://binder.invalid/v2/{word}", providers, 1, False)
    short = _SHORT.fullmatch(word) if len(word) <= 4 * REF_MAX else None
    kind = _KINDS.get(short["kind"] or "gh") if short else None
    if not short or not kind or first in (".", "..", "~", ""):
        raise BadLink("{word} cannot be understood. " + _WHAT, word=shown(word))
    provider = find(providers, kind)
    parts = short["name"].split("/")
    ref = short["ref"] or ("/".join(parts[2:]) if kind == "gh" else "")
    name = "/".join(parts[:2]) if kind == "gh" else short["name"]
    request = with_ref(LaunchRequest(provider.repo(name)), ref, providers=providers)
    if short["kind"]:
        return Understanding(request)
    taken = {"repo": name, "provider": provider.title}
    if not ref or short["ref"]:
        said = Sentence("Took {repo} as a repository of {provider}.", **taken)
    else:
        text = "Took {repo} as a repository of {provider} and {ref} as the branch."
        said = Sentence(text, ref=shown(ref), **taken)
    return Understanding(request, (said,))
