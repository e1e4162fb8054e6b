"""Dataverse: datasets by their DOI, on whichever installation the DOI leads to.

Interface: https://guides.dataverse.org/en/latest/api/native-api.html#datasets
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs

from ..core.errors import RepoNotFound
from ..core.repo import Commit, Repo
from ..core.sentences import Sentence
from ..core.url import Url
from .archives import Archive, Contents, RemoteFile, ask, join, last_part
from .http import Http

_COMMIT = re.compile(r"(\d+)\.v(\d+)\.(\d+)")
_FILE_PAGES = ("/file.xhtml", "/api/access/datafile")
_PERSISTENT = ":persistentId"


class DataverseProvider(Archive):
    """Datasets of any Dataverse installation by the DOI of the dataset or of a file in it."""

    async def version(self, http: Http, repo: Repo) -> str:
        _, data = await self._dataset(http, repo)
        latest = data["latestVersion"]
        return f"{data['id']}.v{latest['versionNumber']}.{latest['versionMinorNumber']}"

    async def contents(self, http: Http, commit: Commit) -> Contents:
        match = _COMMIT.fullmatch(commit.id)
        if match is None:
            raise RepoNotFound("“{id!a}” is not a version of a dataset.", id=commit.id[:60])
        site, _ = await self._dataset(http, commit.repo)
        version = join(site, "api/datasets", match[1], "versions", f"{match[2]}.{match[3]}")
        data = (await http.json(version))["data"]
        public = [file for file in data["files"] if not file.get("restricted")]
        restricted = len(data["files"]) - len(public)
        note = Sentence.counted(
            "{count} restricted file is left out",
            "{count} restricted files are left out",
            count=restricted,
        )
        files = tuple(_file(site, file) for file in public)
        return Contents(files, notes=(note,) if restricted else ())

    async def _dataset(self, http: Http, repo: Repo) -> tuple[Url, dict[str, Any]]:
        """The installation, and its dataset that a DOI or one of its files belongs to."""
        page = await self.page_of(http, repo.name)
        site = Url(page.scheme, page.host, page.port, "/")
        id = parse_qs(page.query).get("persistentId", [""])[0] or last_part(page)
        if page.path.startswith(_FILE_PAGES):
            return site, await self._of_file(http, site, id)
        try:
            asked = ask(join(site, "api/datasets", _PERSISTENT), persistentId=id)
            return site, (await http.json(asked))["data"]
        except RepoNotFound:
            # A citation page does not say whether it is about a dataset or a file.
            return site, await self._of_file(http, site, id)

    async def _of_file(self, http: Http, site: Url, id: str) -> dict[str, Any]:
        place = join(site, "api/files", id if id.isdigit() else _PERSISTENT)
        query = {} if id.isdigit() else {"persistentId": id}
        file = (await http.json(ask(place, **query, returnDatasetVersion="true")))["data"]
        dataset = file["datasetVersion"]["datasetPersistentId"]
        asked = ask(join(site, "api/datasets", _PERSISTENT), persistentId=dataset)
        about: dict[str, Any] = (await http.json(asked))["data"]
        return about


def _file(site: Url, file: dict[str, Any]) -> RemoteFile:
    """A file in the form it was uploaded in, not the one the archive made of it."""
    about = file["dataFile"]
    name = about.get("originalFileName") or file["label"]
    folder = file.get("directoryLabel", "")
    place = join(site, "api/access/datafile", str(int(about["id"])))
    # The checksum listed is that of the archive's form where there is an original one.
    md5 = "" if about.get("originalFileName") else about.get("md5", "")
    return RemoteFile(ask(place, format="original"), f"{folder}/{name}".lstrip("/"), md5)
