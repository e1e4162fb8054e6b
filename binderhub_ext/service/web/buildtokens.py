"""Build tokens: proof that a page of ours was just loaded for a link (BinderHub, PROTOCOL 1.7).

A build token lets the page's script read one build stream. It proves no consent and gives no
rights; who may launch is decided by the Hub's own token.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import jwt

from ...core.errors import NotAllowed

_ALGORITHM = "HS256"


@dataclass(frozen=True)
class BuildTokens:
    """Makes and reads them.

    Attributes:
        secret: only the service has it.
        lifetime: seconds.
    """

    secret: str = field(repr=False)
    lifetime: int = 300

    def make(self, provider: str, raw_spec: str, origin: str) -> str:
        """A token for one link and the site it was shown on."""
        claims = {
            "exp": int(time.time()) + self.lifetime,
            "aud": f"{provider}/{raw_spec}",
            "origin": origin,
        }
        return jwt.encode(claims, self.secret, algorithm=_ALGORITHM)

    def read(self, token: str, provider: str, raw_spec: str) -> str:
        """The site a token was made for.

        Raises:
            NotAllowed: altered, too old, or of another link.
        """
        try:
            claims = jwt.decode(
                token, self.secret, algorithms=[_ALGORITHM], audience=f"{provider}/{raw_spec}"
            )
        except jwt.PyJWTError as error:
            raise NotAllowed(
                "The page was open too long, or its build token is not one of this service. "
                "Reload the page."
            ) from error
        return str(claims.get("origin", ""))
