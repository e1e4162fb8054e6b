"""What an administrator says about secrets: the same lines for the Hub and for the service."""

from __future__ import annotations

from dataclasses import dataclass

from traitlets import Integer
from traitlets.config import Configurable

from .core.secretnames import check_secret_name
from .traits import Table

_FILE = "file:"


@dataclass(frozen=True)
class OfferedToken:
    """A token that the Hub keeps of a person's sign-in, and may hand to their servers.

    Attributes:
        name: under which a server gets it.
        key: of it in the Hub's `auth_state`.
        file: whether servers get it as a file.
    """

    name: str
    key: str
    file: bool = False


def _token(name: str, said: str) -> OfferedToken:
    """A token as it is configured.

    Raises:
        BadLink: it cannot be called that.
        ValueError: it names no key.
    """
    key = said.removeprefix(_FILE)
    if not key:
        raise ValueError('write the key it has in auth_state, such as "access_token"')
    return OfferedToken(check_secret_name(name), key, said.startswith(_FILE))


class Secrets(Configurable):
    """Secrets that people give to their servers. Set it where both read it: in the `-f` file."""

    offered_tokens = Table(
        _token,
        help="""Tokens of people's sign-in that they may give to a server, by the variable it gets,
        each with the key that the authenticator's `auth_state` has it under:
        `{"GITLAB_TOKEN": "access_token"}`; with `"file:access_token"` the variable has the path of
        a file. The Hub has to keep that state (`c.Authenticator.enable_auth_state`). Default:
        none.""",
    ).tag(config=True)

    per_person = Integer(
        50, min=0, help="Secrets a person may store (default 50); 0 for none."
    ).tag(config=True)

    def offered(self) -> tuple[OfferedToken, ...]:
        """The tokens on offer."""
        return tuple(_token(name, said) for name, said in self.offered_tokens.items())
