"""Links of other services that point at a repository: Binder, viewers, archives, registries.

Each function answers `None` for a link that is not of its kind. Links of other JupyterHubs are in
:mod:`.hublinks`.

Sources: BinderHub's routes; the addresses of nbviewer, Colab, GitHub Codespaces, Ona, marimo,
CoCalc, Zenodo, figshare, Dataverse, HydroShare and CKAN.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from .archives import DOI, clean_doi, image_reference
from .errors import BadLink
from .launch import LaunchRequest
from .links import DESTINATIONS, read_link
from .pages import GITHUB_VIEWS, github
from .plain import relative_path, shown
from .providers import Providers, find
from .understanding import Again, Understanding, WebLink, shows

_BINDER = re.compile(r"/(?:v2|build)/(?P<provider>[^/]+)/(?P<spec>.+)")
_FIRST_BINDER = re.compile(r"/repo/(?P<owner>[^/]+)/(?P<name>[^/]+)/?(?P<path>.*)")
_NEEDS_REF = {"gh", "gl", "git"}
_HEX = re.compile(r"[0-9a-f]{20,64}")
_HARVARD_LIKE = re.compile(r"10\.(7910|70122|5064|5072|18710|34894|48804|5683|57745|18419|25625)/")


_PROJECT_PAGE = (
    "A page of {} does not say from which Git repository it was made. Paste the repository that "
    "the project names in its settings or its description."
)
NO_REPOSITORY: Mapping[str, str] = {
    "renkulab.io": _PROJECT_PAGE.format("Renku"),
    "kaggle.com": _PROJECT_PAGE.format("Kaggle"),
    "deepnote.com": _PROJECT_PAGE.format("Deepnote"),
    "codeocean.com": _PROJECT_PAGE.format("Code Ocean"),
    "observablehq.com": _PROJECT_PAGE.format("Observable"),
    "posit.cloud": _PROJECT_PAGE.format("Posit Cloud"),
    "lightning.ai": _PROJECT_PAGE.format("Lightning"),
    "osf.io": (
        "A project of OSF cannot be fetched from here. Paste the Git repository it links to, or "
        "the DOI of a deposit of it in Zenodo, figshare or a Dataverse."
    ),
    "drive.google.com": (
        "Files in Google Drive cannot be fetched from here. Put them in a Git repository or an "
        "archive such as Zenodo, and paste that."
    ),
}
"""Sites whose pages lead to projects, with what to say of one that names no repository."""


def binder(link: WebLink, providers: Providers, again: Again) -> Understanding | None:
    """A link of any Binder, or of a service like this one."""
    found = _BINDER.search(link.raw_path)
    if found and (found["provider"] in providers or "binder" in link.url.lower()):
        spec, guessed = _with_head(found["provider"], found["spec"])
        request = read_link(found["provider"], spec, link.raw_query, providers=providers)
        return Understanding(request, (*guessed, *_unescaped(spec, request), *_left_out(link)))
    found = _FIRST_BINDER.search(link.raw_path)
    if not found or "binder" not in link.url.lower():
        return None
    path = found["path"]
    query = link.raw_query or (f"urlpath={quote(path)}" if path else "")
    spec = f"{found['owner']}/{found['name']}/HEAD"
    return Understanding(
        read_link("gh", spec, query, providers=providers),
        ("Links of this first kind name no branch: took the default branch.",),
    )


def viewer(link: WebLink, providers: Providers, again: Again) -> Understanding | None:
    """A page that shows a repository of GitHub, or a notebook from anywhere, in its own way."""
    match link.host, link.parts:
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
            return _gist(rest[:2], providers)
        case host, ["url" | "urls" as kind, *_] if host.startswith("nbviewer."):
            scheme = "https" if kind == "urls" else "http"
            return again(f"{scheme}:/{link.raw_path.removeprefix('/' + kind)}")
        case host, ["format", _, *rest] if host.startswith("nbviewer."):
            return viewer(replace(link, parts=tuple(rest)), providers, again)
    if sentence := NO_REPOSITORY.get(link.host):
        raise BadLink(sentence)
    if link.host not in GITHUB_VIEWS:
        return _pages_site(link, providers)
    pages, before = GITHUB_VIEWS[link.host]
    prefix = tuple(filter(None, before.split("/")))
    if link.parts[: len(prefix)] != prefix:
        raise BadLink(f"{shown(link.url)} shows no repository. Paste the repository's address.")
    return shows(find(providers, "gh"), pages(link.parts[len(prefix) :], link.query))


def gist(link: WebLink, providers: Providers, again: Again) -> Understanding | None:
    """A page of a gist, or a file of one."""
    if link.host == "gist.github.com":
        return _gist(list(link.parts), providers)
    if link.host == "gist.githubusercontent.com":
        user, id, _, *rest = (*link.parts, "", "", "")
        revision = [part for part in rest[:1] if _HEX.fullmatch(part)]
        path = "/".join(filter(None, rest[len(revision) :]))
        found = _gist([user, id, *revision], providers)
        return replace(found, request=replace(found.request, filepath=relative_path(path, "path")))
    return None


def archive(link: WebLink, providers: Providers, again: Again) -> Understanding | None:
    """A page of an archive: a DOI, a record, a data set."""
    match link.host, link.parts:
        case "doi.org" | "dx.doi.org", [_, *_]:
            return doi("/".join(link.parts), providers)
        case "zenodo.org", ["record" | "records" | "deposit", number, *_] if number.isdecimal():
            return doi(f"10.5281/zenodo.{number}", providers)
        case "zenodo.org", ["doi", *name]:
            return doi("/".join(name), providers)
        case "zenodo.org", ["badge", "DOI" | "doi", *name]:
            return doi("/".join(name).removesuffix(".svg"), providers)
        case host, ["articles", *rest] if host.endswith("figshare.com"):
            return _figshare(host, rest, providers)
        case "hydroshare.org", ["resource", name, *_]:
            return Understanding(LaunchRequest(find(providers, "hydroshare").repo(name)))
    if name := link.query.get("persistentId", ""):
        return _dataverse(name, providers)
    if "dataset" in link.parts[:-1]:
        url = f"{link.url}?{link.raw_query}" if "activity_id" in link.query else link.url
        repo = find(providers, "ckan").repo(url)
        return Understanding(LaunchRequest(repo), (f"Took {link.host} as a site of CKAN.",))
    return None


def image(link: WebLink, providers: Providers, again: Again) -> Understanding | None:
    """A page of a registry of images."""
    match link.host, link.parts:
        case "hub.docker.com", ["r", owner, name, *_]:
            return of_image(f"docker.io/{owner}/{name}", providers)
        case "hub.docker.com", ["_", name, *_]:
            return of_image(f"docker.io/library/{name}", providers)
        case "quay.io", ["repository", owner, name, *_]:
            return of_image(f"quay.io/{owner}/{name}", providers)
    return None


def doi(text: str, providers: Providers) -> Understanding:
    """A DOI, given to the archive its prefix belongs to; Dataverse's are as many as its sites.

    Raises:
        BadLink: not a DOI.
    """
    name = clean_doi(text)
    lower = name.lower()
    if lower.startswith("10.4211/hs."):
        return Understanding(LaunchRequest(find(providers, "hydroshare").repo(lower)))
    if "/zenodo." in lower:
        return Understanding(LaunchRequest(find(providers, "zenodo").repo(name)))
    if "figshare." in lower:
        return Understanding(LaunchRequest(find(providers, "figshare").repo(name)))
    found = Understanding(LaunchRequest(find(providers, "dataverse").repo(name)))
    if _HARVARD_LIKE.match(name):
        return found
    return found.guessing(f"Took {name} as a data set in a Dataverse.")


def of_image(text: str, providers: Providers) -> Understanding:
    """A container image.

    Raises:
        BadLink: not the name of one, or this service has no provider for images.
    """
    find(providers, "image")
    found = Understanding(LaunchRequest(None, image=image_reference(text)))
    if ":" in text.rpartition("/")[2] or "@" in text:
        return found
    return found.guessing("The image names no tag: whoever runs it will take “latest”.")


def _with_head(provider: str, spec: str) -> tuple[str, tuple[str, ...]]:
    """BinderHub asks for a ref; links cut short after the repository mean the default branch."""
    parts = [part for part in spec.split("/") if part]
    unescaped = provider == "gl" and parts and "%" not in parts[0]
    if provider in _NEEDS_REF and len(parts) == (2 if provider == "gh" or unescaped else 1):
        sentence = "The link names no branch: took the default branch."
        return "/".join([*parts, "HEAD"]), (sentence,)
    return spec, ()


def _unescaped(spec: str, request: LaunchRequest) -> tuple[str, ...]:
    """What is said of a link whose repository is written with slashes of its own."""
    if request.repo is None or request.repo.provider not in ("gl", "git"):
        return ()
    if "%2f" in spec.partition("/")[0].lower():
        return ()
    return (
        f"Took {shown(request.repo.name)} as the repository and {shown(request.ref)} as the ref.",
    )


def _left_out(link: WebLink) -> tuple[str, ...]:
    """Of two things to open the first counts, as BinderHub has it."""
    opened, *ignored = [name for name in DESTINATIONS if link.query.get(name)] or [""]
    return tuple(
        f"Left out {name}={link.query[name]}: {opened} counts, as on mybinder.org."
        for name in ignored
    )


def _gist(parts: list[str], providers: Providers) -> Understanding:
    match parts:
        case [user, id] if _HEX.fullmatch(id):
            return Understanding(LaunchRequest(find(providers, "gist").repo(f"{user}/{id}")))
        case [user, id, revision, *_] if _HEX.fullmatch(id) and _HEX.fullmatch(revision):
            return Understanding(
                LaunchRequest(find(providers, "gist").repo(f"{user}/{id}"), revision)
            )
        case [id, *_] if _HEX.fullmatch(id.removesuffix(".git")):
            url = f"https://gist.github.com/{id.removesuffix('.git')}.git"
            return Understanding(LaunchRequest(find(providers, "git").repo(url)))
        case [user, id, *_] if _HEX.fullmatch(id.removesuffix(".git")):
            return Understanding(LaunchRequest(find(providers, "gist").repo(f"{user}/{id}")))
    raise BadLink("This page of GitHub shows no single gist. Paste the address of one.")


def _pages_site(link: WebLink, providers: Providers) -> Understanding | None:
    """A site of GitHub or GitLab Pages is most often made from the repository of its name."""
    owner, _, site = link.host.partition(".")
    kind = {"github.io": "gh", "gitlab.io": "gl"}.get(site)
    if kind is None or kind not in providers:
        return None
    name = link.parts[0] if link.parts else link.host
    found = shows(find(providers, kind), github((owner, name), {}))
    return found.guessing(f"Took the repository {owner}/{name}, by the name of the site.")


def _figshare(host: str, parts: list[str], providers: Providers) -> Understanding:
    numbers = [part for part in parts if part.isdecimal()]
    if not numbers:
        raise BadLink("This page of figshare shows no article. Paste its DOI.")
    version = f".v{numbers[1]}" if len(numbers) > 1 else ""
    found = doi(f"10.6084/m9.figshare.{numbers[0]}{version}", providers)
    if host == "figshare.com":
        return found
    return found.guessing("Took figshare's own DOI of the article; institutions have others.")


def _dataverse(persistent_id: str, providers: Providers) -> Understanding:
    if not DOI.search(persistent_id):
        raise BadLink(f"{shown(persistent_id)} is not a DOI. Only data sets with a DOI are known.")
    name = clean_doi(persistent_id)
    prefix, *parts = name.split("/")
    dataset = "/".join([prefix, *parts[:2]])
    found = Understanding(LaunchRequest(find(providers, "dataverse").repo(dataset)))
    return found if dataset == name else found.guessing("Took the data set the file belongs to.")
