"""The registry of images, asked over HTTP: whether an image is there, what it is, and to forget it.

By the registry's own protocol (https://distribution.github.io/distribution/spec/api/): there is no
daemon in a cluster that could be asked, and pods move the images themselves.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from ... import certificates
from ...bodies import whole_body
from ...core.errors import BadLink, BinderError, RegistryUnavailable, RepoUnavailable
from ...core.jsontext import parse_json
from ...core.url import read_url
from ...repos.http import Http
from ...repos.network import AddressPolicy
from ..containers.complaints import complaint
from .cluster import Cluster

_ACCEPT = ", ".join(
    [
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    ]
)
_DOCKER_HUB = "registry-1.docker.io"
_DOCKER_HUBS = ("docker.io", "index.docker.io")
_PATIENCE = 20
_LARGEST = 8 << 20
_FIELD = re.compile(r'(\w+)="([^"]*)"')
_GONE = (404,)
_UNUSABLE = (
    *(aiohttp.ClientError, TimeoutError),
    # what a registry says is its own to choose, and so is whether it makes sense
    *(ValueError, TypeError, AttributeError, ArithmeticError),
)

Get = Callable[[str, Mapping[str, str]], AbstractAsyncContextManager[aiohttp.ClientResponse]]
"""Asks for a URL with some headers."""


@dataclass(frozen=True)
class Manifest:
    """An image in a registry.

    Attributes:
        digest: of its manifest.
        size: bytes of its layers, as they are moved.
        config: digest of its configuration.
    """

    digest: str
    size: int
    config: str = ""


@dataclass(frozen=True)
class Name:
    """A name of an image, in its parts.

    Attributes:
        host: of the registry, with a port if any.
        path: of the repository.
        reference: tag or digest.
    """

    host: str
    path: str
    reference: str = "latest"

    @classmethod
    def of(cls, image: str) -> Name:
        """The parts of a name as Docker writes it: Docker Hub's have no host."""
        rest, at, digest = image.partition("@")
        host, slash, path = rest.partition("/")
        if not slash or not (host == "localhost" or "." in host or ":" in host):
            host, path = _DOCKER_HUB, rest if slash else f"library/{rest}"
        host = _DOCKER_HUB if host in _DOCKER_HUBS else host
        path, colon, tag = path.partition(":")
        return cls(host, path, digest if at else (tag if colon else "latest"))

    @property
    def repository(self) -> str:
        return f"{self.host}/{self.path}"

    def is_of(self, other: Name) -> bool:
        """Whether both are of one repository, however its host is written."""
        return (_plain(self.host), self.path) == (_plain(other.host), other.path)


def _plain(host: str) -> str:
    host = host.lower().removesuffix(":443")
    return _DOCKER_HUB if host in _DOCKER_HUBS else host


class Registry:
    """Asks registries.

    Args:
        cluster: what an administrator set; read whenever it is needed.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def find(self, image: str, *, by_link: bool = False) -> Manifest | None:
        """An image if the registry has it.

        Args:
            by_link: somebody's link names it, so its host is judged as a repository's is, unless
                an administrator names it too.

        Raises:
            RegistryUnavailable: it does not answer, or gives unusable answers.
            ImageRefused, TooMany: it does not let us.
            AddressNotAllowed: no link may have it asked.
        """
        name = Name.of(image)
        path = f"manifests/{name.reference}"
        if by_link and not self._is_named(name.host):
            return await self._judged(name, path)
        async with self._asked("GET", name, path) as response:
            return await _manifest(response)

    async def config(self, image: str, manifest: Manifest) -> dict[str, Any]:
        """What an image is configured to do, in Docker's words.

        Raises:
            RegistryUnavailable
        """
        async with self._asked("GET", Name.of(image), f"blobs/{manifest.config}") as response:
            if response.status in _GONE:
                return {}
            fields: dict[str, Any] = parse_json(await whole_body(response, _LARGEST))
            return fields

    async def tags(self, repository: str) -> list[str]:
        """All tags of a repository; none if there is no such repository.

        Raises:
            RegistryUnavailable
        """
        async with self._asked("GET", Name.of(repository), "tags/list") as response:
            if response.status in _GONE:
                return []
            return [
                str(tag)
                for tag in parse_json(await whole_body(response, _LARGEST)).get("tags") or ()
            ]

    async def remove(self, image: str, manifest: Manifest) -> bool:
        """Have the registry forget an image; returns whether it does.

        Raises:
            RegistryUnavailable
        """
        name = Name.of(image)
        async with self._asked("DELETE", name, f"manifests/{manifest.digest}") as response:
            return response.status in (202, 404)

    # --- one question ---------------------------------------------------------------------

    @asynccontextmanager
    async def _asked(
        self, method: str, name: Name, path: str
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        scheme = "http" if self._is_insecure(name.host) else "https"
        url = f"{scheme}://{name.host}/v2/{name.path}/{path}"
        basic = self._credentials(name.host)
        timeout = aiohttp.ClientTimeout(total=_PATIENCE)
        try:
            async with aiohttp.ClientSession(
                timeout=timeout, trust_env=True, connector=_trusting()
            ) as session:
                headers = {"Accept": _ACCEPT}
                response = await session.request(method, url, headers=headers)
                if response.status == 401:
                    asked = response.headers.get("WWW-Authenticate", "")
                    response.release()
                    headers["Authorization"] = await _authorization(_getting(session), asked, basic)
                    response = await session.request(method, url, headers=headers)
                async with response:
                    _check(name, response)
                    yield response
        except _UNUSABLE as error:
            raise _refused(name, str(error) or type(error).__name__) from error

    async def _judged(self, name: Name, path: str) -> Manifest | None:
        """What a registry has that a link alone names, which says itself where tokens are."""
        try:
            async with (
                asyncio.timeout(_PATIENCE),
                Http(AddressPolicy(parent=self._cluster), timeout=_PATIENCE) as http,
            ):
                get, url = _judging(http), f"https://{name.host}/v2/{name.path}/{path}"
                headers = {"Accept": _ACCEPT}
                async with get(url, headers) as response:
                    asked = response.headers.get("WWW-Authenticate", "")
                    if response.status != 401:
                        _check(name, response)
                        return await _manifest(response)
                headers["Authorization"] = await _authorization(get, asked, "")
                async with get(url, headers) as response:
                    _check(name, response)
                    return await _manifest(response)
        except (BadLink, RepoUnavailable) as error:
            raise _refused(name, str(error.message)) from error
        except _UNUSABLE as error:
            raise _refused(name, str(error) or type(error).__name__) from error

    def _is_named(self, host: str) -> bool:
        """Whether an administrator names a registry: as ours, or with credentials."""
        return host == Name.of(self._cluster.repository).host or bool(self._known(host))

    def _is_insecure(self, host: str) -> bool:
        return self._cluster.insecure_registry and self._cluster.repository.startswith(f"{host}/")

    def _credentials(self, host: str) -> str:
        """What proves who we are, as HTTP's `Basic` has it; empty for nobody."""
        entry = self._known(host)
        if entry.get("auth"):
            return str(entry["auth"])
        both = f"{entry.get('username', '')}:{entry.get('password', '')}"
        return base64.b64encode(both.encode()).decode() if entry else ""

    def _known(self, host: str) -> Mapping[str, Any]:
        """What the file with credentials has of a registry."""
        if not self._cluster.registry_credentials:
            return {}
        try:
            said = json.loads(Path(self._cluster.registry_credentials).read_text())
        except (OSError, ValueError):
            return {}
        known: Mapping[str, Any] = said.get("auths") or {}
        return known.get(host) or known.get(f"https://{host}") or {}


async def _manifest(response: aiohttp.ClientResponse) -> Manifest | None:
    if response.status in _GONE:
        return None
    fields = parse_json(await whole_body(response, _LARGEST))
    size = sum(int(layer.get("size", 0)) for layer in fields.get("layers") or ())
    config = str((fields.get("config") or {}).get("digest", ""))
    return Manifest(response.headers.get("Docker-Content-Digest", ""), size, config)


def _trusting() -> aiohttp.TCPConnector | None:
    """Trusts whom the Hub trusts; nothing where an administrator names nobody."""
    if certificates.established() is None:
        return None
    return aiohttp.TCPConnector(ssl=certificates.context())


def _getting(session: aiohttp.ClientSession) -> Get:
    return lambda url, headers: session.get(url, headers=headers)


def _judging(http: Http) -> Get:
    @asynccontextmanager
    async def get(url: str, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        async with http.get(read_url(url), headers) as answer:
            yield answer.response

    return get


async def _authorization(get: Get, asked: str, basic: str) -> str:
    """What to answer a registry that wants to know who asks."""
    kind, _, rest = asked.partition(" ")
    if kind.lower() != "bearer":
        return f"Basic {basic}"
    fields = dict(_FIELD.findall(rest))
    headers = {"Authorization": f"Basic {basic}"} if basic else {}
    query = {name: fields[name] for name in ("service", "scope") if name in fields}
    async with get(str(URL(fields.get("realm", "")).update_query(query)), headers) as response:
        told = parse_json(await whole_body(response, _LARGEST))
    return f"Bearer {told.get('token') or told.get('access_token') or ''}"


def _check(name: Name, response: aiohttp.ClientResponse) -> None:
    if response.status not in (200, 202, 404, 405):
        raise _refusal(name, response)


def _refusal(name: Name, response: aiohttp.ClientResponse) -> BinderError:
    said = f"http {response.status} {response.reason}"
    if response.status in (401, 403, 429):
        return complaint(name.repository, said)
    return _refused(name, said)


def _refused(name: Name, detail: str) -> RegistryUnavailable:
    return RegistryUnavailable(
        "The registry {host} does not answer, or gives unusable answers. Try again in a moment; if"
        " it stays so, tell the administrator.",
        host=name.host,
        detail=detail,
    )
