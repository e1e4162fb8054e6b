"""What every provider of a link can say of itself; one frozen value each.

Grammar only: nothing is looked up. The kinds are in :mod:`.forges` and :mod:`.archives`, the
table of them in :mod:`.providers`. Source of ids, specs and display configuration: BinderHub's
`repoproviders.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .errors import BadLink
from .plain import decoded, ref_name, shown
from .repo import Commit, Repo


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
    """

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

        Without a repository (provider `image`), the second is the image.

        Raises:
            BadLink: not a spec of this provider.
        """
        name, _, ref = raw_spec.partition("/")
        return self.repo(decoded(name, "repository")), required_ref(ref, f"{name}/HEAD")

    def spec(self, repo: Repo, ref: str) -> str:
        """The inverse of :meth:`parse`, escaped for a URL."""
        return f"{quote(repo.name, safe='')}/{quote(ref, safe='/')}"

    def commit_url(self, commit: Commit) -> str:
        """A page that shows the commit, or the best there is."""
        return commit.repo.url


def required_ref(raw: str, suggestion: str) -> str:
    """The ref at the end of a spec.

    Raises:
        BadLink: none there (says what was perhaps meant), or not a ref.
    """
    if not raw.strip("/"):
        raise BadLink(f"The link has no ref. Did you mean {shown(suggestion)}?")
    return ref_name(decoded(raw, "ref").rstrip("/"))
