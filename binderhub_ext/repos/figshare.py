"""Figshare: articles by their DOI; a DOI without version means the newest one.

Interface: https://docs.figshare.com/#public_article
"""

from __future__ import annotations

import re

from traitlets import Unicode

from ..core.errors import RepoNotFound
from ..core.repo import Commit, Repo
from ..core.sentences import Sentence
from ..core.url import read_url
from .archives import Archive, Contents, RemoteFile, join
from .http import Http

_PAGE = re.compile(r"/articles/(?:[^/]+/)*?(\d+)(?:/(\d+))?/?$")
_DOI_VERSION = re.compile(r"\.v(\d+)$")
_COMMIT = re.compile(r"(\d+)\.v(\d+)")


class FigshareProvider(Archive):
    """Articles of Figshare, and of institutions' portals of it, by their DOI."""

    api = Unicode(
        "https://api.figshare.com/v2", help="Figshare's interface; one for all portals."
    ).tag(config=True)

    async def version(self, http: Http, repo: Repo) -> str:
        page = await self.page_of(http, repo.name)
        match = _PAGE.search(page.path)
        if match is None:
            raise RepoNotFound(
                "The DOI {name} leads to {host}, but to no article.", name=repo.name, host=page.host
            )
        article, on_page = match.groups()
        asked = _DOI_VERSION.search(repo.name)
        version = asked[1] if asked else on_page or await self._newest(http, article)
        return f"{article}.v{version}"

    async def contents(self, http: Http, commit: Commit) -> Contents:
        match = _COMMIT.fullmatch(commit.id)
        if match is None:
            raise RepoNotFound("“{id!a}” is not a version of an article.", id=commit.id[:60])
        article = await http.json(
            join(read_url(self.api), "articles", match[1], "versions", match[2])
        )
        there = [file for file in article["files"] if not file.get("is_link_only")]
        files = tuple(
            RemoteFile(read_url(file["download_url"]), file["name"], file.get("computed_md5") or "")
            for file in there
        )
        links = len(article["files"]) - len(there)
        note = Sentence.counted(
            "{count} file that is only a link elsewhere is left out",
            "{count} files that are only links elsewhere are left out",
            count=links,
        )
        return Contents(files, str(article.get("title", "")), notes=(note,) if links else ())

    async def _newest(self, http: Http, article: str) -> int:
        versions = await http.json(join(read_url(self.api), "articles", article, "versions"))
        return max(int(each["version"]) for each in versions)
