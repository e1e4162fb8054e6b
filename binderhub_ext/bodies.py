"""Bodies of HTTP answers, which may be without an end."""

from __future__ import annotations

import aiohttp

_CHUNK = 2**17


async def whole_body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """All of an answer's body.

    Raises:
        ValueError: it is larger than `limit` bytes.
    """
    body = bytearray()
    async for part in response.content.iter_chunked(_CHUNK):
        body += part
        if len(body) > limit:
            raise ValueError(f"larger than {limit} bytes")
    return bytes(body)
