"""What is said of a cluster that does not answer, or refuses a pod."""

from __future__ import annotations

import aiohttp
from kubernetes_asyncio.client import ApiException

from ...core.errors import BinderError, LaunchFailed
from ..base import EngineDown

DOWN = (ApiException, aiohttp.ClientError, TimeoutError)
_REFUSED = (400, 403, 422)


def in_words(error: BaseException) -> BinderError:
    """The error for a server's start."""
    detail = getattr(error, "body", "") or str(error)
    if isinstance(error, ApiException) and error.status in _REFUSED:
        return LaunchFailed(
            "The cluster does not allow this server: a rule or a quota of the administrator's"
            " namespace refuses it. Tell the administrator.",
            detail=str(detail),
        )
    return EngineDown(
        "The cluster of this hub does not answer. Try again in a moment; if it stays so, tell the"
        " administrator.",
        detail=str(detail),
    )
