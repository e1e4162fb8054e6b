"""OSF: the files of a project or a registration in OSF Storage, as one zip.

Interfaces: https://developer.osf.io/ and https://waterbutler.readthedocs.io/. Whoever asks without
an account may do so a hundred times an hour, so nothing is asked of each file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from traitlets import Unicode

from ..core.errors import RepoNotFound
from ..core.repo import Commit, Repo
from ..core.sentences import Sentence
from ..core.url import Url, read_url
from .archives import Archive, Contents, RemoteFile, changed, join
from .http import Http

_WITH_FILES = ("nodes", "registrations")
_FILE = "files"
_COMPONENTS_MAX = 5


class OsfProvider(Archive):
    """Projects of OSF by their id, or by that of a file in them."""

    api = Unicode("https://api.osf.io/v2", help="The address of OSF's interface.").tag(config=True)

    storage = Unicode(
        "https://files.osf.io/v1", help="The interface of the files that OSF keeps."
    ).tag(config=True)

    async def version(self, http: Http, repo: Repo) -> str:
        return _version(await self._project(http, repo))

    async def contents(self, http: Http, commit: Commit) -> Contents:
        project = await self._project(http, commit.repo)
        if _version(project) != commit.id:
            raise changed(commit)
        id = str(project["id"])
        storage = join(read_url(self.storage), "resources", id, "providers", "osfstorage", "")
        return Contents(
            (RemoteFile(replace(storage, query="zip="), f"{id}.zip"),),
            str(project["attributes"].get("title", "")),
            inside="",
            notes=await self._left_out(http, project),
        )

    async def _project(self, http: Http, repo: Repo) -> dict[str, Any]:
        """A project or registration, also by the id of a file of it."""
        about = await self._of(http, repo.name)
        if about["type"] == _FILE:
            about = await self._of(http, about["relationships"]["target"]["data"]["id"])
        if about["type"] not in _WITH_FILES:
            raise RepoNotFound(
                "{url} is no project of OSF. Paste the address of the project that has the files.",
                url=repo.url,
            )
        return about

    async def _of(self, http: Http, guid: str) -> dict[str, Any]:
        """What an id stands for: the interface leads on from there."""
        about: dict[str, Any] = (await http.json(join(self._api, "guids", guid, "")))["data"]
        return about

    async def _left_out(self, http: Http, project: dict[str, Any]) -> tuple[Sentence, ...]:
        """What to say of components, each of which has files of its own."""
        asked = join(self._api, project["type"], project["id"], "children", "")
        found = [str(each["id"]) for each in (await http.json(asked))["data"]]
        if not found:
            return ()
        named = ", ".join(f"osf.io/{id}" for id in found[:_COMPONENTS_MAX])
        return (Sentence("The files of its components are left out: {named}", named=named),)

    @property
    def _api(self) -> Url:
        return read_url(self.api)


def _version(project: dict[str, Any]) -> str:
    """Its id, and when something of it was changed last, which it notes of its files too."""
    moment = "".join(filter(str.isdigit, project["attributes"]["date_modified"]))
    return f"{project['id']}.v{moment}"
