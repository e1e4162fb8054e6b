"""One repository on a host: reached at judged addresses only, complaining in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.errors import RepoUnavailable, TooLarge
from ..core.url import Url
from ..programs import ProcessFailed, TimedOut, TooMuch
from . import complaints
from .command import OUTPUT_LIMIT, Call, run
from .credentials import Credential
from .http import Http
from .network import Address, AddressPolicy

NAME = "origin"
"""What a call's arguments say for the repository; its URL is never an argument."""

MEMORY = 2**29
"""For what is only looked up: git holds all of a list of refs before it says any, five times as
large as it came, and a whole object, which can be a thousand times as large as it came."""

_DISCOVERY = "/info/refs"


@dataclass(frozen=True)
class Advertised:
    """What a repository has.

    Attributes:
        ids: full names of refs to ids, peeled tags as `<name>^{}`.
        default: full name of the ref `HEAD` stands for, or nothing.
    """

    ids: dict[str, str]
    default: str


class Remote:
    """A repository on a host.

    Args:
        url: where it is.
        policy: which hosts may be reached; asked again for every call and every redirect.
        timeout: seconds for a question (not for a fetch).
        credential: what opens it, if it takes any; sent to the host of `url` alone.
    """

    def __init__(
        self,
        url: Url,
        policy: AddressPolicy,
        *,
        timeout: float,
        credential: Credential | None = None,
    ) -> None:
        self.url = url
        self._policy = policy
        self._timeout = timeout
        self._credential = credential
        self._opened_by = credential.settings(url) if credential else {}

    async def list(self, patterns: Sequence[str], *, limit: int = OUTPUT_LIMIT) -> Advertised:
        """The refs that match; possibly more, as `git ls-remote` compares ends of names.

        Args:
            limit: bytes the host may answer.

        Raises:
            RepoNotFound, RepoUnavailable, AddressNotAllowed, TooLarge.
        """
        return await self._listed("ls-remote", "--symref", NAME, *patterns, limit=limit)

    async def tags(self) -> Mapping[str, str]:
        """Full names of all tags to their objects; `<name>^{}` to what an annotated one is of.

        Raises:
            RepoNotFound, RepoUnavailable, AddressNotAllowed.
        """
        return (await self._listed("ls-remote", "--tags", NAME)).ids

    async def _listed(self, *arguments: str, limit: int = OUTPUT_LIMIT) -> Advertised:
        call = Call(
            arguments,
            Path("/"),
            timeout=self._timeout,
            output_limit=limit,
            memory=MEMORY,
        )
        output = await self.run(call)
        ids, default = {}, ""
        for line in output.decode(errors="replace").splitlines():
            what, _, name = line.partition("\t")
            if not what.startswith("ref: "):
                ids[name] = what
            elif name == "HEAD":
                default = what.removeprefix("ref: ")
        return Advertised(ids, default)

    async def run(self, call: Call, on_progress: Callable[[str], None] | None = None) -> bytes:
        """Run git with this repository as the remote `origin`.

        Redirects are followed by us, one judged hop after another, since git would not ask.

        Raises:
            TooMuch: for the caller to decide about.
            RepoNotFound, RefNotFound, RepoUnavailable, AddressNotAllowed, NoSpace.
        """
        try:
            return await self._attempt(call, on_progress)
        except ProcessFailed as error:
            if not complaints.is_redirect(error.tail):
                raise self._understood(error, call) from error
        self.url = await self._moved()
        try:
            return await self._attempt(call, on_progress)
        except ProcessFailed as error:
            raise self._understood(error, call) from error

    async def _attempt(self, call: Call, on_progress: Callable[[str], None] | None) -> bytes:
        addresses = await self._policy.addresses(self.url)
        config = {**call.config, **self._opened_by, f"remote.{NAME}.url": str(self.url)}
        if addresses:
            config["http.curloptResolve"] = pin(self.url, addresses)
        return await run(replace(call, config=config, protocols=(self.url.scheme,)), on_progress)

    async def _moved(self) -> Url:
        asked = replace(
            self.url,
            path=self.url.path.rstrip("/") + _DISCOVERY,
            query="service=git-upload-pack",
        )
        async with Http(self._policy, timeout=self._timeout) as http, http.get(asked) as answer:
            if answer.url.path.endswith(_DISCOVERY):
                return replace(answer.url, path=answer.url.path.removesuffix(_DISCOVERY), query="")
        raise complaints.understand("returned error: 302", str(self.url))

    def _understood(self, error: ProcessFailed, call: Call) -> Exception:
        if isinstance(error, TooMuch):
            return (
                error
                if call.watch
                else TooLarge("{url} has too many branches and tags.", url=self.url)
            )
        if isinstance(error, TimedOut):
            return RepoUnavailable(
                "{url} did not finish answering within {timeout:.0f} seconds. Try "
                "again later; if it is a large repository, ask the administrator for more time.",
                url=self.url,
                timeout=call.timeout,
                detail=error.tail[-2000:],
            )
        return complaints.understand(
            error.tail, str(self.url), with_credential=self._credential is not None
        )


def pin(url: Url, addresses: Sequence[Address]) -> str:
    """What tells curl the only addresses of a host."""
    listed = ",".join(f"[{a}]" if a.version == 6 else str(a) for a in addresses)
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{host}:{url.port}:{listed}"
