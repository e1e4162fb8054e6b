"""The link and badge maker: what the form offers for passing a launch on."""

from __future__ import annotations

import pytest

from binderhub_ext.core.launch import Files
from binderhub_ext.core.paste import understand
from binderhub_ext.core.providers import PROVIDERS
from binderhub_ext.core.targets import TARGETS
from binderhub_ext.service.otherhubs import OtherHub
from binderhub_ext.service.requests import read_fields, read_own_link
from binderhub_ext.service.web.sharing import ways_out

BASE = "https://hub.example.org/services/binder/"
MYBINDER = OtherHub("mybinder.org", "https://mybinder.org")
INSTITUTE = OtherHub("the institute", "https://hub.institute.edu/services/binder", ours=True)


def share(**fields: str) -> dict:
    request = read_fields({name: [value] for name, value in fields.items()}, PROVIDERS)
    return ways_out(
        request,
        BASE,
        [MYBINDER, INSTITUTE],
        providers=PROVIDERS,
        targets=TARGETS,
        open_page="https://pages.example.org/open.html",
    )


def test_the_link_asks_for_what_the_form_says():
    made = share(repo="https://github.com/ana/tides", ref="v1", files="none", filepath="a b.ipynb")
    assert made["url"].startswith(f"{BASE}v2/gh/ana/tides/v1?")
    request = read_own_link(made["url"].removeprefix(BASE), PROVIDERS)
    assert (request.ref, request.files, request.filepath) == ("v1", Files.NONE, "a b.ipynb")


def test_badges_lead_to_the_link():
    made = share(repo="ana/tides")
    for markup in ("markdown", "html", "rst"):
        assert f"{BASE}badge_logo.svg" in made[markup]
        assert understand(made[markup]).request == understand(made["url"]).request


def test_a_qr_code_is_a_picture_that_needs_no_network():
    assert share(repo="ana/tides")["qr"].startswith("data:image/svg+xml")


def test_a_link_too_long_for_a_qr_code_has_none():
    made = share(repo="ana/tides", urlpath="lab/tree/" + "x" * 3500)
    assert made["qr"] == ""
    assert made["url"]


@pytest.mark.parametrize(
    ("fields", "query", "without"),
    [
        ({}, "", []),
        ({"files": "home"}, "?files=home", []),
        (
            {"volume": "data", "size": "large"},
            "?volume=data&size=large",
            ["Volume data", "Size large"],
        ),
    ],
)
def test_other_hubs_get_what_they_understand(
    fields: dict[str, str], query: str, without: list[str]
):
    """And what is lost on the way is said; a hub like this one understands all of it."""
    mybinder, institute = share(repo="ana/tides", **fields)["hubs"]
    assert mybinder["url"] == "https://mybinder.org/v2/gh/ana/tides/HEAD"
    assert mybinder["without"] == without
    assert institute["url"] == f"{INSTITUTE.url}/v2/gh/ana/tides/HEAD{query}"
    assert institute["without"] == []


def test_a_link_for_any_hub_is_that_of_the_page_that_asks_which():
    made = share(repo="ana/tides", volume="data")
    assert made["anywhere"] == (
        "https://pages.example.org/open.html#v2/gh/ana/tides/HEAD?volume=data"
    )


def test_commands_are_quoted_for_a_shell():
    made = share(repo="https://example.org/a/x;y.git")
    assert "'https://example.org/a/x;y.git'" in made["commands"]["repo2docker"]
