"""Builds that are handed to a running BinderHub, in its own protocol.

A BinderHub in API-only mode answers `build/<provider>/<spec>?build_only=true` with an event stream
whose last event names the image (`binderhub/builder.py`). To ask again is to attach to the build
that is under way, so a stream that broke off is simply asked for anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from ... import via
from ...core.archives import image_reference
from ...core.errors import AsksItself, BadLink, BinderError, BuildFailed, TooMany
from ...core.forges import GIT
from ...core.progress import Event, Phase, Tell
from ...core.providers import PROVIDERS
from ...core.repo import Commit, Repo
from ...core.sentences import Sentence
from ...core.sse import Parser
from ...programs import Log, clean
from ...repos.base import Source
from ..base import EngineDown

_SILENCE = 75
"""Seconds without a sign of life after which a stream counts as dropped; three keep-alives."""

_TRIES = 4
_PAUSE = 2
"""Seconds before a stream that broke off is asked for again."""

_FAILED = ("failed", "failure")
_NOT_LET_IN = (400, 401, 403)
"""Also if it is not in API-only mode."""


@dataclass(frozen=True)
class BinderHub:
    """A BinderHub that builds for this hub.

    Attributes:
        url: its address.
        token_file: file with a token of its JupyterHub, or empty.
    """

    url: str
    token_file: str = ""

    def takes(self, source: Source) -> bool:
        """Whether it can fetch a commit: one of Git, which takes nobody's own credential."""
        return source.is_of_git and not source.commit.repo.reader

    async def build(self, commit: Commit, tell: Tell) -> str:
        """Have a commit's image built there; the image's name.

        Raises:
            BuildFailed: it could not be built; says why.
            TooMany: that BinderHub has too much to do.
            EngineDown: it does not answer, or does not let this hub in.
        """
        message = Sentence("Asking {host} to build it", host=self._host)
        tell(Event(Phase.BUILDING, message, {"progress": 1}))
        log = Log(lambda line: tell(Event.log(Phase.BUILDING, line)))
        left, why = _TRIES, ""
        while left:
            began, silent = time.monotonic(), False
            try:
                if image := await self._watch(commit, log):
                    return image
            except (aiohttp.ClientError, OSError, ValueError) as error:
                why, silent = str(error), isinstance(error, TimeoutError)
            going_on = time.monotonic() - began > _SILENCE and not silent
            left = _TRIES if going_on else left - 1
            await asyncio.sleep(_PAUSE)
        raise self._down(why)

    async def _watch(self, commit: Commit, log: Log) -> str:
        """The image that the stream ends with; nothing if it broke off."""
        async with aclosing(self._events(commit)) as events:
            async for event in events:
                for line in str(event.get("message") or "").splitlines():
                    log.add(clean(line.encode()))
                if event.get("phase") in _FAILED:
                    raise self._refusal(event, log)
                if event.get("phase") == "ready":
                    return self._image(event)
        return ""

    async def _events(self, commit: Commit) -> AsyncGenerator[dict[str, Any]]:
        """What it tells, until it closes the stream."""
        parser = Parser()
        url = URL(f"{self.url.rstrip('/')}/build/{_spec(commit)}?build_only=true", encoded=True)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=_SILENCE)
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            session.get(url, headers=self._headers(), allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise self._down(f"HTTP {answer.status}")
            async for chunk in answer.content.iter_any():
                for event in parser.feed(chunk):
                    yield event

    def _headers(self) -> dict[str, str]:
        accept = {"Accept": "text/event-stream", **via.headers()}
        if not self.token_file:
            return accept
        try:
            token = Path(self.token_file).read_text().strip()
        except OSError as error:
            raise self._down(str(error)) from error
        return {**accept, "Authorization": f"Bearer {token}"}

    def _image(self, event: dict[str, Any]) -> str:
        try:
            return image_reference(str(event.get("imageName")))
        except BadLink as error:
            raise self._down(error.message) from error

    def _refusal(self, event: dict[str, Any], log: Log) -> BinderError:
        status, why = event.get("status_code"), str(event.get("message") or "").strip()
        if status == TooMany.status:
            return TooMany(
                "{host}, which builds for this hub, has too much to do. Launch again later.",
                host=self._host,
                detail=why,
            )
        if status in _NOT_LET_IN:
            return self._down(why)
        if status == AsksItself.status:
            return AsksItself(
                "{host}, which is to build for this hub, is this hub itself, or asks it in turn."
                " Tell the administrator, who has to name another one in binderhub_url.",
                host=self._host,
                detail=why,
            )
        return BuildFailed(
            "{host}, which builds for this hub, could not build it. The end of the log says why;"
            " mend it in the repository and launch again.",
            host=self._host,
            detail=log.end,
        )

    def _down(self, why: str) -> EngineDown:
        return EngineDown(
            "{host}, which builds for this hub, does not answer, or does not let it in. Try again"
            " in a moment; if it stays so, tell the administrator.",
            host=self._host,
            detail=why,
        )

    @property
    def _host(self) -> str:
        return urlsplit(self.url).hostname or self.url


def _spec(commit: Commit) -> str:
    """The provider and spec of exactly this commit, as every BinderHub reads them."""
    repo = commit.repo
    provider = PROVIDERS.get(repo.provider)
    if provider is None or not provider.at_binder:
        provider, repo = GIT, Repo("git", repo.url, repo.url)
    return f"{provider.id}/{provider.spec(repo, commit.id)}"
