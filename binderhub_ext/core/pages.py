"""Web pages of forges: which repository, ref and path does an address in the browser show?

One pure function per kind of forge, from the parts of a path to a :class:`Place`. Where a branch
may have a slash in its name an address is ambiguous; then the place says what was guessed.

Sources: the URLs of GitHub, GitLab (docs.gitlab.com, "reserved project names"), Bitbucket Cloud,
Gitea and Forgejo, SourceHut, Hugging Face and Azure DevOps as their pages have them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from .errors import BadLink
from .plain import shown
from .sentences import Sentence

Parts = Sequence[str]
Query = Mapping[str, str]

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ONLY_WHOLE = {"HEAD", "main", "master"}
_BEFORE_SLASH = {
    "bugfix",
    "dependabot",
    "feat",
    "feature",
    "features",
    "fix",
    "hotfix",
    "release",
    "releases",
    "renovate",
    "users",
}
_ARCHIVE = re.compile(r"\.(zip|tar\.gz|tgz|tar\.bz2|tar|bundle)$")
_FILE_PAGES = {"blob", "raw", "blame", "edit", "resolve", "item"}
_GITHUB_SITE = {
    *("orgs", "topics", "settings", "marketplace", "search", "login", "explore", "users"),
    *("codespaces", "collections", "features", "notifications", "sponsors", "stars", "trending"),
}
NOT_OWNERS = frozenset(
    {
        *("blog", "chat", "collections", "datasets", "docs", "join", "learn", "login", "models"),
        *("new", "organizations", "papers", "posts", "pricing", "settings", "spaces", "tasks"),
    }
)
"""What stands first in the addresses of Hugging Face's own pages, and may be nobody's name."""

_CODESPACE = (
    "This link of Codespaces names its repository by a number only. Paste the repository's own "
    "address."
)
_GITLAB_WORDS = {
    "archive",
    "blame",
    "blob",
    "branches",
    "commit",
    "commits",
    "compare",
    "graphs",
    "issues",
    "merge_requests",
    "network",
    "raw",
    "releases",
    "tags",
    "tree",
    "wikis",
}
_AZURE_VERSIONS = {"GB": "", "GT": "refs/tags/", "GC": ""}


@dataclass(frozen=True)
class Place:
    """What a page shows.

    Attributes:
        name: the repository's path on the forge.
        ref: branch, tag, commit or `HEAD`.
        path: a file or folder inside it, or empty.
        guessed: sentences on what was assumed.
    """

    name: str
    ref: str = "HEAD"
    path: str = ""
    guessed: tuple[Sentence, ...] = ()


Pages = Callable[[Parts, Query], Place]


def github(parts: Parts, query: Query) -> Place:
    """A page of GitHub or GitHub Enterprise."""
    if [*parts[:2]] == ["codespaces", "new"]:
        return _codespace(parts[2:], query)
    name, rest = _owner_and_name(parts)
    match rest:
        case []:
            return Place(name)
        case ["tree" | "blob" | "raw" | "blame" | "edit" | "commits" as kind, _, *_]:
            return _split(name, rest[1:], file=kind in _FILE_PAGES)
        case ["commit", commit, *_]:
            return Place(name, commit)
        case ["pull", _, "commits", commit, *_]:
            return Place(name, commit)
        case ["pull", number, *_] if number.isdecimal():
            return _pull(name, f"refs/pull/{number}/head")
        case ["releases", "tag", *tag] if tag:
            return Place(name, "/".join(tag))
        case ["releases", "download", tag, *_]:
            return Place(name, tag)
        case ["archive", *ref] if ref:
            return Place(name, _archived(ref))
        case ["zipball" | "tarball" | "zip" | "tar.gz" | "legacy.zip" | "legacy.tar.gz", *ref]:
            return Place(name, _archived(ref) if ref else "HEAD")
        case ["compare", *spec] if spec:
            return _compared(name, "/".join(spec))
    return _unsaid(name)


def gitlab(parts: Parts, query: Query) -> Place:
    """A page of GitLab: projects may be nested; newer pages have `-` after the project."""
    editing = list(parts[:3]) == ["-", "ide", "project"]
    parts = parts[3:] if editing else parts
    words = {"edit", "tree", "merge_requests"} if editing else {"-", *_GITLAB_WORDS}
    at = next((i for i, part in enumerate(parts) if i > 1 and part in words), len(parts))
    name, rest = _project(parts[:at]), list(parts[at:])
    match rest[1:] if "-" in rest[:1] else rest:
        case []:
            return Place(name)
        case ["edit" | "tree", ref, "-", *path] if editing:
            return Place(name, ref, "/".join(path))
        case ["tree" | "blob" | "raw" | "blame" | "edit" | "commits" as kind, _, *_] as rest:
            return _split(name, rest[1:], file=kind in _FILE_PAGES)
        case ["commit", commit, *_]:
            return Place(name, commit)
        case ["merge_requests", number, *_] if number.isdecimal():
            return _pull(name, f"refs/merge-requests/{number}/head")
        case ["tags" | "releases", *tag] if tag:
            return Place(name, "/".join(tag))
        case ["archive", *ref, _] if ref:
            return Place(name, "/".join(ref))
    return _unsaid(name)


def bitbucket(parts: Parts, query: Query) -> Place:
    """A page of Bitbucket Cloud: `?at=` names the branch where the path has its commit."""
    name, rest = _owner_and_name(parts)
    match rest:
        case []:
            return Place(name)
        case ["src" | "raw" | "annotate", ref, *path] if "at" in query or _COMMIT.fullmatch(ref):
            return Place(name, query.get("at", ref), "/".join(path))
        case ["src" | "raw", _, *_]:
            return _split(name, rest[1:], file=rest[0] == "raw")
        case ["commits", "tag" | "branch", *ref] if ref:
            return Place(name, "/".join(ref))
        case ["branch", *ref] if ref:
            return Place(name, "/".join(ref))
        case ["commits", commit]:
            return Place(name, commit)
        case ["get", *ref] if ref:
            return Place(name, _archived(ref))
        case ["pull-requests", _, *_]:
            raise BadLink("Bitbucket offers no branch of a pull request. Paste its source branch.")
    return _unsaid(name)


def gitea(parts: Parts, query: Query) -> Place:
    """A page of Gitea or Forgejo, such as Codeberg."""
    name, rest = _owner_and_name(parts)
    match rest:
        case []:
            return Place(name)
        case ["src" | "raw" | "media" | "blame", "commit" | "tag", ref, *path]:
            return Place(name, ref, "/".join(path))
        case ["src" | "raw" | "media" | "blame" as kind, "branch", _, *_]:
            return _split(name, rest[2:], file=kind != "src")
        case ["commits", "branch" | "tag" | "commit", *ref] if ref:
            return Place(name, "/".join(ref))
        case ["commit", commit, *_]:
            return Place(name, commit)
        case ["pulls", number, *_] if number.isdecimal():
            return _pull(name, f"refs/pull/{number}/head")
        case ["releases", "tag", *tag] if tag:
            return Place(name, "/".join(tag))
        case ["releases", "download", tag, *_]:
            return Place(name, tag)
        case ["archive", *ref] if ref:
            return Place(name, _archived(ref))
    return _unsaid(name)


def sourcehut(parts: Parts, query: Query) -> Place:
    """A page of git.sr.ht: the word `item` ends the ref."""
    name, rest = _owner_and_name(parts)
    match rest:
        case []:
            return Place(name)
        case ["tree" | "blob", *more] if more:
            cut = more.index("item") if "item" in more else len(more)
            return Place(name, "/".join(more[:cut]), "/".join(more[cut + 1 :]))
        case ["commit" | "refs" | "log", ref, *_]:
            return Place(name, ref)
        case ["archive", *ref] if ref:
            return Place(name, _archived(ref))
    return _unsaid(name)


def hugging_face(parts: Parts, query: Query) -> Place:
    """A model, data set or space of Hugging Face."""
    kind = [parts[0]] if parts and parts[0] in ("spaces", "datasets") else []
    name, rest = _owner_and_name(parts[len(kind) :])
    name = "/".join([*kind, name])
    match rest:
        case []:
            return Place(name)
        case ["tree" | "blob" | "raw" | "resolve" | "blame" | "commits" as page, _, *_]:
            return _split(name, rest[1:], file=page in _FILE_PAGES)
        case ["commit", commit, *_]:
            return Place(name, commit)
    return _unsaid(name)


def azure(parts: Parts, query: Query) -> Place:
    """A page of Azure DevOps: `?version=GB<branch>` and `?path=`."""
    if "_git" not in parts[:-1]:
        raise BadLink("This page of Azure DevOps shows no repository: the address has no “_git”.")
    end = list(parts).index("_git") + 2
    version = query.get("version", "")
    prefix = _AZURE_VERSIONS.get(version[:2])
    ref = "HEAD" if prefix is None else prefix + version[2:]
    return Place("/".join(parts[:end]), ref, query.get("path", "").strip("/"))


def raw_github(parts: Parts, query: Query) -> Place:
    """A file as `raw.githubusercontent.com` serves it."""
    name, rest = _owner_and_name(parts)
    return _split(name, rest, file=True) if len(rest) > 1 else Place(name)


def api_github(parts: Parts, query: Query) -> Place:
    """An address of GitHub's own programming interface."""
    return github(parts[1:3] if "repos" in parts[:1] else [], query)


HOSTS: Mapping[str, Pages] = {
    "bitbucket.org": bitbucket,
    "codeberg.org": gitea,
    "gitea.com": gitea,
    "git.sr.ht": sourcehut,
    "dev.azure.com": azure,
}
"""Forges that have no provider of their own: their repositories are plain Git."""

KINDS: Mapping[str, Pages] = {"github": github, "gitlab": gitlab, "hugging face": hugging_face}
"""By `Provider.pages`."""

GITHUB_VIEWS: Mapping[str, tuple[Pages, str]] = {
    "cocalc.com": (github, "github"),
    "marimo.app": (github, "github.com"),
    "molab.marimo.io": (github, "github"),
    "github.dev": (github, ""),
    "github1s.com": (github, ""),
    "githubtocolab.com": (github, ""),
    "codespaces.new": (github, ""),
    "codeload.github.com": (github, ""),
    "raw.githubusercontent.com": (raw_github, ""),
    "api.github.com": (api_github, ""),
    "colab.research.google.com": (github, "github"),
    "nbviewer.org": (github, "github"),
    "nbviewer.jupyter.org": (github, "github"),
    "nbviewer.ipython.org": (github, "github"),
    "vscode.dev": (github, "github"),
    "console.paperspace.com": (github, "github"),
    "studiolab.sagemaker.aws": (github, "import/github"),
    "stackblitz.com": (github, "github"),
}
"""Sites that show repositories of GitHub: their grammar, and what stands before it."""


def by_shape(parts: Parts) -> tuple[str, Pages] | None:
    """Which forge's page an unknown host shows, with its title; judged by the address alone."""
    match parts:
        case [_, _, *rest] if "-" in rest:
            return "GitLab", gitlab
        case [_, _, "src" | "raw" | "media", "branch" | "tag" | "commit", *_]:
            return "Gitea or Forgejo", gitea
        case [_, _, "tree" | "blob" | "pull" | "commit", _, *_]:
            return "GitHub", github
    return None


def _codespace(parts: Parts, query: Query) -> Place:
    """`codespaces/new/owner/name[/tree/ref]`, or `?repo=` with a number."""
    if len(parts) < 2:
        raise BadLink(_CODESPACE)
    place = github(parts, {})
    return replace(place, ref=query["ref"]) if query.get("ref") else place


def _owner_and_name(parts: Parts) -> tuple[str, list[str]]:
    if len(parts) < 2 or parts[0] in _GITHUB_SITE:
        raise BadLink("This address shows no repository: it needs an owner and a name.")
    return f"{parts[0]}/{parts[1].removesuffix('.git')}", list(parts[2:])


def _project(parts: Parts) -> str:
    if len(parts) < 2:
        raise BadLink("This address shows no project: it needs a group and a name.")
    return "/".join(parts).removesuffix(".git")


def _split(name: str, parts: Parts, *, file: bool) -> Place:
    """Ref and path of `ref/path…`, where the ref may have a slash that looks like the path's."""
    if parts[0] == "refs" and parts[1:2] and parts[1] in ("heads", "tags", "remotes"):
        parts = parts[2:] or parts
    if len(parts) <= 1:
        return Place(name, parts[0])
    slashed = parts[0] in _BEFORE_SLASH and len(parts) > (2 if file else 1)
    cut = 2 if slashed else 1
    ref, path = "/".join(parts[:cut]), "/".join(parts[cut:])
    sure = parts[0] in _ONLY_WHOLE or "/" in parts[0] or _COMMIT.fullmatch(ref)
    if sure or (not slashed and file and len(parts) == 2):
        return Place(name, ref, path)
    if not path:
        return Place(name, ref, path, (Sentence("Took {ref} as the branch.", ref=shown(ref)),))
    taken = Sentence(
        "Took {ref} as the branch and {path} as the path.", ref=shown(ref), path=shown(path)
    )
    return Place(name, ref, path, (taken,))


def _archived(parts: Parts) -> str:
    if parts[0] == "refs" and len(parts) > 2:
        parts = parts[2:]
    return _ARCHIVE.sub("", "/".join(parts))


def _compared(name: str, spec: str) -> Place:
    head = re.split(r"\.\.\.?", spec)[-1]
    if ":" in head:
        raise BadLink("The comparison's branch is in another repository. Paste that one.")
    return Place(name, head, guessed=(_later(head),))


def _later(head: str) -> Sentence:
    return Sentence("Took {ref}, the later side of the comparison.", ref=shown(head))


def _pull(name: str, ref: str) -> Place:
    return Place(name, ref, guessed=(Sentence("Took the latest commit of the pull request."),))


def _unsaid(name: str) -> Place:
    return Place(name, guessed=(Sentence("This page names no branch: took the default branch."),))
