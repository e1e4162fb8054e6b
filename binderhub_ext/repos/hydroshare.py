"""HydroShare: resources by their id, as the bag that is made when it is asked for.

Interface: https://www.hydroshare.org/hsapi/; the form of a bag is that of BagIt, of which only
`data/contents` is people's own.
"""

from __future__ import annotations

import asyncio

from traitlets import Float, Unicode

from ..core.errors import RepoNotFound, RepoUnavailable
from ..core.repo import Commit, Repo
from ..core.url import Url, read_url
from .archives import Archive, Contents, RemoteFile, changed, epoch, join
from .http import Http


class HydroShareProvider(Archive):
    """Resources of HydroShare."""

    site = Unicode("https://www.hydroshare.org", help="HydroShare's address.").tag(config=True)

    bag_timeout = Float(
        180, help="Seconds to wait while HydroShare makes a resource ready to be fetched."
    ).tag(config=True)

    bag_interval = Float(5, help="Seconds between two looks whether it is ready.").tag(config=True)

    async def version(self, http: Http, repo: Repo) -> str:
        site = read_url(self.site)
        about = await http.json(join(site, "hsapi/resource", repo.name, "scimeta", "elements"))
        dates = {date["type"]: date["start_date"] for date in about["dates"]}
        return f"{repo.name}.v{epoch(dates['modified'])}"

    async def contents(self, http: Http, commit: Commit) -> Contents:
        if await self.version(http, commit.repo) != commit.id:
            raise changed(commit)
        id = commit.repo.name
        bag = join(read_url(self.site), "django_s3/download/bags", f"{id}.zip")
        await self._made(http, bag)
        return Contents((RemoteFile(bag, f"{id}.zip"),), inside=f"{id}/data/contents/")

    async def _made(self, http: Http, bag: Url) -> None:
        """Wait until the bag is a zip; until then a page that says so is in its place."""
        try:
            async with asyncio.timeout(self.bag_timeout):
                while not await _is_zip(http, bag):  # noqa: ASYNC110 (it is another machine)
                    await asyncio.sleep(self.bag_interval)
        except TimeoutError as error:
            raise RepoUnavailable(
                "HydroShare has been asked for the resource and is still putting it together. Try "
                "again in a few minutes."
            ) from error


async def _is_zip(http: Http, bag: Url) -> bool:
    async with http.get(bag) as answer:
        if answer.response.status not in {200, 202}:
            raise RepoNotFound(
                "HydroShare does not give this resource. It may be private or deleted."
            )
        return await answer.response.content.read(2) == b"PK"
