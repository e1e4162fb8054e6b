"""What the Hub refuses, as errors of ours."""

from __future__ import annotations

import aiohttp

from ..core.carried import carried
from ..core.errors import BinderError, Conflict, LaunchFailed, NotAllowed, NotFound, TooMany
from ..core.sentences import fixed


class HubBusy(TooMany):
    """As many servers start as the Hub lets start at once; it passes by itself."""


def failure(message: str, page: str = "") -> LaunchFailed:
    """The Hub's sentence about a failed start, as one of ours.

    Our spawners put what helps (the end of the server's log) below the sentence.

    Args:
        page: the same as HTML, in which our spawners carry what the sentence was made of.
    """
    told = message.removeprefix("Spawn failed:").removeprefix("Spawn failed").strip()
    words, _, detail = told.partition("\n\n")
    if not words:
        return LaunchFailed("The server did not start, and the Hub does not say why.")
    return LaunchFailed(carried(words, page), detail=detail)


def unknown(what: str, name: str) -> NotFound:
    """Why a `person` or `group` cannot be meant."""
    if what == "group":
        return NotFound("This hub knows no group called “{name}”.", name=name)
    return NotFound(
        "This hub knows no person called “{name}”. People are known once they have signed in.",
        name=name,
    )


async def check(response: aiohttp.ClientResponse) -> None:
    """Turn the Hub's refusals into words.

    Raises:
        HubBusy, TooMany, Conflict, NotAllowed, LaunchFailed.
    """
    if response.status < 400:
        return
    if response.status == 429 and "Retry-After" in response.headers:
        # only where it passes does the Hub say when to come back
        raise HubBusy(await message_of(response))
    raise _refusal(response.status, await message_of(response))


def _refusal(status: int, message: str) -> BinderError:
    if status == 429:
        return TooMany(message or "Too many servers are starting. Try again in a minute.")
    if status in (400, 409):
        return Conflict(message or "The Hub does not accept this server.")
    if status in (401, 403, 404):
        return NotAllowed(
            "The Hub does not let this service act for you: your sign-in or token has expired or "
            "may not start servers. Sign in again, or use a token with the scope “servers”.",
            detail=message,
        )
    return failure(message or fixed("The Hub could not start the server."))


async def message_of(response: aiohttp.ClientResponse) -> str:
    """The Hub's own words for a refusal, if it has any."""
    try:
        fields = await response.json(content_type=None)
    except (ValueError, aiohttp.ClientError):
        return ""
    return str(fields.get("message") or "") if isinstance(fields, dict) else ""
