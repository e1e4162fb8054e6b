"""CKAN: datasets of any CKAN site, as they are now or as an activity left them.

Interface: https://docs.ckan.org/en/latest/api/
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, unquote

from ..core.errors import RepoNotFound
from ..core.repo import Commit, Repo
from ..core.url import Url, read_url
from .archives import Archive, Contents, RemoteFile, ask, changed, epoch, join, last_part
from .http import Http

_PAGE = re.compile(r"(?P<prefix>(?:/[^/]+)*?)/dataset/(?P<id>[^/]+)/?")


class CkanProvider(Archive):
    """Datasets of any CKAN site by the URL of their page."""

    async def version(self, http: Http, repo: Repo) -> str:
        dataset = await self._dataset(http, repo)
        return f"{dataset['id']}.v{epoch(dataset['metadata_modified'])}"

    async def contents(self, http: Http, commit: Commit) -> Contents:
        dataset = await self._dataset(http, commit.repo)
        if f"{dataset['id']}.v{epoch(dataset['metadata_modified'])}" != commit.id:
            raise changed(commit)
        taken: set[str] = set()
        files = [_file(resource, taken) for resource in dataset["resources"] if resource["url"]]
        return Contents(tuple(files), str(dataset.get("title", "")))

    async def _dataset(self, http: Http, repo: Repo) -> dict[str, Any]:
        page = read_url(repo.url)
        path = _PAGE.fullmatch(page.path)
        if path is None:
            raise RepoNotFound("{url} is not the page of a dataset.", url=repo.url)
        site = Url(page.scheme, page.host, page.port, path["prefix"] or "/")
        activity = parse_qs(page.query).get("activity_id", [""])[0]
        if activity:
            query, action = {"id": activity, "object_type": "package"}, "activity_data_show"
        else:
            query, action = {"id": unquote(path["id"])}, "package_show"
        answer = await http.json(ask(join(site, "api/3/action", action), **query))
        dataset: dict[str, Any] = answer["result"]
        return dataset


def _file(resource: dict[str, Any], taken: set[str]) -> RemoteFile:
    """A resource under its file's name; of two with one name the later has its id before it."""
    url = read_url(resource["url"])
    name = last_part(url).replace("/", "_") or str(resource["id"])
    if name in taken:
        name = f"{resource['id']}-{name}"
    taken.add(name)
    # Resources may be links to anywhere; one that is gone must not take the others with it.
    return RemoteFile(url, name, optional=resource.get("url_type") != "upload")
