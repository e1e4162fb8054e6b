"""Links of JupyterHubs that point at a repository: nbgitpuller, LTI, permalinks, SWAN.

Each function answers `None` for a link that is not of its kind.

Sources: nbgitpuller's handlers and its link generator (nbgitpuller.readthedocs.io, "Link
generator"); the launch addresses of jupyterhub-ltiauthenticator; the permalinks of
jupyterhub-fancy-profiles; SWAN's `projurl`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qs, urljoin

from .archives import image_reference
from .contents import check_content
from .errors import BadLink
from .launch import LaunchRequest
from .links import with_ref
from .names import is_server_name
from .plain import relative_path, shown
from .providers import Providers, find
from .pulling import APPS, opening
from .pulling import pulled as with_pulled
from .sentences import Sentence
from .understanding import Again, Understanding, WebLink

_PULLERS = {"git-pull", "interact", "link", "link.html"}
_ENTRANCES = {"user-redirect", "login", "spawn", "lti", "lti13", "oauth_login"}
_INSIDE = ("next", "target_link_uri", "custom_next", "url", "src", "fromURL")
_SERVER_PAGES = {"lab", "tree", "notebooks", "doc", "rstudio", "voila", "files", "edit"}
_PERMALINK = "fancy-forms-config"
_RUNNING = (
    "This link leads to a running server and does not say from which repository it was made. "
    "Paste the link it was launched with, or the repository."
)
_CHOICES = (
    "This link fills in another hub's form and names neither a repository nor an image. Paste "
    "the repository."
)


def nbgitpuller(link: WebLink, providers: Providers, again: Again) -> Understanding | None:
    """A link of nbgitpuller: the repository it pulls, and what it opens afterwards."""
    if not _PULLERS & set(link.parts[-1:]) or "repo" not in link.query:
        return None
    query = link.query
    repo = query["repo"]
    if "account" in query and "/" not in repo:
        repo = f"https://github.com/{query['account']}/{repo}"
    pulled, title = _pulled(repo, query.get("branch", ""), providers, again)
    folder = query.get("targetPath", "").strip("/")
    request, said = _opened(pulled.request, query, folder or title, providers)
    if folder:
        lie = "Its files lie in your project, not in a folder {folder}."
        said = (*said, Sentence(lie, folder=shown(folder)))
    server, ignored = _server(link.parts)
    return replace(pulled, request=replace(request, server=server)).guessing(*said, *ignored)


def hub(link: WebLink, providers: Providers, again: Again) -> Understanding | None:
    """A link of a JupyterHub with one of these links inside, or without, which says nothing."""
    entrance = _ENTRANCES & set(link.parts) and "hub" in link.parts
    running = "user" in link.parts[:-2] and _SERVER_PAGES & set(link.parts)
    if not entrance and not running and link.parts[:1] != ("user-redirect",):
        return None
    for name in _INSIDE:
        if inside := link.query.get(name, ""):
            return again(urljoin(f"{link.site}/", inside))
    if _PERMALINK in link.fragment:
        return _permalink(link.fragment, providers, again)
    raise BadLink(_RUNNING)


def asking(link: WebLink, providers: Providers, again: Again) -> Understanding | None:
    """The address of the page that asks, or of the form, of a hub like this one."""
    place = link.parts[:-1] if link.parts[-1:] == ("open",) else link.parts
    inside = link.query.get("link", "")
    return again(inside) if inside and place[-2:] == ("services", "binder") else None


def swan(link: WebLink, providers: Providers, again: Again) -> Understanding | None:
    """A link of CERN's SWAN, which names a project by `projurl`."""
    return again(link.query["projurl"]) if link.query.get("projurl") else None


def _pulled(
    repo: str, branch: str, providers: Providers, again: Again
) -> tuple[Understanding, str]:
    """What is pulled, and the name of the folder nbgitpuller would make for it."""
    pulled = again(repo)
    if pulled.request.repo is None:
        raise BadLink("The link pulls an image, which is no repository.")
    request = with_ref(pulled.request, branch, providers=providers)
    return replace(pulled, request=request), pulled.request.repo.title


def _opened(
    request: LaunchRequest, query: Mapping[str, str], root: str, providers: Providers
) -> tuple[LaunchRequest, tuple[Sentence, ...]]:
    """The request with what the link opens, and what of that is not known here."""
    app = query.get("app", "")
    said = (Sentence("There is no interface {name} here; it was left out.", name=shown(app)),)
    if opened := query.get("urlpath") or query.get("urlPath"):
        if further := with_pulled(request, opened, providers):
            check_content(further)
            return further, ()
        return opening(request, opened, root), ()
    path = query.get("subPath") or query.get("subpath") or query.get("path") or ""
    path = relative_path(path, "path") if path else ""
    target = APPS.get(app.lower(), "")
    return replace(request, filepath=path, target=target), said if app and not target else ()


def _server(parts: tuple[str, ...]) -> tuple[str, tuple[Sentence, ...]]:
    """The named server of `…/user-redirect/<server>/git-pull`, if it can be one here."""
    before = parts[-3:-1]
    if len(before) < 2 or before[0] != "user-redirect":
        return "", ()
    if is_server_name(before[1]):
        return before[1], ()
    text = "A server cannot be called {name} here; the name was left out."
    return "", (Sentence(text, name=shown(before[1])),)


def _permalink(fragment: str, providers: Providers, again: Again) -> Understanding:
    """Choices of jupyterhub-fancy-profiles: a repository to pull, or an image of one's own."""
    try:
        choices = json.loads(parse_qs(fragment)[_PERMALINK][0])
        named = {str(name): value for name, value in choices.items() if isinstance(value, str)}
    except (ValueError, KeyError, AttributeError, RecursionError) as error:
        raise BadLink("The link's choices cannot be read. Paste the repository.") from error
    if repo := named.get("gitPuller:repo"):
        pulled, _ = _pulled(repo, named.get("gitPuller:branch", ""), providers, again)
        path = named.get("gitPuller:filePath", "")
        path = relative_path(path, "path") if path else ""
        return replace(pulled, request=replace(pulled.request, filepath=path))
    named.pop("default_url:unlisted_choice", None)
    images = {v for name, v in named.items() if name.endswith(":unlisted_choice") and "/" in v}
    if len(images) != 1:
        raise BadLink(_CHOICES)
    find(providers, "image")
    return Understanding(LaunchRequest(None, image=image_reference(images.pop())))
