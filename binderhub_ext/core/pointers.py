"""Links of other services that point at a repository: Binder, viewers, the DOI system.

Each function answers `None` for a link that is not of its kind. Links of other JupyterHubs are in
:mod:`.hublinks`; pages of the places themselves are known to their providers.

Sources: BinderHub's routes; the addresses of nbviewer, Colab, GitHub Codespaces, Ona, marimo and
CoCalc.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from . import archives
from .archives import IMAGE, clean_doi
from .errors import BadLink
from .launch import LaunchRequest
from .links import DESTINATIONS, read_link
from .pages import GITHUB_VIEWS, github
from .plain import shown
from .providers import Providers, ask, find
from .sentences import Sentence, fixed
from .understanding import Again, Understanding, WebLink

_BINDER = re.compile(r"/(?:v2|build)/(?P<provider>[^/]+)/(?P<spec>.+)")
_FIRST_BINDER = re.compile(r"/repo/(?P<owner>[^/]+)/(?P<name>[^/]+)/?(?P<path>.*)")
_NEEDS_REF = {"gh", "gl", "git"}


_PROJECT_PAGE = fixed(
    "A page of {site} does not say from which Git repository it was made. Paste the repository "
    "that the project names in its settings or its description."
)
NO_REPOSITORY: Mapping[str, Sentence] = {
    "renkulab.io": Sentence(_PROJECT_PAGE, site="Renku"),
    "kaggle.com": Sentence(_PROJECT_PAGE, site="Kaggle"),
    "deepnote.com": Sentence(_PROJECT_PAGE, site="Deepnote"),
    "codeocean.com": Sentence(_PROJECT_PAGE, site="Code Ocean"),
    "observablehq.com": Sentence(_PROJECT_PAGE, site="Observable"),
    "posit.cloud": Sentence(_PROJECT_PAGE, site="Posit Cloud"),
    "lightning.ai": Sentence(_PROJECT_PAGE, site="Lightning"),
    "drive.google.com": Sentence(
        "Files in Google Drive cannot be fetched from here. Put them in a Git repository or an "
        "archive such as Zenodo, and paste that."
    ),
}
"""Sites whose pages lead to projects, with what to say of one that names no repository."""


def binder(link: WebLink, providers: Providers, again: Again) -> Understanding | None:
    """A link of any Binder, or of a service like this one."""
    match = _BINDER.search(link.raw_path)
    if match and (match["provider"] in providers or "binder" in link.url.lower()):
        spec, guessed = _with_head(match["provider"], match["spec"])
        request = read_link(match["provider"], spec, link.raw_query, providers=providers)
        return Understanding(request, (*guessed, *_unescaped(spec, request), *_left_out(link)))
    match = _FIRST_BINDER.search(link.raw_path)
    if not match or "binder" not in link.url.lower():
        return None
    path = match["path"]
    query = link.raw_query or (f"urlpath={quote(path)}" if path else "")
    spec = f"{match['owner']}/{match['name']}/HEAD"
    return Understanding(
        read_link("gh", spec, query, providers=providers),
        (Sentence("Links of this first kind name no branch: took the default branch."),),
    )


def viewer(link: WebLink, providers: Providers, again: Again) -> Understanding | None:
    """A page that shows a repository of GitHub, or a notebook from anywhere, in its own way."""
    match link.host, link.parts:
        case "doi.org" | "dx.doi.org", [_, *_]:
            return of_doi("/".join(link.parts), providers)
        case "colab.research.google.com", ["drive", *_]:
            raise BadLink(
                "A notebook in Google Drive cannot be fetched from here. Save a copy in GitHub "
                "(File menu of Colab) and paste that."
            )
        case "kaggle.com" | "deepnote.com", _ if link.query.get("src") or link.query.get("url"):
            return again(link.query.get("src") or link.query["url"])
        case "gitpod.io" | "app.gitpod.io" | "app.ona.com" | "ona.com", _ if link.fragment:
            return again(link.fragment[max(link.fragment.find("http"), 0) :])
        case "molab.marimo.io", [*rest, "wasm"] if rest:
            return viewer(replace(link, parts=tuple(rest)), providers, again)
        case host, ["gist", *rest] if host.startswith(("nbviewer.", "colab.")):
            return again(f"https://gist.github.com/{'/'.join(rest[:2])}")
        case host, ["url" | "urls" as kind, *_] if host.startswith("nbviewer."):
            scheme = "https" if kind == "urls" else "http"
            return again(f"{scheme}:/{link.raw_path.removeprefix('/' + kind)}")
        case host, ["format", _, *rest] if host.startswith("nbviewer."):
            return viewer(replace(link, parts=tuple(rest)), providers, again)
    if sentence := NO_REPOSITORY.get(link.host.removeprefix("app.")):
        raise BadLink(sentence)
    if link.host not in GITHUB_VIEWS:
        return _pages_site(link, providers)
    pages, before = GITHUB_VIEWS[link.host]
    prefix = tuple(filter(None, before.split("/")))
    if link.parts[: len(prefix)] != prefix:
        raise BadLink(
            "{url} shows no repository. Paste the repository's address.", url=shown(link.url)
        )
    return find(providers, "gh").shows(pages(link.parts[len(prefix) :], link.query))


def place(link: WebLink, providers: Providers, again: Again) -> Understanding | None:
    """A page of a place repositories live at."""
    return ask(providers, lambda provider: provider.page(link, again))


def of_doi(text: str, providers: Providers) -> Understanding:
    """A DOI, by the archive it belongs to.

    Raises:
        BadLink: not a DOI, or of no archive that is known.
        UnknownProvider: of one that this service does not offer.
    """
    name = clean_doi(text)
    if deposit := ask(providers, lambda provider: provider.doi(name)):
        return deposit
    raise BadLink("{name} belongs to no archive that is known here.", name=shown(name))


def of_image(text: str, providers: Providers) -> Understanding:
    """A container image.

    Raises:
        BadLink: not the name of one.
        UnknownProvider: this service has no provider for images.
    """
    find(providers, IMAGE.id)
    return archives.of_image(text)


def _with_head(provider: str, spec: str) -> tuple[str, tuple[Sentence, ...]]:
    """BinderHub asks for a ref; links cut short after the repository mean the default branch."""
    parts = [part for part in spec.split("/") if part]
    unescaped = provider == "gl" and parts and "%" not in parts[0]
    if provider in _NEEDS_REF and len(parts) == (2 if provider == "gh" or unescaped else 1):
        sentence = Sentence("The link names no branch: took the default branch.")
        return "/".join([*parts, "HEAD"]), (sentence,)
    return spec, ()


def _unescaped(spec: str, request: LaunchRequest) -> tuple[Sentence, ...]:
    """What is said of a link whose repository is written with slashes of its own."""
    if request.repo is None or request.repo.provider not in ("gl", "git"):
        return ()
    if "%2f" in spec.partition("/")[0].lower():
        return ()
    return (
        Sentence(
            "Took {repo} as the repository and {ref} as the ref.",
            repo=shown(request.repo.name),
            ref=shown(request.ref),
        ),
    )


def _left_out(link: WebLink) -> tuple[Sentence, ...]:
    """Of two things to open the first counts, as BinderHub has it."""
    opened, *ignored = [name for name in DESTINATIONS if link.query.get(name)] or [""]
    return tuple(
        Sentence(
            "Left out {parameter}: {other} counts, as on mybinder.org.",
            parameter=f"{name}={link.query[name]}",
            other=opened,
        )
        for name in ignored
    )


def _pages_site(link: WebLink, providers: Providers) -> Understanding | None:
    """A site of GitHub or GitLab Pages is most often made from the repository of its name."""
    owner, _, site = link.host.partition(".")
    kind = {"github.io": "gh", "gitlab.io": "gl"}.get(site)
    if kind is None or kind not in providers:
        return None
    name = link.parts[0] if link.parts else link.host
    repo = find(providers, kind).shows(github((owner, name), {}))
    return repo.guessing(
        Sentence("Took the repository {repo}, by the name of the site.", repo=f"{owner}/{name}")
    )
