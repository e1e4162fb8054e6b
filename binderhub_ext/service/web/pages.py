"""Rendering: our templates on top of the Hub's own page, so that its look carries over."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import jupyterhub
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader
from jinja2.runtime import Macro
from jupyterhub._data import DATA_FILES_PATH
from jupyterhub.utils import url_path_join

from ... import __version__
from ...core.versions import short_id
from ...languages.language import Language, speaking, spoken
from ...languages.templates import Speech
from ..hub import Person

_NONE: Mapping[str, Any] = MappingProxyType({})

HUB_FILES = Path(DATA_FILES_PATH) / "static"
"""JupyterHub's own stylesheet and scripts, those of the version whose page ours extend."""

_LOOK = frozenset(
    {
        "css/style.min.css",
        "components/bootstrap/dist/js/bootstrap.bundle.min.js",
        "js/darkmode.js",
    }
)
"""Those that every page has, which the Hub sends unpacked."""


_ROWS = 2000
"""Of all people's pages, of a few kilobytes each, that need not be made again."""

_KEPT = 2**16
"""Characters of one; a row in which hundreds of people are named is made again."""

_INDENTED = re.compile(r"\n[ \t]+")
_AS_WRITTEN = re.compile(r"<(pre|textarea|script)\b")
"""What makes the spaces of a template count."""


class Unchanged:
    """What macros made of the same values in the same language, in place of making it again.

    A page of many rows is looked at again whenever one of them changes. The macro must be imported
    without context: then it has nothing but its arguments.

    Args:
        most: pieces that are kept, those of the last looks.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[bytes, str] = OrderedDict()

    def __call__(self, macro: Macro, *values: Any) -> str:
        language = spoken()
        said = language.said([*values])
        asked = json.dumps([macro.name, language.tag, said])
        key = sha256(asked.encode()).digest()
        made = self._kept.pop(key, None) or macro(*said)
        if len(made) <= _KEPT:
            self._kept[key] = made
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return made


class TemplateLoader(FileSystemLoader):
    """Gives every script a template has the page's nonce, and no page a template's indentation.

    The Hub's page has scripts in its text, and an institution's may too. The nonce is put into
    the templates' source, so what a person typed never gets one. A list has the indentation of a
    row as often as it has rows.
    """

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Any]:
        source, path, fresh = super().get_source(environment, template)
        if not _AS_WRITTEN.search(source):
            source = _INDENTED.sub("\n", source)
        return source.replace("<script", '<script nonce="{{ csp_nonce }}"'), path, fresh


@dataclass(frozen=True)
class PageUser:
    """A person as the Hub's `page.html` wants them."""

    name: str
    admin: bool = False

    @property
    def json_escaped_name(self) -> str:
        """Inside a string of a script; also safe against an end tag in the name."""
        return json.dumps(self.name)[1:-1].replace("<", "\\u003c")


class Pages:
    """The templates of one service.

    Args:
        paths: folders of templates, the first that has one wins.
        hub_prefix: such as `/hub/`.
        prefix: of this service; ends in "/".
        extra: what an administrator adds to every page (`announcement`, …).
    """

    def __init__(
        self, paths: Sequence[Path], hub_prefix: str, prefix: str, extra: Mapping[str, Any] = _NONE
    ) -> None:
        self.hub_prefix, self.prefix, self.extra = hub_prefix, prefix, extra
        hub = TemplateLoader(Path(DATA_FILES_PATH) / "templates")
        # by both names, as in the Hub
        named = PrefixLoader({"templates": hub})
        loader = ChoiceLoader([named, *map(TemplateLoader, paths), hub])
        self._environment = Environment(
            loader=loader, autoescape=True, enable_async=False, extensions=[Speech]
        )
        self._environment.filters["short_id"] = short_id
        self._environment.globals["unchanged"] = Unchanged(_ROWS)

    def render(
        self,
        name: str,
        *,
        language: Language,
        person: Person | None,
        xsrf_token: str,
        nonce: str,
        **values: Any,
    ) -> str:
        """A page as text, in a language."""
        common = {
            "base_url": self.hub_prefix,
            "prefix": self.hub_prefix.removesuffix("hub/"),
            "service_prefix": self.prefix,
            "static_url": self._static_url,
            "version": __version__,
            "version_hash": "",
            "user": PageUser(person.name, person.admin) if person else None,
            "parsed_scopes": {"admin-ui": True} if person and person.admin else {},
            "services": [],
            "login_url": self.prefix,
            "logout_url": url_path_join(self.hub_prefix, "logout"),
            "xsrf_token": xsrf_token,
            "xsrf": xsrf_token,
            "csp_nonce": nonce,
            "script_words": language.script_words(),
        }
        with speaking(language):
            return self._environment.get_template(name).render({**common, **self.extra, **values})

    def _static_url(self, path: str, **_options: Any) -> str:
        if path in _LOOK:
            return f"{self.prefix}static/hub/{path}?v={jupyterhub.__version__}"
        return url_path_join(self.hub_prefix, "static", quote(path))


def security_headers(nonce: str, *, servers: str = "") -> dict[str, str]:
    """Headers of every answer, a file's and a refusal's too.

    They keep other origins off. Where a hub has no subdomains people's servers are no other
    origin, and no header keeps their pages off.

    Args:
        nonce: of the page's scripts.
        servers: where people's servers are, which a page may ask whether they can be reached.
    """
    policy = {
        "default-src": "'self'",
        "connect-src": f"'self' {servers}".strip(),
        "script-src": f"'self' 'nonce-{nonce}'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: https:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
