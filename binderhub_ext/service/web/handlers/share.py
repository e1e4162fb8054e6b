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
        self.write(
            ways_out(
                read_fields(volumeform.joined(self.query_fields()), service.providers),
                f"{self.request.protocol}://{self.request.host}{service.prefix}",
                service.hubs,
                providers=service.providers,
                targets=service.targets,
            )
        )
