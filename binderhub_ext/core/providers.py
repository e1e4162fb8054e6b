"""The table of providers: which ids a link may have here.

A deployment adds an institution's own forge by `table(*PROVIDERS.values(), gitlab("inst",
"gitlab.example.org", "Institute"))`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from .archives import CKAN, DATAVERSE, FIGSHARE, HYDROSHARE, IMAGE, ZENODO
from .downloads import ARCHIVE, OSF
from .errors import BadLink, UnknownProvider
from .folders import FOLDER
from .forges import GIST, GIT, GITHUB, GITLAB, HUGGING_FACE, github, gitlab
from .plain import shown
from .provider import Provider
from .repo import Repo
from .shipped import SHIPPED
from .understanding import Understanding
from .url import DEFAULT_PORTS, SCHEMES, read_url

__all__ = [
    "PROVIDERS",
    "Provider",
    "Providers",
    "ask",
    "at_forge",
    "find",
    "github",
    "gitlab",
    "table",
]

Providers = Mapping[str, Provider]


def table(*providers: Provider) -> Providers:
    """Providers by id, in the order the form shows them."""
    return MappingProxyType({provider.id: provider for provider in providers})


def find(providers: Providers, id: str) -> Provider:
    """The provider of an id.

    Raises:
        UnknownProvider: there is none; says which there are.
    """
    if id not in providers:
        known = ", ".join(providers)
        raise UnknownProvider(
            "There is no provider {id} here. There are: {known}.", id=shown(id), known=known
        )
    return providers[id]


def at_forge(repo: Repo, providers: Providers) -> Repo:
    """The repository a Git address means: that of a forge, if it is on one this service knows.

    Raises:
        BadLink: the forge cannot have such a repository.
    """
    if repo.provider != "git":
        return repo
    url = read_url(repo.url, SCHEMES)
    if url.scheme != "ssh" and url.port != DEFAULT_PORTS[url.scheme]:
        return repo
    forge = next((p for p in providers.values() if p.pages and p.host == url.host), None)
    return forge.repo(url.name) if forge else repo


PROVIDERS = table(
    *(GITHUB, GIST, GITLAB, HUGGING_FACE, GIT),
    *(ZENODO, FIGSHARE, OSF, DATAVERSE, HYDROSHARE, CKAN, ARCHIVE),
    *(IMAGE, SHIPPED, FOLDER),
)
"""The built-in providers, in the order the form shows them."""


def ask(
    providers: Providers, question: Callable[[Provider], Understanding | None]
) -> Understanding | None:
    """What the providers make of something pasted: the first that is sure, else the first.

    Raises:
        BadLink: the first that knows it says that it means nothing.
        UnknownProvider: understood by a built-in one that this service does not offer.
    """
    first: Understanding | BadLink | None = None
    for provider in {**PROVIDERS, **providers}.values():
        try:
            answer = question(provider)
        except BadLink as error:
            first = first or error
            continue
        if answer and not answer.guessed:
            return _offered(answer, providers)
        first = first or answer
    if isinstance(first, BadLink):
        raise first
    return _offered(first, providers) if first else None


def _offered(answer: Understanding, providers: Providers) -> Understanding:
    find(providers, answer.request.repo.provider if answer.request.repo else IMAGE.id)
    return answer
