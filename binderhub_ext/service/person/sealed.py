"""What people entrust to the service, encrypted in its records.

The key is a file of `secrets/`, so the database alone, a backup of it or a look into it gives
nothing away. What is encrypted names whose it is, so that what is put in another's place opens
nothing.
"""

from __future__ import annotations

import json

from cryptography.fernet import Fernet, InvalidToken
from tornado.log import app_log


class Seal:
    """Encrypts and decrypts.

    Args:
        secret: 32 random bytes in URL-safe Base64, as `ensure_secret` makes them.
    """

    def __init__(self, secret: str) -> None:
        self._cipher = Fernet(secret + "=" * (-len(secret) % 4))

    def close(self, owner: dict[str, str], content: dict[str, str]) -> str:
        """Encrypt something.

        Args:
            owner: whose it is, and what for.
        """
        return self._cipher.encrypt(json.dumps({**content, **owner}).encode()).decode()

    def open(self, sealed: str, owner: dict[str, str]) -> dict[str, str] | None:
        """Decrypt it; `None`, and a line in the log, if it is another's or has another key."""
        try:
            content: dict[str, str] = json.loads(self._cipher.decrypt(sealed.encode()))
        except (InvalidToken, ValueError):
            app_log.warning("What is sealed for %s was sealed with another key", owner)
            return None
        if any(content.get(name) != value for name, value in owner.items()):
            app_log.error("What is sealed for %s is not theirs", owner)
            return None
        return content
