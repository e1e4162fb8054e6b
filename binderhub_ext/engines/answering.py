"""Asking servers that start until they answer.

The Hub's own way doubles its pauses and costs seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import aiohttp

_PAUSE = 0.025
_QUESTIONS = 200
"""How often in a second all starting servers together are asked whether they are ready: a single
start loses no time, and a class that starts at once leaves the Hub its processor."""

_LOOK_AT_PROCESS = 0.1

_asked: set[object] = set()


async def until_answers(url: str, look: Callable[[], Awaitable[None]]) -> None:
    """Ask a server until it answers.

    Args:
        url: of the server itself.
        look: looks at its process, several times a second, and raises when that has ended.
    """
    looked = monotonic()
    _asked.add(me := object())
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            while not await _answers(session, url):
                if monotonic() - looked >= _LOOK_AT_PROCESS:
                    looked = monotonic()
                    await look()
                await asyncio.sleep(max(_PAUSE, len(_asked) / _QUESTIONS))
    finally:
        _asked.discard(me)


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url, allow_redirects=False) as response:
            return response.status < 500
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
