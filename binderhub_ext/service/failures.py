"""The one place that turns whatever went wrong into words.

A page, JSON and an event show the same :class:`Failure`. What nobody expected is logged with its
traceback under a reference number, and the number is all that is shown of it.
"""

from __future__ import annotations

import secrets
import traceback
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from tornado.log import app_log
from tornado.web import HTTPError

from ..core.errors import BinderError
from ..core.progress import Event, Phase
from ..core.sentences import Sentence

STATUSES = {
    400: ("bad-request", Sentence("The request cannot be understood.")),
    403: (
        "forbidden",
        Sentence("You may not do this, or the page was open too long. Reload it and try again."),
    ),
    404: (
        "not-found",
        Sentence("There is nothing at this address. Look for a mistyped letter in the link."),
    ),
    405: ("method-not-allowed", Sentence("This address cannot be used in that way.")),
    503: ("service-unavailable", Sentence("The Hub does not answer. Try again in a minute.")),
}
"""Code and words of what HTTP itself, and the Hub's library, refuse."""

_TITLES = {
    400: Sentence("This cannot be understood"),
    403: Sentence("This is not allowed"),
    404: Sentence("There is nothing here"),
    405: Sentence("This cannot be used so"),
    409: Sentence("This is not possible now"),
    422: Sentence("This does not work"),
    429: Sentence("Too much at once"),
}
_WRONG = Sentence("Something went wrong")
_OURS = "Something went wrong on our side. Tell the administrator the reference number."


_LOGGED: dict[str, str] = {}
_REMEMBERED = 100


def logged(reference: str) -> str:
    """What the log has under a reference number, for administrators; empty but for the latest."""
    return _LOGGED.get(reference, "")


@dataclass(frozen=True)
class Failure:
    """Why something failed, safe to show.

    Attributes:
        code: stable, for programs.
        status: of HTTP.
        message: what happened and what to do.
        detail: longer text, may be empty.
        reference: the number under which the log has more, may be empty.
        field: the field of a form that is to blame, may be empty.
    """

    code: str
    status: int
    message: Sentence
    detail: str = ""
    reference: str = ""
    field: str = ""

    @classmethod
    def of(cls, error: BaseException, *, where: str) -> Failure:
        """The words for an error.

        Args:
            error: anything that was raised.
            where: what was being done, for the log.
        """
        if isinstance(error, BinderError):
            field = getattr(error, "field", "")
            return cls(error.code, error.status, error.message, error.detail, field=field)
        if isinstance(error, HTTPError) and error.status_code < 500:
            return cls.of_status(error.status_code)
        reference = secrets.token_hex(4)
        app_log.error("%s failed, reference %s", where, reference, exc_info=error)
        _LOGGED[reference] = "".join(traceback.format_exception(error))
        while len(_LOGGED) > _REMEMBERED:
            _LOGGED.pop(next(iter(_LOGGED)))
        return cls(BinderError.code, 500, Sentence(_OURS), reference=reference)

    @classmethod
    def of_status(cls, status: int) -> Failure:
        """The words for a bare HTTP status."""
        other = (BinderError.code, Sentence.verbatim(f"{HTTPStatus(status).phrase}."))
        code, message = STATUSES.get(status, other)
        return cls(code, status, message)

    @property
    def title(self) -> Sentence:
        """What a page about it is called."""
        return _TITLES.get(self.status, _WRONG)

    @property
    def event(self) -> Event:
        """The last event of a launch that ended so."""
        data = {"code": self.code, "status_code": self.status, **self._extra()}
        return Event(Phase.FAILED, self.message, data)

    def to_json(self) -> dict[str, Any]:
        """The body of a refused API call."""
        return {
            "code": self.code,
            "status": self.status,
            "message": self.message,
            **self._extra(),
            **self.message.data,
        }

    def _extra(self) -> dict[str, Any]:
        named = {"detail": self.detail, "reference": self.reference}
        return {name: value for name, value in named.items() if value}
