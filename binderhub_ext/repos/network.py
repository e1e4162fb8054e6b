"""Which hosts may be reached on behalf of somebody who only pasted a link.

A link is hostile: it may name the cloud's metadata service, the hub's own internal ports or a
printer. A host is judged by every address its name resolves to, and the addresses judged are
the ones connected to (callers pin them), so that a name that resolves to something else a moment
later gains nothing. Ranges follow the IANA special-purpose registries
(https://www.iana.org/assignments/iana-ipv4-special-registry) and, for addresses that carry an
IPv4 address inside, RFC 4291, RFC 3056 and RFC 6052.

Known limit: behind an HTTP proxy the proxy resolves the name again, so there it is the proxy
that must refuse private addresses.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.request import (  # type: ignore[attr-defined]  # typeshed lacks the second
    getproxies_environment,
    proxy_bypass_environment,
)

from traitlets import Float, List, Unicode
from traitlets.config import LoggingConfigurable

from ..core.errors import AddressNotAllowed, RepoUnavailable
from ..core.url import Url
from ..traits import Cidr

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SPECIAL: tuple[Network, ...] = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # The host agent of Azure's virtual machines has a public address.
        "168.63.129.16/32",
        # ::ffff:0:0:0/96 is how translators of protocols write IPv4 addresses (RFC 2765)
        *(
            "::/96",
            "::ffff:0:0:0/96",
            "64:ff9b:1::/48",
            "100::/64",
            "2001::/23",
            "2001:db8::/32",
            "3fff::/20",
        ),
        *("5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
    )
)
"""Networks nobody outside an organisation or a machine answers on."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressPolicy(LoggingConfigurable):
    """Judges hosts; shared by Git and archives."""

    allowed_networks = List(
        Cidr(),
        help="""Networks that may be reached although they are private, loopback or otherwise
        special, as CIDR. Empty by default: a link could name anything in them. List the network
        of an intranet's Git host, as narrow as it goes.""",
    ).tag(config=True)

    allowed_hosts = List(
        Unicode(),
        help="""Host names (`git.example.org`, or `*.example.org` for those below it) that may be
        reached whatever they resolve to. Empty by default. Whoever controls the name's DNS then
        controls which address is reached.""",
    ).tag(config=True)

    blocked_networks = List(
        Cidr(),
        help="""Networks that must not be reached, as CIDR, even if their addresses are public:
        for instance this service's own public address. Wins over everything else.""",
    ).tag(config=True)

    dns_timeout = Float(
        10, help="Seconds to wait for a name to resolve; a host that is slower counts as down."
    ).tag(config=True)

    def allows(self, address: Address, host: str = "") -> bool:
        """Whether an address may be reached.

        Args:
            address: what would be connected to.
            host: the name it was found by, for `allowed_hosts`.
        """
        carried = plain(address)
        if self._listed(carried, self.blocked_networks):
            return False
        if host and self._host_listed(host):
            return True
        if self._listed(carried, self.allowed_networks):
            return True
        return not any(carried in network for network in SPECIAL)

    async def addresses(self, url: Url) -> tuple[Address, ...]:
        """The addresses of a URL's host, all of them allowed; to be pinned by the caller.

        Returns:
            Nothing if a proxy must resolve the name because this machine cannot.

        Raises:
            AddressNotAllowed: at least one of them must not be reached.
            RepoUnavailable: the name does not resolve.
        """
        literal = url.address
        addresses = (literal,) if literal else await self._lookup(url)
        if not all(self.allows(address, url.host) for address in addresses):
            self.log.warning("Refused to reach %s: %s", url.host, ", ".join(map(str, addresses)))
            raise AddressNotAllowed(
                "{host} is at a private or internal address, which links must not reach. "
                "Use a repository on a public host, or ask the administrator to allow this one.",
                host=url.host,
            )
        return addresses

    async def _lookup(self, url: Url) -> tuple[Address, ...]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.dns_timeout):
                answers = await loop.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, TimeoutError) as error:
            if proxy_of(url):
                return ()
            raise RepoUnavailable(
                "The host {host} is unknown or its name cannot be looked up just now. "
                "Check the spelling of the URL; if it is right, try again in a minute.",
                host=url.host,
            ) from error
        return tuple(
            dict.fromkeys(ipaddress.ip_address(str(a[4][0]).split("%")[0]) for a in answers)
        )

    def _host_listed(self, host: str) -> bool:
        return any(
            host.endswith(name[1:]) if name.startswith("*.") else host == name
            for name in map(str.lower, self.allowed_hosts)
        )

    @staticmethod
    def _listed(address: Address, networks: list[str]) -> bool:
        return any(address in ipaddress.ip_network(network) for network in networks)


async def is_public(url: Url) -> bool:
    """Whether everybody can be expected to reach a host: none of its addresses is special.

    Raises:
        RepoUnavailable: its name does not resolve.
    """
    everything = AddressPolicy(allowed_networks=["0.0.0.0/0", "::/0"])
    addresses = await everything.addresses(url)
    return not any(plain(address) in network for address in addresses for network in SPECIAL)


def plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def proxy_of(url: Url) -> str:
    """The proxy the environment asks for, as curl understands it, or nothing."""
    proxies = getproxies_environment()
    if proxy_bypass_environment(url.host, proxies):
        return ""
    return proxies.get(url.scheme, "") or proxies.get("all", "")
