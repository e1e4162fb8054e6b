"""nbgitpuller's Binder form: a launch link whose `urlpath` pulls files of another repository.

`urlpath=git-pull?repo=…&branch=…&urlpath=…`, which may hold another one like it. Content, here.

Source: nbgitpuller's handlers and its link generator (nbgitpuller.readthedocs.io, "Link
generator", tab "Binder").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from .contents import check_folder, place_of
from .errors import BadLink
from .launch import Content, LaunchRequest
from .plain import query_pairs, ref_name, relative_path, server_path
from .providers import Providers, at_forge, find
from .targets import split_file

APPS = {"lab": "lab", "jupyterlab": "lab", "notebook": "notebook", "retro": "notebook"} | {
    name: name for name in ("classic", "rstudio", "shiny", "voila")
}
"""Its words for interfaces, with ours."""

_OPENERS = {"lab": "lab", "doc": "lab", "nbclassic": "classic", "voila": "voila"}
_PULL = re.compile(r"/?git-pull\?(?P<query>[^#]*)")


def pulled(request: LaunchRequest, urlpath: str, providers: Providers) -> LaunchRequest | None:
    """A request with what a path of the server would have pulled; `None` if it pulls nothing.

    Raises:
        BadLink, UnknownProvider: what it pulls cannot be had.
    """
    match = _PULL.fullmatch(urlpath)
    query = dict(reversed(query_pairs(match["query"]))) if match else {}
    if not query.get("repo"):
        return None
    content = _content(query, providers)
    own = _brings(request, content)
    if not own:
        request = replace(request, content=(*request.content, content))
    opened = query.get("urlpath") or query.get("urlPath") or ""
    if further := pulled(request, opened, providers):
        return further
    if own:
        root = place_of(content)
        return opening(request, opened, root) if opened else replace(request, urlpath="")
    if opened:
        # the generator adds it for nbgitpuller itself
        opened = server_path(opened.removesuffix("?autodecode"))
        return replace(request, urlpath=opened, filepath="")
    inside = query.get("subPath") or query.get("subpath") or query.get("path") or ""
    path = "/".join(filter(None, (place_of(content), relative_path(inside, "path"))))
    target = request.target or APPS.get(query.get("app", "").lower(), "")
    return replace(request, urlpath="", filepath=path, target=target)


def pulling(contents: Sequence[Content], urlpath: str) -> str:
    """The inverse: a path of the server that pulls content and then opens another one.

    Raises:
        BadLink: some content is in no Git repository.
    """
    for content in reversed(contents):
        if not re.match(r"https?://", content.repo.url) or content.repo.url.startswith(
            "https://doi"
        ):
            raise BadLink("Other Binders bring content of Git repositories only.")
        fields = {
            "repo": content.repo.url,
            "branch": "" if content.ref == "HEAD" else content.ref,
            "targetPath": content.folder,
            "urlpath": urlpath or f"tree/{place_of(content)}",
        }
        urlpath = f"git-pull?{urlencode({name: v for name, v in fields.items() if v})}"
    return urlpath


def opening(request: LaunchRequest, urlpath: str, root: str) -> LaunchRequest:
    """What a link opens, without the folder it would have pulled into.

    Raises:
        BadLink: it leads out of the server.
    """
    urlpath = server_path(urlpath)
    opener, path = split_file(urlpath)
    if not opener:
        return replace(request, urlpath=urlpath)
    root = root.strip("/")
    path = path.strip("/")
    path = "" if path == root else path.removeprefix(f"{root}/")
    target = _OPENERS.get(opener.partition("/")[0], "notebook")
    return replace(request, filepath=relative_path(path, "path"), target=target, urlpath="")


def _content(query: Mapping[str, str], providers: Providers) -> Content:
    repo = at_forge(find(providers, "git").repo(query["repo"]), providers)
    ref = ref_name(query["branch"]) if query.get("branch") else "HEAD"
    content = Content(repo, ref)
    folder = (query.get("targetPath") or query.get("targetpath") or "").strip("/")
    if folder and folder != place_of(content):
        content = replace(content, folder=check_folder(folder))
    return content


def _brings(request: LaunchRequest, content: Content) -> bool:
    """Whether the environment's repository is what would be pulled."""
    same = request.repo is not None and request.repo.identity == content.repo.identity
    return same and content.ref in ("HEAD", request.ref)
