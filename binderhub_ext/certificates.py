"""Certificate authorities besides the well-known ones, for every program that asks a host.

Each program has a variable of its own for the file with the authorities it trusts, and most trust
nobody else then. So whatever files the usual variables name go into one, together with those this
machine trusts anyway, and all the variables name that one: here, in builds and in servers.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Mapping, MutableMapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from .ownfiles import put

NAMES = (
    "SSL_CERT_FILE",
    "GIT_SSL_CAINFO",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
    "CARGO_HTTP_CAINFO",
)
"""OpenSSL (Python, uv, micromamba), Git, requests (conda), curl (R), pip, Node.js, Cargo."""

_SYSTEM = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


def establish(bundle: Path, environ: MutableMapping[str, str] = os.environ) -> Path | None:
    """Make the one file if an administrator named any, and let all variables name it.

    Args:
        bundle: where it is to be.
        environ: the variables, which are changed.

    Returns:
        It; nothing where no variable names a file that is there and that we may read.
    """
    named = dict.fromkeys(Path(environ[name]) for name in NAMES if environ.get(name))
    extra = [path for path in named if _is_readable(path) and path != bundle]
    if extra:
        bundle.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        put(bundle, _joined((*_of_this_machine(), *extra)))
    elif bundle not in named:
        return None
    environ.update(variables(str(bundle)))
    return bundle


def _is_readable(path: Path) -> bool:
    with suppress(PermissionError):
        return path.is_file() and os.access(path, os.R_OK)
    return False


def established(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The one file, if there is one."""
    path = environ.get(NAMES[0], "")
    same = path and all(environ.get(name) == path for name in NAMES)
    return Path(path) if same and Path(path).is_file() else None


def variables(bundle: str) -> dict[str, str]:
    """All variables that name a file of authorities."""
    return dict.fromkeys(NAMES, bundle)


def context() -> ssl.SSLContext:
    """What this process trusts now; libraries keep what was so when they were imported."""
    bundle = established()
    return _read(bundle, bundle.stat().st_mtime_ns) if bundle else ssl.create_default_context()


@lru_cache(maxsize=1)
def _read(_bundle: Path, _changed: int) -> ssl.SSLContext:
    """What a file of authorities has trusted, once: to read it takes longer than most questions."""
    return ssl.create_default_context()


def _of_this_machine() -> Iterable[Path]:
    usual = (ssl.get_default_verify_paths().openssl_cafile, *_SYSTEM)
    return [path for path in map(Path, usual) if path.is_file()][:1]


def _joined(files: Iterable[Path]) -> bytes:
    parts = dict.fromkeys(path.read_bytes().rstrip() for path in files)
    return b"\n".join([*parts, b""])
