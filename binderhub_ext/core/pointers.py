"""Links of other services that point at a repository: Binder, nbgitpuller, viewers, archives.

Each function answers `None` for a link that is not of its kind. `again` understands a link that
was found inside another one.

Sources: BinderHub's routes; nbgitpuller's link parameters (nbgitpuller.readthedocs.io, "Link
generator"); the addresses of nbviewer, Colab, Zenodo, figshare, Dataverse, HydroShare and CKAN.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote, urljoin

from .archives import DOI, clean_doi, image_reference
from .errors import BadLink
from .launch import LaunchRequest
from .links import read_link, with_ref
from .pages import GITHUB_VIEWS, github
from .plain import relative_path, server_path, shown
from .providers import Providers, find
from .targets import split_file
from .understanding import Understanding, WebLink, shows

Again = Callable[[str], Understanding]

_BINDER = re.compile(r"/(?:v2|build)/(?P<provider>[^/]+)/(?P<spec>.+)")
_FIRST_BINDER = re.compile(r"/repo/(?P<owner>[^/]+)/(?P<name>[^/]+)/?(?P<path>.*)")
_PULLERS = {"git-pull", "interact", "link", "link.html"}
_INSIDE = ("next", "url", "src", "fromURL")
_SERVER_PAGES = {"lab", "tree", "notebooks", "doc", "rstudio", "voila", "files", "edit"}
_NEEDS_REF = {"gh", "gl", "git"}
_APPS = {"lab": "lab", "jupyterlab": "lab", "notebook": "notebook", "retro": "notebook"} | {
    name: name for name in ("classic", "rstudio", "shiny", "voila")
}
_OPENERS = {"lab": "lab", "doc": "lab", "nbclassic": "classic", "voila": "voila"}
_HEX = re.compile(r"[0-9a-f]{20,64}")
_HARVARD_LIKE = re.compile(r"10\.(7910|70122|5064|5072|18710|34894|48804|5683|57745|18419|25625)/")


def binder(link: WebLink, providers: Providers, again: Again) -> Understanding | None:
    """A link of any Binder, or of a service like this one."""
    found = _BINDER.search(link.raw_path)
    if found and (found["provider"] in providers or "binder" in link.url.lower()):
        spec, guessed = _with_head(found["provider"], found["spec"])
        request = read_link(found["provider"], spec, link.raw_query, providers=providers)
        return Understanding(request, guessed)
    found = _FIRST_BINDER.search(link.raw_path)
    if not found or "binder" not in link.url.lower():
        return None
    path = found["path"]
    query = link.raw_query or (f"urlpath={quote(path)}" if path else "")
    spec = f"{found['owner']}/{found['name']}/master"
    return Understanding(
        read_link("gh", spec, query, providers=providers),
        ("Links of this first kind name no branch: took “master”, as Binder does.",),
    )


def nbgitpuller(link: WebLink, providers: Providers, again: Again) -> Understanding | None:
    """A link of nbgitpuller: the repository it pulls, and what it opens afterwards."""
    if not _PULLERS & set(link.parts[-1:]) or "repo" not in link.query:
        return None
    query = link.query
    repo = query["repo"]
    if "account" in query and "/" not in repo:
        repo = f"https://github.com/{query['account']}/{repo}"
    pulled = again(repo)
    if pulled.request.repo is None:
        raise BadLink("The link pulls an image, which is no repository.")
    root = query.get("targetPath") or pulled.request.repo.title
    request = with_ref(pulled.request, query.get("branch", ""), providers=providers)
    opened = query.get("urlpath") or query.get("urlPath") or ""
    path = query.get("subPath") or query.get("subpath") or query.get("path") or ""
    target = _APPS.get(query.get("app", ""), "")
    if opened:
        return replace(pulled, request=_opening(request, opened, root))
    path = relative_path(path, "path") if path else ""
    return replace(pulled, request=replace(request, filepath=path, target=target))


def hub(link: WebLink, providers: Providers, again: Again) -> Understanding | None:
    """A link of a JupyterHub with one of these links inside, or without, which says nothing."""
    here = {"user-redirect", "login", "spawn"} & set(link.parts) and "hub" in link.parts
    running = "user" in link.parts[:-2] and _SERVER_PAGES & set(link.parts)
    if not here and not running and link.parts[:1] != ("user-redirect",):
        return None
    for name in _INSIDE:
        if inside := link.query.get(name, ""):
            return again(urljoin(f"{link.site}/", inside))
    raise BadLink(
        "This link leads to a running server and does not say from which repository it was made. "
        "Paste the link it was launched with, or the repository."
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
        case "gitpod.io", [] if link.fragment:
            return again(link.fragment)
        case host, ["gist", *rest] if host.startswith(("nbviewer.", "colab.")):
            return _gist(rest[:2], providers)
        case host, ["url" | "urls" as kind, *_] if host.startswith("nbviewer."):
            scheme = "https" if kind == "urls" else "http"
            return again(f"{scheme}:/{link.raw_path.removeprefix('/' + kind)}")
        case host, ["format", _, *rest] if host.startswith("nbviewer."):
            return viewer(replace(link, parts=tuple(rest)), providers, again)
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
    if provider in _NEEDS_REF and len(parts) == (2 if provider == "gh" else 1):
        sentence = "The link names no branch: took the default branch."
        return "/".join([*parts, "HEAD"]), (sentence,)
    return spec, ()


def _opening(request: LaunchRequest, urlpath: str, root: str) -> LaunchRequest:
    """What an nbgitpuller link opens, without the folder it would have pulled into."""
    urlpath = server_path(urlpath)
    opener, path = split_file(urlpath)
    if not opener:
        return replace(request, urlpath=urlpath)
    root = root.strip("/")
    path = path.strip("/")
    path = "" if path == root else path.removeprefix(f"{root}/")
    target = _OPENERS.get(opener.partition("/")[0], "notebook")
    return replace(request, filepath=relative_path(path, "path"), target=target)


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
