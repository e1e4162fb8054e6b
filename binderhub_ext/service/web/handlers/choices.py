"""What the main page's form offers while somebody types. Hosts are asked, nothing is started."""

from __future__ import annotations

from dataclasses import asdict

from ....core.launch import LaunchRequest
from ...requests import read_fields
from .. import volumeform
from ..sharing import ways_out
from .base import Api


class Choices(Api):
    """Of the repository in `repo`, anything that can be pasted, at the ref in `ref`."""

    changing = True

    def asked_for(self) -> LaunchRequest:
        fields = self.query_fields()
        given = {name: fields[name] for name in ("repo", "ref") if name in fields}
        return read_fields(given, self.service.providers)


class RefsApi(Choices):
    """`/api/refs?repo=…`: its branches and tags."""

    async def get(self) -> None:
        self.write(asdict(await self.service.choosing.refs(self.me, self.asked_for())))


class PathsApi(Choices):
    """`/api/paths?repo=…&ref=…`: its files, notebooks first."""

    async def get(self) -> None:
        self.write({"paths": await self.service.choosing.paths(self.me, self.asked_for())})


class ShareApi(Api):
    """`/api/share?repo=…`, with the form's fields: links and badges. Looks nothing up."""

    async def get(self) -> None:
        service = self.service
        request = read_fields(volumeform.joined(self.query_fields()), service.providers)
        hubs = await service.hubs.taking(request.repo.provider) if request.repo else []
        self.write(
            ways_out(
                request,
                self.service_url,
                hubs,
                providers=service.providers,
                targets=service.targets,
                open_page=service.open_page,
            )
        )
