"""Who may use the API from where, and how many connections they may keep: as configuration."""

from __future__ import annotations

from ipaddress import ip_network

from traitlets import Bool, Dict, Integer, List, Unicode
from traitlets.config import Configurable

from ..traits import Cidr
from .bans import Bans
from .turns import Turns


class Access(Configurable):
    """Who may use the API, from where, and how much of it at once."""

    origins = List(
        Unicode(),
        help="""Other sites whose pages may use the API with a person's token, such as
        `https://book.example.org` (Thebe); `*` for all. Cookies never work from there. Default:
        none.""",
    ).tag(config=True)

    api_only = Bool(False, help="Serve the API and no pages. Default: pages too.").tag(config=True)

    ban_networks = Dict(
        key_trait=Cidr(),
        help="""Networks that may use nothing here but `/health`, `/versions` and `/metrics`, each
        with the reason people there are told: `{"192.0.2.0/24": "automated traffic"}`. The proxy
        in front of the Hub has to set `X-Real-IP` itself, or a client could choose its address.
        Default: none.""",
    ).tag(config=True)

    def bans(self) -> Bans:
        """The banned networks."""
        return Bans({ip_network(net): str(why) for net, why in self.ban_networks.items()})

    streams_per_person = Integer(
        200,
        min=1,
        help="""Event streams of one account at a time (default 200), so that no script can hold
        thousands of connections: each page that somebody looks at has one, and so has each program
        that follows a launch. Raise it where a whole class signs in with one account.""",
    ).tag(config=True)

    def streams(self) -> Turns:
        """The streams that people may have."""
        return Turns(self.streams_per_person)

    build_token_seconds = Integer(
        300, min=1, help="How long a page may take to begin its build stream. Default: 300 s."
    ).tag(config=True)
