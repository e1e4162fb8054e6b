"""The ways out of a launch, as the form shows them: link, badge, QR code, other hubs, commands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

import segno
from segno import DataOverflowError

from ...core.badges import badge, commands, elsewhere
from ...core.errors import BadLink
from ...core.launch import LaunchRequest
from ...core.links import without, write_link
from ...core.providers import Providers
from ...core.targets import Targets
from ..otherhubs import OtherHub


def ways_out(
    request: LaunchRequest,
    base: str,
    hubs: Iterable[OtherHub],
    *,
    providers: Providers,
    targets: Targets,
    open_page: str = "",
) -> dict[str, Any]:
    """Everything the form offers for sharing one launch.

    Args:
        request: what the form stands for.
        base: absolute URL of this service.
        hubs: other Binders that are up.
        open_page: of a page that opens links on any hub; empty for none.

    Returns:
        `url`, `markdown`, `html`, `rst`; `anywhere`, a link for every hub, or empty; `publish`,
        where it can be put into the catalogue; `qr`, a `data:` URL of a picture, or empty where the
        link is too long for one; `hubs`, `[{name, url, without}]` with what is lost on the way;
        `commands`, by what they need.
    """
    made = badge(request, base, providers=providers)
    link = write_link(request, providers=providers)
    return {
        **asdict(made),
        "anywhere": f"{open_page}#{link}" if open_page else "",
        "publish": f"{base}catalogue/publish?{urlencode({'link': _for_all(link)})}",
        "qr": qr_code(made.url),
        "hubs": list(_links(request, hubs, providers, targets)),
        "commands": commands(request),
    }


def _for_all(link: str) -> str:
    """A link without what no entry of the catalogue may have."""
    return without(without(link, "share"), "secrets")


def qr_code(url: str) -> str:
    """A `data:` URL of a picture of any size; empty where the address is too long for one."""
    try:
        code = segno.make(url, micro=False)
    except DataOverflowError:
        return ""
    # Black on white in either theme: many cameras do not read it the other way round.
    return code.svg_data_uri(border=4, light="white", omitsize=True)


def _links(
    request: LaunchRequest, hubs: Iterable[OtherHub], providers: Providers, targets: Targets
) -> Any:
    for hub in hubs:
        try:
            url = elsewhere(request, hub.url, targets, providers=providers, ours=hub.ours)
        except BadLink:
            continue
        yield {"name": hub.name, "url": url, "without": hub.without(request)}
