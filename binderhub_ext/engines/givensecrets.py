"""The secrets a server is given: fetched in the Hub's process at every start, for every engine.

The ticket has their names, which its person ticked. What they are the service says when it is
shown that ticket, and of tokens of the person's sign-in the Hub itself; both are forgotten once the
server is there. They are in no state, no ticket and no log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any

import aiohttp
from jupyterhub.utils import url_path_join
from traitlets import Unicode
from traitlets.config import LoggingConfigurable

from ..core.errors import BadTicket, LaunchFailed, Unsupported
from ..core.handover import Handover
from ..core.launch import TICKET, Launch
from ..core.secretnames import NO_SECRETS, SIGN_IN, Secret, name_of
from ..core.sentences import Sentence, listing
from ..secretsettings import OfferedToken, Secrets

_PATIENCE = 60
_UNREACHED = (
    "The secrets of this server could not be had from the hub's service. Launch again in a moment;"
    " if it stays so, tell the administrator."
)


class SecretsMixin(LoggingConfigurable):
    """The part of a spawner that knows its server's secrets."""

    if TYPE_CHECKING:
        user: Any
        hub: Any
        user_options: Any
        ticket_secret: str
        tell: Callable[..., None]

    service_url = Unicode(
        help="""Where this Hub reaches the service, such as `http://127.0.0.1:8003`, to ask for the
        secrets that a person gives to a server. Default: as `configure` sets it."""
    ).tag(config=True)

    @property
    def service_path(self) -> str:
        """Where the service is on this Hub."""
        return url_path_join(self.hub.base_url, "..", "services/binder/").replace("/hub/..", "")

    secrets: tuple[Secret, ...] = ()
    """Of the start that is under way."""

    def check_secrets(self, given: tuple[Secret, ...]) -> None:
        """Refuse what this engine cannot hand to a server so that nobody else sees it.

        By default all.

        Raises:
            Unsupported: it cannot.
        """
        if given:
            raise Unsupported(NO_SECRETS)

    async def fetch_secrets(self, launch: Launch) -> None:
        """Have the secrets of a launch, or refuse it.

        Raises:
            LaunchFailed: one of them cannot be had now.
            Unsupported: as :meth:`check_secrets`.
        """
        if not launch.secrets:
            return
        stored = {secret.name: secret for secret in await self._stored(launch)}
        tokens = {SIGN_IN + token.name: token for token in await self._tokens(launch)}
        given = tuple(_found(key, stored | tokens) for key in launch.secrets)
        self.check_secrets(given)
        self.tell(12, told(given))
        self.secrets = given

    async def _stored(self, launch: Launch) -> tuple[Secret, ...]:
        """Those that the service keeps.

        Raises:
            LaunchFailed: it does not answer.
        """
        handover = Handover(self.ticket_secret)
        ticket = self.user_options[TICKET]
        question, sent = handover.ask(launch.user, launch.server, ticket, self._known_since())
        url = url_path_join(self.service_url, self.service_path, "api/handover")
        timeout = aiohttp.ClientTimeout(total=_PATIENCE)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(url, json={"question": sent}, raise_for_status=True) as response,
            ):
                answer = (await response.json())["answer"]
                return handover.read_answer(question, answer)
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, BadTicket) as error:
            self.log.warning("Secrets were not had from %s: %r", url, error)
            raise LaunchFailed(_UNREACHED) from error

    def _known_since(self) -> float:
        created = self.user.created  # in UTC, without saying so
        return float(created.replace(tzinfo=UTC).timestamp()) if created else 0.0

    async def _tokens(self, launch: Launch) -> list[Secret]:
        """Those of the person's sign-in.

        Raises:
            LaunchFailed: the sign-in has not left one of them.
        """
        wanted = [key for key in launch.secrets if key.startswith(SIGN_IN)]
        if not wanted:
            return []
        state = await self.user.get_auth_state() or {}
        offered = Secrets(parent=self).offered()
        return [_token_of(token, state) for token in offered if SIGN_IN + token.name in wanted]


def _found(key: str, known: Mapping[str, Secret]) -> Secret:
    """What a key names; never what has the same name elsewhere.

    Raises:
        LaunchFailed: it is not there any more.
    """
    if key in known:
        return known[key]
    if key.startswith(SIGN_IN):
        raise LaunchFailed(
            "This server was launched with {name} of your sign-in, which this hub does not offer"
            " any more. Launch without it.",
            name=name_of(key),
        )
    raise LaunchFailed(
        "This server was launched with your secret {name}, which you have not stored any more."
        " Store it in your settings, or launch without it.",
        name=key,
    )


def _token_of(token: OfferedToken, state: Mapping[str, Any]) -> Secret:
    value = state.get(token.key)
    if not value or not isinstance(value, str):
        raise LaunchFailed(
            "The Hub keeps nothing of your sign-in that could be given as {name}. Sign out and in"
            " again, and launch again; if that does not help, the administrator has to see to"
            " enable_auth_state. Or launch without it.",
            name=token.name,
        )
    return Secret(token.name, value, token.file)


def told(given: Iterable[Secret]) -> Sentence:
    """Which secrets a server is given, for those who watch its start."""
    names = listing(Sentence.verbatim(secret.name) for secret in given)
    return Sentence("Your server is given your secrets: {names}.", names=names)


def variables(given: Iterable[Secret], folder: str) -> dict[str, str]:
    """The variables by which a server gets its secrets.

    Args:
        folder: where those are that are files.
    """
    return {
        secret.name: f"{folder}/{secret.name}" if secret.file else secret.value for secret in given
    }


def files(given: Iterable[Secret], folder: str) -> Iterator[tuple[str, bytes]]:
    """The files among them, with what is in each."""
    for secret in given:
        if secret.file:
            yield f"{folder}/{secret.name}", secret.value.encode()
