"""How to pass a launch on."""

from __future__ import annotations

from ...requests import read_fields
from .. import volumeform
from ..sharing import ways_out
from .base import Api


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
