"""Templates that speak: ours and those of the Hub that we extend."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import Environment, pass_context
from jinja2.ext import InternationalizationExtension
from jinja2.runtime import Context
from markupsafe import Markup
from tornado.log import app_log

from ..core.carried import said_in
from ..core.sentences import Sentence, fixed
from ..core.space import size_words
from .language import spoken

_ESCAPED, _SPACE = r"\ ", r"\s+"

_HUBS_OWN = (
    fixed("Sign in"),
    fixed("Username:"),
    fixed("Password:"),
    fixed("Show password"),
    fixed("Login"),
    fixed("Logout"),
    fixed("Toggle dark mode"),
    fixed("Toggle navigation"),
    fixed("Close"),
    fixed("Start"),
    fixed("JupyterHub requires JavaScript."),
    fixed("Please enable it to proceed."),
    fixed(
        "Warning: JupyterHub seems to be served over an unsecured HTTP connection. "
        "We strongly recommend enabling HTTPS for JupyterHub."
    ),
)
"""Texts of the Hub's own templates that we have the translations of. JupyterHub has none itself."""

_HUB_TEXT = re.compile(
    r"(?P<before>>\s*|=[\"'])"
    rf"(?P<text>{'|'.join(re.escape(text).replace(_ESCAPED, _SPACE) for text in _HUBS_OWN)})"
    r"(?P<after>\s*<|[\"'])"
)
_INSTEAD = {
    '<html lang="en">': '<html lang="{{ spoken().tag }}" dir="{{ spoken().direction }}">',
    '-label">{{ title }}<': '-label">{{ spoken().text(title) }}<',
    ">{{ btn_label }}<": ">{{ spoken().text(btn_label) }}<",
    ">{{ login_error }}<": ">{{ spoken().text(login_error) }}<",
    ">Sign in with {{ login_service }}<": ">{{ _('Sign in with %(name)s', name=login_service) }}<",
    '"Hide password" : "Show password"': "{{ _('Hide password') | tojson }} : "
    "{{ _('Show password') | tojson }}",
}
"""What stands in the Hub's own templates in place of what."""

_HUB_SAYS = (
    fixed("Error"),
    fixed("OK"),
    fixed("Invalid username or password"),
    fixed("Sign in with %(name)s"),
    fixed("Hide password"),
    fixed("only you"),
    fixed("Identify the owner of the requesting entity."),
    fixed("Anything you have access to"),
    fixed("Your own resources"),
    fixed("Access user servers via API or browser."),
    fixed("Access services via API or browser."),
)
"""Texts that the Hub hands to its templates and ours."""


class Speech(InternationalizationExtension):
    """Says every text and sentence of a template in the language spoken just now."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.newstyle_gettext = True  # type: ignore[attr-defined]
        environment.policies["ext.i18n.trimmed"] = True
        environment.finalize = _finalized
        environment.globals.update(
            gettext=_gettext,
            ngettext=_ngettext,
            _=_gettext,
            spoken=spoken,
            size_words=size_words,
            said=_said,
        )

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The Hub's own page says that it is English, and its few words are."""
        for own, speaking in _INSTEAD.items():
            source = source.replace(own, speaking)
        return _HUB_TEXT.sub(_translated, source)


def _translated(found: re.Match[str]) -> str:
    # the other quotation mark, as it may stand in an attribute
    mark = '"' if found["before"] == "='" else "'"
    text = " ".join(found["text"].split())
    return f"{found['before']}{{{{ _({mark}{text}{mark}) | forceescape }}}}{found['after']}"


def _finalized(value: Any) -> Any:
    return spoken().say(value) if isinstance(value, Sentence) else value


def _said(page: str) -> Markup:
    """HTML of the Hub's own, with the sentences of ours that it carries said."""
    return Markup(said_in(page, spoken().say))


@pass_context
def _gettext(context: Context, english: str, /, **fields: Any) -> str:
    return _filled(context, spoken().text(english), english, fields)


@pass_context
def _ngettext(context: Context, one: str, many: str, count: int, /, **fields: Any) -> str:
    said = spoken().catalogue.counted(one, many, count)
    return _filled(context, said, one if count == 1 else many, {"num": count, **fields})


def _filled(context: Context, text: str, english: str, fields: dict[str, Any]) -> str:
    language = spoken()
    markup = Markup if context.eval_ctx.autoescape else str
    if not fields and "%" not in text:
        return markup(text)
    values = {name: language.shown(value) for name, value in fields.items()}
    try:
        return markup(text) % values
    except (LookupError, ValueError, TypeError) as error:
        app_log.warning("Language %s cannot say %r: %r", language.tag, english, error)
        return markup(english) % values
