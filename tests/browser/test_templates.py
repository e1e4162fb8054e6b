"""Each page renders with what the service gives it, and shows people's text as text."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import samples
from harness import HUB, LOOK, MARIA, NONCE, PREFIX, Renderer, render

from binderhub_ext._data import hub_templates_dir, templates_dir
from binderhub_ext.languages.language import ENGLISH, find


class Parsed(HTMLParser):
    """What a browser would see: elements with their attributes, and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._script = False
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        if self._script:
            self.inline.append(data.strip())
        else:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


ROW = 3_600
"""Bytes that a project without a server may take of the main page, at most."""

CONTEXTS = {name: (name, make()) for name, make in samples.PAGES.items()}
CONTEXTS |= {one: ("admin.html", samples.admin(one)) for one in samples.SECTIONS}


@pytest.mark.parametrize(("name", "context"), CONTEXTS.values(), ids=CONTEXTS)
def test_what_people_wrote_is_shown_as_text(name: str, context: dict[str, Any]) -> None:
    page = Parsed(render(name, **samples.hostile(context)))
    assert samples.HOSTILE in page.text
    assert not [image for image in page.all("img") if "onerror" in image]
    assert len([text for text in page.inline if text]) == 1, "only the Hub's own inline script"


@pytest.mark.parametrize("name", samples.PAGES)
def test_every_form_that_changes_something_carries_the_token(name: str) -> None:
    page = Parsed(render(name, **samples.PAGES[name]()))
    posts = [form for form in page.all("form") if form.get("method") == "post"]
    tokens = [field for field in page.all("input") if field.get("name") == "_xsrf"]
    assert len(posts) == len(tokens)
    assert all(token["value"] == "token-of-the-page" for token in tokens)


@pytest.mark.parametrize("name", samples.PAGES)
def test_no_inline_scripts_or_styles_of_ours(name: str) -> None:
    page = Parsed(render(name, **samples.PAGES[name]()))
    main = [attributes for tag, attributes in page.elements if tag not in ("script", "link")]
    assert not [a for a in main if any(key == "style" or key.startswith("on") for key in a)]
    sources = [script["src"] for script in page.all("script") if script.get("src")]
    assert all(source.startswith(f"{PREFIX}static/") for source in sources)
    modules = [s for s in page.all("script") if s.get("type") == "module"]
    assert len(modules) == 1
    assert all(script["nonce"] == NONCE for script in page.all("script"))


@pytest.mark.parametrize("name", samples.PAGES)
def test_only_the_common_context_is_enough_not_to_break(name: str) -> None:
    nothing = {
        "launch": {},
        "request": {},
        "source": {},
        "environment": {},
        "form": {},
        "preview": {},
        "home": {},
    }
    assert "<main" in render(name, **nothing)


def test_each_row_of_the_main_page_is_light() -> None:
    """Somebody may have hundreds."""
    project = samples.home()["work"][2]
    rows = [{**project, "path": f"projects/maria/currents-{number}"} for number in range(11)]
    one, eleven = (len(render("_lists.html", work=rows[:count])) for count in (1, 11))
    assert (eleven - one) / 10 < ROW
    assert "\n " not in render("_lists.html", work=rows), "no indentation is sent"


def test_rows_that_are_as_they_were_are_each_persons_and_languages_own() -> None:
    folders = [templates_dir(), hub_templates_dir()]
    pages = Renderer(folders, hub_prefix=HUB, prefix=PREFIX, extra=LOOK.everywhere())
    about = {"person": MARIA, "nonce": NONCE, "work": samples.home()["work"]}

    def rows(tag: str, token: str) -> str:
        return pages.render("_lists.html", language=find(tag), xsrf_token=token, **about)

    first, german, another = rows("en", "maria-1"), rows("de", "maria-1"), rows("en", "maria-2")
    assert first == rows("en", "maria-1")
    assert first.replace("maria-1", "maria-2") == another
    assert "Stop tidal" not in german and german.count("maria-1") == first.count("maria-1")


def test_of_much_work_a_page_says_where_it_is() -> None:
    page = Parsed(render("home.html", **samples.home(**samples.much_work())))
    hidden = {a["id"]: "hidden" in a for tag in ("div", "nav") for a in page.all(tag) if "id" in a}
    assert not hidden["work-search"] and not hidden["work-pages"]
    [lists] = [a for a in page.all("div") if a.get("id") == "lists"]
    assert lists["data-url"] == f"{PREFIX}lists?find=tides&page=2"
    assert "60 in this list." in page.text and "Page 2 of 3" in page.text
    few = Parsed(render("home.html", **samples.home()))
    assert all("hidden" in a for a in few.all("nav") if a.get("id") == "work-pages")


def test_spaces_that_count_stay(tmp_path: Path) -> None:
    """In the templates of an institution, too."""
    written = "<pre>\n  one\n    two\n</pre>"
    (tmp_path / "own.html").write_text(written)
    pages = Renderer([tmp_path], hub_prefix=HUB, prefix=PREFIX, extra=LOOK.everywhere())
    page = pages.render("own.html", language=ENGLISH, person=MARIA, xsrf_token="", nonce=NONCE)
    assert page == written


def test_what_runs_beside_a_server() -> None:
    page = Parsed(render("home.html", **samples.home()))
    words = " ".join(page.text.split())
    assert words.count("runs beside it:") == 1
    assert "runs beside it: postgres (port 5432), java (port 3333)" in words
    links = [a["href"] for a in page.all("a") if "/proxy/" in (a.get("href") or "")]
    assert links == [f"{samples.SERVER}proxy/3333/"]


def test_bad_input_is_shown_at_its_field_with_every_value_kept() -> None:
    values = {
        "repo": "https://example.org/x/y",
        "ref": "nope",
        "files": "none",
        "target": "notebook",
        "filepath": "a/b.ipynb",
        "image": "img",
        "server": "mine",
    }
    error = {"field": "ref", "message": "There is no branch nope."}
    further = [{"name": "mem", "title": "Memory", "value": "4G"}]
    context = samples.home(values=values, further=further, error=error, work=[])
    page = Parsed(render("home.html", **context))
    typed = [field for field in page.all("input") if "name" in field]
    fields = {field["name"]: field for field in typed if field.get("type") != "radio"}
    for name in ("repo", "ref", "filepath", "image", "server"):
        assert fields[name]["value"] == values[name]
    assert fields["mem"]["value"] == "4G"
    assert fields["ref"]["aria-describedby"] == "ref-error"
    assert "autofocus" in fields["ref"] and "autofocus" not in fields["repo"]
    chosen = [field["value"] for field in page.all("input") if "checked" in field]
    selected = [option["value"] for option in page.all("option") if "selected" in option]
    assert (chosen, selected) == (["none"], ["notebook"])
    assert "There is no branch nope." in page.text


@pytest.mark.parametrize(
    ("phase", "refresh"), [("building", "3"), ("ready", "1;url=/user/maria/x/lab"), ("failed", "")]
)
def test_without_scripts_the_progress_page_asks_again_by_itself(phase: str, refresh: str) -> None:
    context = samples.launch(phase=phase, url="/user/maria/x/lab")
    page = Parsed(render("launch.html", **context))
    asked = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "refresh"]
    assert asked == ([refresh] if refresh else [])


def test_files_of_both_sides_leave_the_choice() -> None:
    for name, context in (
        ("launch.html", samples.asks_about_files()),
        ("update.html", samples.preview()),
    ):
        page = Parsed(render(name, **context))
        answers = [f for f in page.all("input") if f.get("name") == "keep"]
        assert [f["value"] for f in answers] == ["both", "mine", "theirs"]
        assert ["checked" in f for f in answers] == [True, False, False]
        assert "analysis.ipynb" in page.text and "… and 130 more" in page.text
        assert "Launch again" not in page.text
        offered = [b["value"] for b in page.all("button") if b.get("name") == "on_change"]
        assert offered == ["restart", "keep"]
        assert "Not now, open mine" in page.text
        # a question is no failure, for those either who hear the page
        assert "failed" not in page.text.lower()
        assert ("waits for your choice" in page.text) == (name == "launch.html")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"fetched": False, "update": None, "question": None}, "See what would change"),
        ({"update": None, "question": None}, "Launching loses nothing"),
        ({"update": samples.update(state="unchanged"), "question": None}, "nothing new"),
        (
            {"update": samples.update(state="untouched", message="Rename it."), "question": None},
            "Rename it.",
        ),
    ],
)
def test_an_update_without_a_choice(fields: dict[str, Any], words: str) -> None:
    page = Parsed(render("update.html", **samples.preview(**fields)))
    assert words in page.text
    assert not [f for f in page.all("input") if f.get("name") == "keep"]


def test_a_server_that_runs_something_else_leaves_the_choice() -> None:
    choices = [
        {"title": "Update and restart", "values": {"link": "/v2/x", "on_change": "restart"}},
        {"title": "Open as it is", "values": {"link": "/v2/x", "on_change": "keep"}},
    ]
    error = {"code": "server-differs", "status": 409, "message": "It runs another commit."}
    context = samples.launch(phase="failed", error=error, choices=choices)
    page = Parsed(render("launch.html", **context))
    answers = [f["value"] for f in page.all("input") if f.get("name") == "on_change"]
    assert answers == ["restart", "keep"]
    assert "Update and restart" in page.text and "Launch again" not in page.text
