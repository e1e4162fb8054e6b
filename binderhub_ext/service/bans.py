"""Networks that are not served. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from ..core.errors import NotAllowed


@dataclass(frozen=True)
class Bans:
    """Networks and why each is banned."""

    networks: Mapping[IPv4Network | IPv6Network, str] = field(default_factory=dict)

    def check(self, address: str | None) -> None:
        """Refuse a client of a banned network.

        Args:
            address: as the server knows it; a socket's peer has none and is never banned.

        Raises:
            NotAllowed: with the reason.
        """
        if not self.networks or not address:
            return
        try:
            client = ip_address(address)
        except ValueError:
            return
        if isinstance(client, IPv6Address) and client.ipv4_mapped:
            client = client.ipv4_mapped
        for network, why in self.networks.items():
            if client in network:
                if not why:
                    raise NotAllowed(
                        "This hub does not serve the network of your address {client}. Ask the "
                        "administrator.",
                        client=client,
                    )
                raise NotAllowed(
                    "This hub does not serve the network of your address {client}: {reason}. "
                    "Ask the administrator.",
                    client=client,
                    reason=why,
                )
