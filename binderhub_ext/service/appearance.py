"""What people see of who provides a hub: on every page, the Hub's own included."""

from __future__ import annotations

from typing import Any

from traitlets import Bunch, Dict, Enum, List, TraitError, Unicode, default, validate
from traitlets.config import Configurable

from ..core.colors import sheet
from ..core.sentences import Sentence, fixed
from ..languages.choice import Offer, everything
from ..languages.language import ENGLISH_TAG, find
from ..traits import HexColor

_ACCENT = "#2c7bb6"


class Appearance(Configurable):
    """What people see of who provides this hub: on every page, the Hub's own included.

    The Hub's pages (sign-in, tokens, errors) have it from the Hub's configuration, ours from the
    service's; with `up` both are one file.
    """

    name = Unicode(
        "Binder@home",
        help="""What this hub is called, beside the logo; empty where the logo says it.""",
    ).tag(config=True)

    logo = Unicode(
        help="""Address of the logo, such as `https://example.org/logo.svg`. Default: the Hub's own,
        the file `c.JupyterHub.logo_file`, which is ours unless it is set."""
    ).tag(config=True)

    sentence = Unicode(
        fixed("Open a repository in its own environment, with files that stay."),
        help="What this hub is for, on the page where people sign in and at the end of every page.",
    ).tag(config=True)

    colors = Dict(
        value_trait=HexColor(),
        key_trait=Enum(("accent", "bar")),
        help="""Colours as `#rrggbb`: `accent` of buttons and links, `bar` of the top of each page.
        What is written on them, and with them, gets as much lighter or darker as it takes to be
        read, also in the dark. Default: ours.""",
    ).tag(config=True)

    help_url = Unicode(
        help="""Where people get help, `https://…` or `mailto:…`: the last place in the bar of every
        page. Default: none."""
    ).tag(config=True)

    operator = Dict(
        help="""Who provides the service, at the end of every page: `{"name": …, "url": …,
        "contact": …}`. Default: nobody is named."""
    ).tag(config=True)

    docs = List(
        Dict(),
        help='Links at the end of every page: `[{"title": …, "url": …}]`. Default: none.',
    ).tag(config=True)

    warnings = List(
        Unicode(), help="Sentences above the form that everybody should know. Default: none."
    ).tag(config=True)

    other_hubs = Dict(
        {"mybinder.org": "https://mybinder.org"},
        help="""Other Binders by name, whose links are offered for the same launch while they are
        up and have its provider: `{"mybinder.org": "https://mybinder.org"}`; a hub like this one
        by the address of its service, `https://…/services/binder`. Default: mybinder.org.""",
    ).tag(config=True)

    open_page = Unicode(
        help="""Address of a page that opens links on the hub of the reader's choice, which the form
        then offers a link for: wherever you put `docs/open.html`. Default: none."""
    ).tag(config=True)

    announcement = Unicode(
        "", help="HTML at the top of every page, as the Hub's own announcement. Default: none."
    ).tag(config=True)

    template_paths = List(
        Unicode(),
        help="""Folders of Jinja templates that come before ours and the Hub's. A `page.html` there
        gives all pages an institution's look. Default: none.""",
    ).tag(config=True)

    template_vars = Dict(help="Further variables for the templates. Default: none.").tag(
        config=True
    )

    language = Unicode(
        ENGLISH_TAG,
        help="""What is spoken to people who have not chosen a language and whose browser asks for
        none of `languages`, such as `de`.""",
    ).tag(config=True)

    languages = List(
        Unicode(),
        help="""The languages that people can choose, in the order they are shown, such as
        `["en", "de", "fr"]`; one or none offers no choice. Default: all that are installed.""",
    ).tag(config=True)

    @default("languages")
    def _all_languages(self) -> list[str]:
        return list(everything())

    @validate("language", "languages")
    def _known_languages(self, proposal: Bunch) -> Any:
        value = proposal["value"]
        for tag in [value] if isinstance(value, str) else value:
            try:
                find(tag)
            except LookupError as error:
                there = ", ".join(everything())
                raise TraitError(f"{error.args[0]} There are: {there}.") from error
        return value

    def offer(self) -> Offer:
        """The languages people can have."""
        tags = self.languages or [self.language]
        return Offer(tuple(tags), self.language)

    def site(self) -> dict[str, Any]:
        """The templates' `site`: what every page shows, the Hub's too."""
        return {
            "name": self.name,
            "logo": self.logo,
            "sentence": Sentence(self.sentence),
            "languages": [(one.tag, one.name) for one in self.offer().languages()],
            "style": sheet({"accent": _ACCENT, **self.colors}),
            "help_url": self.help_url,
            "operator": self.operator,
            "docs": self.docs,
        }

    def everywhere(self) -> dict[str, Any]:
        """What every page of ours has."""
        return {"site": self.site(), "announcement": self.announcement, **self.template_vars}
