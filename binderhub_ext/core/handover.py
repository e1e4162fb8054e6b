"""How the Hub asks the service for a person's secrets, once for each start of a server. Pure.

Both know the secret that signs tickets. The Hub shows the ticket of the start, and the service
answers with what that ticket names. Question and answer are encrypted with a key of that secret,
so nobody else can ask, nor read an answer on its way; each is good for a minute, and an answer
for its own question alone.
"""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from .errors import BadTicket
from .secretnames import Secret

_SALT = "binderhub_ext.handover.1:"
_SECONDS = 60


@dataclass(frozen=True)
class Question:
    """For which start secrets are wanted.

    Attributes:
        user, server: whose, and which.
        ticket: of the start.
        since: when that person became known to the Hub, in seconds since 1970; whoever had their
            name before was somebody else.
        nonce: tells questions apart.
    """

    user: str
    server: str
    ticket: str
    since: float
    nonce: str


class Handover:
    """Writes and reads both.

    Args:
        secret: signs tickets; only service and Hub share it.
    """

    def __init__(self, secret: str) -> None:
        digest = sha256(f"{_SALT}{secret}".encode()).digest()
        self._cipher = Fernet(urlsafe_b64encode(digest))

    def ask(self, user: str, server: str, ticket: str, since: float) -> tuple[Question, str]:
        """A question, and how it is sent."""
        question = Question(user, server, ticket, since, secrets.token_urlsafe(16))
        return question, self._close({"question": asdict(question)})

    def read_question(self, sent: str) -> Question:
        """The inverse of :meth:`ask`.

        Raises:
            BadTicket: it was not asked by this service's Hub, or not just now.
        """
        try:
            return Question(**self._open(sent)["question"])
        except (KeyError, TypeError) as error:
            raise _refusal() from error

    def answer(self, question: Question, given: Iterable[Secret]) -> str:
        """How the answer to a question is sent."""
        return self._close({"nonce": question.nonce, "secrets": [asdict(one) for one in given]})

    def read_answer(self, question: Question, sent: str) -> tuple[Secret, ...]:
        """The inverse of :meth:`answer`.

        Raises:
            BadTicket: it is no answer to this question.
        """
        answer = self._open(sent)
        try:
            given = tuple(Secret(**fields) for fields in answer["secrets"])
        except (KeyError, TypeError) as error:
            raise _refusal() from error
        if answer.get("nonce") != question.nonce:
            raise _refusal()
        return given

    def _close(self, content: dict[str, Any]) -> str:
        return self._cipher.encrypt(json.dumps(content).encode()).decode()

    def _open(self, sent: str) -> dict[str, Any]:
        try:
            content = json.loads(self._cipher.decrypt(sent.encode(), ttl=_SECONDS))
        except (InvalidToken, ValueError) as error:
            raise _refusal() from error
        if not isinstance(content, dict):
            raise _refusal()
        return content


def _refusal() -> BadTicket:
    return BadTicket(
        "This was not asked by the Hub of this service just now. The administrator sees to it that"
        " both have the same ticket secret, and the same time."
    )
