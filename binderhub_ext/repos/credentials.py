"""Somebody's own password or token for a Git host, and how git is told.

It travels in variables of git's own process, as a header for exactly one host: never in a URL,
an argument or a file. Variables of a process can be read by its own user and root alone.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from ..core.url import Url


@dataclass(frozen=True)
class Credential:
    """What opens a person's repositories on one host.

    Attributes:
        user: name for the host; many forges take any name with a token.
        password: token or password.
    """

    user: str
    password: str = field(repr=False)

    def settings(self, url: Url) -> dict[str, str]:
        """Git's settings that send it to the host of `url` and to no other."""
        told = b64encode(f"{self.user}:{self.password}".encode()).decode()
        place = f"{url.scheme}://{url.netloc}/"
        return {f"http.{place}.extraHeader": f"Authorization: Basic {told}"}


Keyring = Callable[[str], Awaitable[Mapping[str, Credential]]]
"""A person's credentials by host, with its port if that is not the scheme's own."""


async def no_credentials(person: str) -> Mapping[str, Credential]:
    """The keyring where nobody has any."""
    return {}


def fitting(
    keys: Mapping[str, Credential], url: Url, unencrypted: Collection[str]
) -> Credential | None:
    """The credential for a URL's host, if it may be sent there.

    Args:
        unencrypted: hosts to which it may be sent by plain http.
    """
    if url.scheme == "https" or (url.scheme == "http" and url.netloc in unencrypted):
        return keys.get(url.netloc)
    return None
