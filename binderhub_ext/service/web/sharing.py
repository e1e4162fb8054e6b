"""The ways out of a launch, as the form shows them: link, badge, QR code, other hubs, commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import segno
from segno import DataOverflowError

from ...core.badges import badge, commands, elsewhere
from ...core.errors import BadLink
from ...core.launch import LaunchRequest
from ...core.providers import Providers
from ...core.targets import Targets


def ways_out(
    request: LaunchRequest,
    base: str,
    hubs: Mapping[str, str],
    *,
    providers: Providers,
    targets: Targets,
) -> dict[str, Any]:
    """Everything the form offers for sharing one launch.

    Args:
        request: what the form stands for.
        base: absolute URL of this service.
        hubs: other Binders by name.

    Returns:
        `url`, `markdown`, `html`, `rst`; `qr`, a `data:` URL of a picture, or empty where the
        link is too long for one; `hubs`, `[{name, url}]`; `commands`, by what they need.
    """
    made = badge(request, base, providers=providers)
    return {
        **asdict(made),
        "qr": _qr(made.url),
        "hubs": list(_links(request, hubs, providers, targets)),
        "commands": commands(request),
    }


def _qr(url: str) -> str:
    try:
        code = segno.make(url, micro=False)
    except DataOverflowError:
        return ""
    # Black on white in either theme: many cameras do not read it the other way round.
    return code.svg_data_uri(scale=4, border=4, light="white")


def _links(
    request: LaunchRequest, hubs: Mapping[str, str], providers: Providers, targets: Targets
) -> Any:
    for name, hub in hubs.items():
        try:
            yield {"name": name, "url": elsewhere(request, hub, targets, providers=providers)}
        except BadLink:
            continue
