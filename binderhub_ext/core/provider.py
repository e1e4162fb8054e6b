"""All there is to know of a place repositories live at; one frozen value each.

Found by entry point (`binderhub_ext.repo_providers`, under its id), the built-in ones too: its
grammar, what may be pasted, how it is shown, and what fetches from it. Nothing is looked up here.
The kinds of ours are in :mod:`.forges` and :mod:`.archives`. Source of ids, specs and display
configuration: BinderHub's `repoproviders.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from .errors import BadLink
from .launch import LaunchRequest
from .pages import Place
from .plain import decoded, ref_name, relative_path, shown
from .repo import Commit, Repo
from .sentences import Sentence, fixed
from .understanding import Again, Understanding, WebLink


@dataclass(frozen=True)
class Provider:
    """One kind of place repositories live at.

    Attributes:
        id: the short id in links.
        title: what people call it.
        host: the forge's host, or empty where the repository names its own.
        label, placeholder: of the form's field.
        pattern: what a spec looks like, as clients check it (a JavaScript expression too).
        detect: how clients strip a pasted site from the repository, or empty.
        escaped: whether the repository is one escaped part of the path.
        has_ref: whether links carry a ref.
        pages: whose web pages the host shows: `github`, `gitlab` or empty.
        name: what a short fact about a launch calls it; default: the title.
        fetcher: `module:class` of the :class:`~..repos.base.RepoProvider` that fetches from it,
            a Configurable with `data_dir`; empty where there is nothing to fetch.
        at_binder: whether every Binder has it under this id.
        noun: what a refusal calls the name of a repository.
    """

    noun: ClassVar[str] = fixed("repository")

    id: str
    title: str
    host: str = ""
    label: str = ""
    placeholder: str = ""
    pattern: str = ".+"
    detect: str = ""
    escaped: bool = False
    has_ref: bool = True
    pages: str = ""
    name: str = ""
    fetcher: str = ""
    at_binder: bool = False

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.title)

    def display(self) -> dict[str, Any]:
        """The entry of `/api/repoproviders`."""
        entry: dict[str, Any] = {
            "displayName": self.title,
            "id": self.id,
            "spec": {"validateRegex": self.pattern},
            "repo": {
                "label": self.label,
                "placeholder": self.placeholder,
                "urlEncode": self.escaped,
            },
            "ref": {"enabled": True, "default": "HEAD"} if self.has_ref else {"enabled": False},
        }
        return entry | ({"detect": {"regex": self.detect}} if self.detect else {})

    def repo(self, name: str) -> Repo:
        """The repository of an unescaped name.

        Raises:
            BadLink: this provider cannot have it.
        """
        raise NotImplementedError

    def parse(self, raw_spec: str) -> tuple[Repo | None, str]:
        """Repository and ref of a spec as it stands in a URL, escapes and all.

        Where links carry no ref the spec is the repository, at `HEAD`.
        Without a repository (provider `image`), the second is the image.

        Raises:
            BadLink: not a spec of this provider.
        """
        if not self.has_ref:
            return self.repo(decoded(raw_spec, self.noun)), "HEAD"
        name, _, ref = raw_spec.partition("/")
        return self.repo(decoded(name, self.noun)), required_ref(ref, f"{name}/HEAD")

    def spec(self, repo: Repo, ref: str) -> str:
        """The inverse of :meth:`parse`, escaped for a URL."""
        name = quote(repo.name, safe="")
        return f"{name}/{quote(ref, safe='/')}" if self.has_ref else name

    def page(self, link: WebLink, again: Again) -> Understanding | None:
        """What a pasted page means; `None` if it is none of this provider's.

        Whatever had to be assumed is said (:meth:`~.understanding.Understanding.guessing`):
        another provider that is sure comes first.

        Args:
            again: understands a link that is found inside the page's address.

        Raises:
            BadLink: a page of this provider that shows no repository.
        """
        return None

    def doi(self, doi: str) -> Understanding | None:
        """What a DOI means; `None` if it is none of this provider's."""
        return None

    def elsewhere(self, repo: Repo) -> Repo:
        """The repository as a link of any other Binder names it.

        Raises:
            BadLink: no other Binder can have it.
        """
        if self.at_binder:
            return repo
        raise BadLink("Other Binders do not know {title}.", title=self.title)

    def shows(self, place: Place, site: str = "") -> Understanding:
        """What a place on a forge means.

        Args:
            place: what the page shows.
            site: for provider `git`, what stands before the repository's name.

        Raises:
            BadLink: this provider cannot have such a repository, ref or path.
        """
        name = f"{site}/{place.name}" if site else place.name
        path = relative_path(place.path, "path of the address") if place.path else ""
        request = LaunchRequest(self.repo(name), ref_name(place.ref), filepath=path)
        return Understanding(request, place.guessed)

    def resolved(self, commit: Commit) -> Sentence:
        """What a launch says of a ref that was looked up."""
        if self.has_ref:
            return Sentence("{ref} is commit {commit}.", ref=commit.ref, commit=commit.id)
        return Sentence(
            "{name} is at version {version}.", name=commit.repo.shown, version=commit.short
        )

    def commit_url(self, commit: Commit) -> str:
        """A page that shows the commit, or the best there is."""
        return commit.repo.url


def required_ref(raw: str, suggestion: str) -> str:
    """The ref at the end of a spec.

    Raises:
        BadLink: none there (says what was perhaps meant), or not a ref.
    """
    if not raw.strip("/"):
        raise BadLink(
            "The link has no ref. Did you mean {suggestion}?", suggestion=shown(suggestion)
        )
    return ref_name(decoded(raw, "ref").rstrip("/"))
