"""Signing in on the first run: generated, on loopback only, with nothing to set up.

The password is JupyterHub's own `SharedPasswordAuthenticator`'s with one person allowed. An
administrator who sets any authenticator takes all of this away.
"""

from __future__ import annotations

import os
import pwd
import re
from dataclasses import dataclass

from traitlets.config import Config

from ..core.errors import CannotStart
from ..core.layout import DataDirectory
from ..secrets import ensure_secret
from .network import is_loopback

_AUTHENTICATOR = "shared-password"


@dataclass(frozen=True)
class SignIn:
    """What a person types on the sign-in page."""

    user: str
    password: str


def is_generated(c: Config) -> bool:
    """Whether signing in is ours; an administrator's configuration says nothing about it."""
    return not (
        "authenticator_class" in c.JupyterHub or "user_password" in c.SharedPasswordAuthenticator
    )


def several_people(c: Config) -> bool:
    """Whether more people than whoever starts this may be able to sign in."""
    chosen = {*c.Authenticator, *c.SharedPasswordAuthenticator}
    return not is_generated(c) or bool({"allowed_users", "allow_all"} & chosen)


def generate(c: Config, layout: DataDirectory, ip: str) -> SignIn | None:
    """Set up signing in unless the configuration does.

    Args:
        c: the whole configuration, an administrator's included.
        layout: where the password is kept.
        ip: the address people will reach the Hub at.

    Returns:
        What to tell the person, or `None` where signing in is the administrator's.

    Raises:
        CannotStart: the generated password would be offered to the network.
    """
    if not is_generated(c):
        c.JupyterHub.setdefault("authenticator_class", _AUTHENTICATOR)
        return None
    if not is_loopback(ip):
        raise CannotStart(
            "Not listening on {ip} with the generated password: it is one"
            " password without encryption, meant for this machine only. Choose how people sign"
            " in with c.JupyterHub.authenticator_class in a configuration file (-f), or leave"
            " --ip away.",
            ip=ip or "every address",
        )
    sign_in = SignIn(user_name(), ensure_secret(layout.secrets / "password", nbytes=12))
    c.JupyterHub.authenticator_class = _AUTHENTICATOR
    c.SharedPasswordAuthenticator.user_password = sign_in.password
    if not {"allowed_users", "allow_all"} & set(c.Authenticator):
        c.SharedPasswordAuthenticator.allowed_users = {sign_in.user}
    return sign_in


def user_name() -> str:
    """The name of whoever sits here, as the Hub would write it; `jovyan` for a root of no name."""
    name = os.environ.get("SUDO_USER", "") if os.geteuid() == 0 else _account()
    name = re.sub(r"[^a-z0-9._@-]", "-", name.lower())
    return "jovyan" if name in ("", "root") else name


def _account() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # as in a container that is given any number
        return ""
