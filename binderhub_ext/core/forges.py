"""Providers that are Git: GitHub, gists, GitLab, Hugging Face and any Git URL.

An institution's own GitHub or GitLab is one more value, made by :func:`github` or
:func:`gitlab`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote

from .errors import BadLink
from .launch import LaunchRequest
from .pages import HOSTS, KINDS, NOT_OWNERS
from .plain import decoded, plain, ref_name, relative_path, shown
from .provider import Provider, required_ref
from .repo import Commit, Repo
from .understanding import Again, Understanding, WebLink
from .url import git_url

_GITHUB_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_GITHUB_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_GITLAB_PART = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.+-]{0,254}")
_GIST_ID = re.compile(r"[0-9a-f]{5,64}")
_HUGGING_FACE = re.compile(
    r"(?:(?:datasets|spaces)/)?[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII
)
_DOTS = re.compile(r"\.+")
_SITE = re.compile(r"(?P<scheme>https?)(?::|%3[Aa])//?(?P<host>[^/]+)/")
_HEX = re.compile(r"[0-9a-f]{20,64}")
_DEFAULT_BRANCHES = ("HEAD", "main", "master")
_FETCHER = "binderhub_ext.repos.git:GitProvider"


class _Forge(Provider):
    """A site of Git repositories."""

    def page(self, link: WebLink, again: Again) -> Understanding | None:
        if link.host != self.host.removeprefix("www."):
            return None
        return self.shows(KINDS[self.pages](link.parts, link.query))

    def elsewhere(self, repo: Repo) -> Repo:
        """An institution's own forge is a plain Git repository to everybody else."""
        return repo if self.at_binder else Repo("git", repo.url, repo.url)


class _GitHub(_Forge):
    def repo(self, name: str) -> Repo:
        owner, _, repo = plain(name, "repository").removesuffix(".git").partition("/")
        if not _GITHUB_OWNER.fullmatch(owner) or not _is_name(_GITHUB_NAME, repo):
            raise BadLink(
                "{name} is not a repository of {title}: write owner/name.",
                name=shown(name),
                title=self.title,
            )
        return Repo(self.id, f"{owner}/{repo}", f"https://{self.host}/{owner}/{repo}")

    def parse(self, raw_spec: str) -> tuple[Repo | None, str]:
        owner, _, rest = raw_spec.partition("/")
        name, _, ref = rest.partition("/")
        repo = self.repo(f"{decoded(owner, 'owner')}/{decoded(name, 'repository')}")
        return repo, required_ref(ref, f"{repo.name}/HEAD")

    def spec(self, repo: Repo, ref: str) -> str:
        return f"{repo.name}/{quote(ref, safe='/')}"

    def commit_url(self, commit: Commit) -> str:
        return f"{commit.repo.url}/tree/{quote(commit.id)}"


class _Gist(_GitHub):
    def repo(self, name: str) -> Repo:
        owner, _, gist = plain(name, "gist").removesuffix(".git").partition("/")
        if not _GITHUB_OWNER.fullmatch(owner) or not _GIST_ID.fullmatch(gist):
            raise BadLink("{name} is not a gist: write user/id of the gist.", name=shown(name))
        return Repo(self.id, f"{owner}/{gist}", f"https://{self.host}/{owner}/{gist}.git")

    def page(self, link: WebLink, again: Again) -> Understanding | None:
        """A page of a gist, or a file of one."""
        if link.host == self.host:
            return self._of_parts(link.parts)
        if link.host != "gist.githubusercontent.com":
            return None
        user, id, _, *rest = (*link.parts, "", "", "")
        revision = [part for part in rest[:1] if _HEX.fullmatch(part)]
        path = "/".join(filter(None, rest[len(revision) :]))
        gist = self._of_parts((user, id, *revision))
        return replace(gist, request=replace(gist.request, filepath=relative_path(path, "path")))

    def _of_parts(self, parts: tuple[str, ...]) -> Understanding:
        match parts:
            case [user, id] if _HEX.fullmatch(id):
                return Understanding(LaunchRequest(self.repo(f"{user}/{id}")))
            case [user, id, revision, *_] if _HEX.fullmatch(id) and _HEX.fullmatch(revision):
                return Understanding(LaunchRequest(self.repo(f"{user}/{id}"), revision))
            case [id, *_] if _HEX.fullmatch(id.removesuffix(".git")):
                url = f"https://{self.host}/{id.removesuffix('.git')}.git"
                return Understanding(LaunchRequest(GIT.repo(url)))
            case [user, id, *_] if _HEX.fullmatch(id.removesuffix(".git")):
                return Understanding(LaunchRequest(self.repo(f"{user}/{id}")))
        raise BadLink("This page of GitHub shows no single gist. Paste the address of one.")

    def parse(self, raw_spec: str) -> tuple[Repo | None, str]:
        parts = raw_spec.split("/", 2)
        repo = self.repo(decoded("/".join(parts[:2]), "gist"))
        ref = ref_name(decoded(parts[2], "ref")) if len(parts) > 2 and parts[2] else "HEAD"
        return repo, "HEAD" if ref in ("main", "master") else ref

    def spec(self, repo: Repo, ref: str) -> str:
        return repo.name if ref == "HEAD" else super().spec(repo, ref)

    def commit_url(self, commit: Commit) -> str:
        return f"{commit.repo.url.removesuffix('.git')}/{quote(commit.id)}"


class _GitLab(_Forge):
    def repo(self, name: str) -> Repo:
        path = plain(name, "repository").strip("/").removesuffix(".git")
        parts = path.split("/")
        if len(parts) < 2 or not all(_is_name(_GITLAB_PART, part) for part in parts):
            raise BadLink(
                "{name} is not a project of {title}: write group/name.",
                name=shown(name),
                title=self.title,
            )
        return Repo(self.id, path, f"https://{self.host}/{path}.git")

    def parse(self, raw_spec: str) -> tuple[Repo | None, str]:
        """Also `group/name/ref` with the slash as it is, as MyST's button writes it."""
        parts = raw_spec.strip("/").split("/")
        if len(parts) < 2 or "/" in decoded(parts[0], "repository"):
            return super().parse(raw_spec)
        cut = max(len(parts) - 1, 2)
        name, ref = "/".join(parts[:cut]), "/".join(parts[cut:])
        if cut > 2 and ref not in _DEFAULT_BRANCHES:
            raise BadLink(
                "The link can mean {name} at {ref}, or a shorter name at a longer "
                "ref. Write the slashes of the name as %2F.",
                name=shown(name),
                ref=shown(ref),
            )
        repo = self.repo(decoded(name, "repository"))
        return repo, required_ref(ref, f"{quote(repo.name, safe='')}/HEAD")

    def commit_url(self, commit: Commit) -> str:
        return f"{commit.repo.url.removesuffix('.git')}/-/tree/{quote(commit.id)}"


class _HuggingFace(_Forge):
    def repo(self, name: str) -> Repo:
        path = plain(name, "repository").strip("/").removesuffix(".git")
        if not _HUGGING_FACE.fullmatch(path) or path.split("/")[-2] in NOT_OWNERS:
            raise BadLink(
                "{name} is not a repository of Hugging Face: write owner/name for a model, "
                "datasets/owner/name or spaces/owner/name.",
                name=shown(name),
            )
        return Repo(self.id, path, f"https://{self.host}/{path}")

    def page(self, link: WebLink, again: Again) -> Understanding | None:
        """A page at the site's long or short name."""
        return super().page(replace(link, host=self.host) if link.host == "hf.co" else link, again)

    def parse(self, raw_spec: str) -> tuple[Repo | None, str]:
        parts = raw_spec.split("/")
        cut = 3 if parts[0] in ("datasets", "spaces") else 2
        repo = self.repo(decoded("/".join(parts[:cut]), "repository"))
        return repo, required_ref("/".join(parts[cut:]), f"{repo.name}/HEAD")

    def spec(self, repo: Repo, ref: str) -> str:
        return f"{repo.name}/{quote(ref, safe='/')}"

    def commit_url(self, commit: Commit) -> str:
        return f"{commit.repo.url}/tree/{quote(commit.id)}"


class _Git(Provider):
    def page(self, link: WebLink, again: Again) -> Understanding | None:
        """A page of a forge that everybody knows and that has no provider of its own."""
        if link.host not in HOSTS:
            return None
        return self.shows(HOSTS[link.host](link.parts, link.query), link.site)

    def repo(self, name: str) -> Repo:
        url = git_url(name)
        return Repo(self.id, url, url)

    def parse(self, raw_spec: str) -> tuple[Repo | None, str]:
        """Also an address whose slashes are as they are, as Sphinx Book Theme writes it."""
        site = _SITE.match(raw_spec)
        if not site:
            return super().parse(raw_spec)
        parts = raw_spec[site.end() :].strip("/").split("/")
        cut = next((i for i, part in enumerate(parts, 1) if part.endswith(".git")), 0)
        if not cut:
            cut = len(parts) - 1 if parts[-1] in _DEFAULT_BRANCHES else 2
        url = f"{site['scheme']}://{site['host']}/{'/'.join(parts[:cut])}"
        repo = self.repo(decoded(url, "repository"))
        return repo, required_ref("/".join(parts[cut:]), f"{quote(repo.name, safe='')}/HEAD")


def _is_name(pattern: re.Pattern[str], name: str) -> bool:
    return pattern.fullmatch(name) is not None and not _DOTS.fullmatch(name)


def github(id: str = "gh", host: str = "github.com", title: str = "GitHub") -> Provider:
    """GitHub, or an institution's GitHub Enterprise under an id of its own."""
    site = f"https://{host}/"
    return _GitHub(
        id,
        title,
        host,
        label=f"{title} repository name or URL",
        placeholder=f"example: binder-examples/requirements or {site}owner/name",
        pattern=r"[^/]+/[^/]+/.+",
        detect=_detect(host),
        pages="github",
        fetcher=_FETCHER,
        at_binder=host == "github.com",
    )


def gitlab(id: str = "gl", host: str = "gitlab.com", title: str = "GitLab") -> Provider:
    """GitLab.com, or a GitLab of one's own under an id of its own."""
    return _GitLab(
        id,
        title,
        host,
        label=f"{title} repository or URL",
        placeholder=f"example: https://{host}/group/name or group/name",
        pattern=r"[^/]+/.+",
        detect=_detect(host),
        escaped=True,
        pages="gitlab",
        fetcher=_FETCHER,
        at_binder=host == "gitlab.com",
    )


def _detect(host: str) -> str:
    return rf"^(https?://{re.escape(host)}/)?(?<repo>.*[^/])/?"


GITHUB = github()
GITLAB = gitlab()
GIST = _Gist(
    "gist",
    "Gist",
    "gist.github.com",
    label="Gist ID (username/gistId) or URL",
    placeholder="example: user/0123456789abcdef0123456789abcdef",
    pattern=r"[^/]+/[^/]+(/[^/]+)?",
    detect=_detect("gist.github.com"),
    fetcher=_FETCHER,
    at_binder=True,
)
HUGGING_FACE = _HuggingFace(
    "hf",
    "Hugging Face",
    "huggingface.co",
    label="Hugging Face repository or URL",
    placeholder="example: owner/name, datasets/owner/name or spaces/owner/name",
    pattern=r"((datasets|spaces)/)?[^/]+/[^/]+/.+",
    detect=_detect("huggingface.co"),
    pages="hugging face",
    fetcher=_FETCHER,
)
GIT = _Git(
    "git",
    "Git repository",
    label="Arbitrary Git repository URL",
    placeholder="example: https://git.example.com/repo",
    pattern=r"[^/]+/.+",
    escaped=True,
    name="Git",
    fetcher=_FETCHER,
    at_binder=True,
)
