"""HTTP to hosts a link named: every hop judged, every answer limited.

The resolver of the connections applies the same policy as the check before each request, so the
address judged is the address connected to. `.netrc` and cookies are never used.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from .. import certificates
from ..bodies import whole_body
from ..core.errors import BinderError, NoSpace, NotAllowed, RepoNotFound, RepoUnavailable, TooLarge
from ..core.jsontext import parse_json
from ..core.url import Url, read_url
from .network import AddressPolicy, proxy_of

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOPS = 6
_JSON_MAX = 32 * 2**20
_CHUNK = 2**17
_HEADERS = {"User-Agent": "binder-at-home"}
_GZIPPED = re.compile(r"\.t?gz\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """The final answer of a host, after redirects; its body may still be read."""

    url: Url
    response: aiohttp.ClientResponse


class Http:
    """Requests to hosts a link named. An async context manager.

    Args:
        policy: which hosts may be reached.
        timeout: seconds a host may be silent.
    """

    def __init__(self, policy: AddressPolicy, *, timeout: float = 30) -> None:
        self._policy = policy
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=timeout, sock_read=timeout)

    async def __aenter__(self) -> Http:
        jar = aiohttp.DummyCookieJar()
        trusted, judged = certificates.context(), _Judged(self._policy)
        direct = aiohttp.TCPConnector(resolver=judged, use_dns_cache=False, ssl=trusted)
        self._direct = self._session(direct, jar)
        self._proxied = self._session(aiohttp.TCPConnector(ssl=trusted), jar)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._direct.close()
        await self._proxied.close()

    @contextlib.asynccontextmanager
    async def get(self, url: Url, headers: Mapping[str, str] = {}) -> AsyncIterator[Answer]:
        """Ask for a URL, following redirects, whatever the final status.

        Raises:
            AddressNotAllowed, RepoUnavailable, BadLink.
        """
        for _ in range(_HOPS):
            async with self._once(url, headers) as response:
                if response.status not in _REDIRECTS or "Location" not in response.headers:
                    yield Answer(url, response)
                    return
                url = _next(url, response.headers["Location"])
        raise RepoUnavailable(
            "{host} redirects in a circle. Check the link in a browser.", host=url.host
        )

    async def json(self, url: Url, headers: Mapping[str, str] = {}) -> Any:
        """The JSON at a URL.

        Raises:
            RepoNotFound, AddressNotAllowed, RepoUnavailable, TooLarge.
        """
        async with self.get(url, {"Accept": "application/json", **headers}) as answer:
            refuse(answer)
            try:
                async with _words(answer.url):
                    body = await whole_body(answer.response, _JSON_MAX)
            except ValueError as error:
                raise TooLarge(
                    "{host} gave an answer that is too large to be right.", host=url.host
                ) from error
        try:
            return parse_json(body)
        except ValueError as error:
            raise RepoUnavailable(
                "{host} did not answer as its interface should. Try again later.", host=url.host
            ) from error

    async def download(
        self,
        url: Url,
        path: Path,
        limit: int,
        check: Callable[[Answer], None] | None = None,
    ) -> int:
        """Write what is at a URL to a new file and give its size in bytes.

        Args:
            check: raises what it has against an answer before anything is written.

        Raises:
            TooLarge: more than `limit` bytes.
            RepoNotFound, AddressNotAllowed, RepoUnavailable.
        """
        size = 0
        async with self.get(url) as answer, _words(answer.url):
            refuse(answer)
            if check:
                check(answer)
            with path.open("xb") as file:
                async for part in _parts(answer, limit):
                    size += len(part)
                    file.write(part)
        return size

    async def digest(self, answer: Answer, limit: int) -> str:
        """The SHA-256 of what an answer brings, which is kept nowhere.

        Raises:
            TooLarge, RepoUnavailable.
        """
        digest = sha256()
        async with _words(answer.url):
            async for part in _parts(answer, limit):
                digest.update(part)
        return digest.hexdigest()

    def _session(
        self, connector: aiohttp.TCPConnector, jar: aiohttp.DummyCookieJar
    ) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=jar, timeout=self._timeout, headers=_HEADERS
        )

    @contextlib.asynccontextmanager
    async def _once(
        self, url: Url, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        await self._policy.addresses(url)
        proxy = proxy_of(url)
        session = self._proxied if proxy else self._direct
        address = URL(str(url), encoded=True)
        # many hosts call such a file an encoding of what is in it; checksums are of the file
        gzipped = _GZIPPED.search(url.path) is not None
        if gzipped:
            headers = {"Accept-Encoding": "identity", **headers}
        async with _words(url):
            response = await session.get(
                address,
                headers=headers,
                allow_redirects=False,
                proxy=proxy or None,
                auto_decompress=not gzipped,
            )
        async with response:
            yield response


def refuse(answer: Answer) -> None:
    """Raise what a status other than 200 means."""
    status, host = answer.response.status, answer.url.host
    if status == 200:
        return
    if status in {401, 403, 404, 410}:
        raise RepoNotFound(
            "{host} has nothing public at this address. Check the link; if it is right, what it "
            "names may be private, restricted or deleted.",
            host=host,
        )
    if status == 429:
        raise RepoUnavailable(
            "{host} has had too many requests from here and asks us to wait. Try again in a few "
            "minutes.",
            host=host,
        )
    raise RepoUnavailable(
        "{host} answered with status {status}. Try again in a few minutes.",
        host=host,
        status=status,
    )


async def _parts(answer: Answer, limit: int) -> AsyncIterator[bytes]:
    size = 0
    async for part in answer.response.content.iter_chunked(_CHUNK):
        size += len(part)
        if size > limit:
            raise TooLarge(
                "A file at {host} is larger than the {limit} MiB allowed "
                "here. Ask the administrator, or use a smaller dataset.",
                host=answer.url.host,
                limit=limit // 2**20,
            )
        yield part


def _next(url: Url, location: str) -> Url:
    try:
        target = read_url(urljoin(str(url), location))
    except BinderError as error:
        raise NotAllowed(
            "{host} redirects to something that is refused here. {reason}",
            host=url.host,
            reason=error.message,
        ) from error
    if url.scheme == "https" and target.scheme != "https":
        raise NotAllowed(
            "{host} redirects from https to an insecure address, which is refused. Check the "
            "link in a browser.",
            host=url.host,
        )
    return target


@contextlib.asynccontextmanager
async def _words(url: Url) -> AsyncIterator[None]:
    try:
        yield
    except BinderError:
        raise
    except aiohttp.ClientSSLError as error:
        raise RepoUnavailable(
            "No secure connection to {host} could be made: its certificate is not valid here. "
            "If it is your institution's own host, ask the administrator to add its authority.",
            host=url.host,
        ) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        if NoSpace.caused(error):
            raise NoSpace(
                "This service's disk is full. Please tell the administrator; nothing of yours is "
                "lost."
            ) from error
        raise RepoUnavailable(
            "{host} cannot be reached, answers too slowly or broke off in the middle. Try "
            "again in a minute.",
            host=url.host,
        ) from error


class _Judged(AbstractResolver):
    """Resolves names to allowed addresses only."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self._policy.addresses(Url("https", host, port, "/"))
        ]

    async def close(self) -> None:
        """Nothing is open."""
