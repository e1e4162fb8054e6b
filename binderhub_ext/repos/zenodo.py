"""Zenodo and other InvenioRDM installations. Records are immutable; a concept's DOI moves on.

Interface: https://inveniordm.docs.cern.ch/reference/rest_api_drafts_records/
"""

from __future__ import annotations

from typing import Any

from traitlets import List, Unicode

from ..core.errors import RepoNotFound
from ..core.repo import Commit, Repo
from ..core.url import Url, read_url
from .archives import Archive, Contents, RemoteFile, join, last_part
from .http import Http


class ZenodoProvider(Archive):
    """Records of Zenodo by their DOI."""

    installations = List(
        Unicode(),
        ["https://zenodo.org", "https://sandbox.zenodo.org", "https://data.caltech.edu"],
        help="Sites that speak InvenioRDM's interface. A DOI that leads elsewhere is refused.",
    ).tag(config=True)

    async def version(self, http: Http, repo: Repo) -> str:
        site, record = await self._find(http, await self.page_of(http, repo.name))
        # The record of a concept redirects to its newest version, which has an id of its own.
        return str((await http.json(join(site, "api/records", record)))["id"])

    async def contents(self, http: Http, commit: Commit) -> Contents:
        site, _ = await self._find(http, await self.page_of(http, commit.repo.name))
        record = join(site, "api/records", commit.id)
        about = await http.json(record)
        listed = await http.json(join(record, "files"))
        files = tuple(
            RemoteFile(
                _content(record, entry),
                entry["key"],
                entry.get("checksum", "").removeprefix("md5:"),
            )
            for entry in listed["entries"]
        )
        return Contents(files, str(about.get("metadata", {}).get("title", "")))

    async def _find(self, http: Http, page: Url) -> tuple[Url, str]:
        """The site and the record's id of a page, following what DOI pages lead to."""
        site = self._site(page)
        if "/doi/" in page.path:
            async with http.get(page) as answer:
                page = answer.url
                site = self._site(page)
        return site, last_part(page)

    def _site(self, page: Url) -> Url:
        for installation in map(read_url, self.installations):
            if page.host == installation.host:
                return installation
        raise RepoNotFound(
            "The DOI leads to {host}, which is not known here as a Zenodo installation. Use "
            "the provider of that archive, or ask the administrator to add it.",
            host=page.host,
        )


def _content(record: Url, entry: dict[str, Any]) -> Url:
    link = entry.get("links", {}).get("content")
    return read_url(link) if link else join(record, "files", entry["key"], "content")
