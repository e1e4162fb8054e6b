"""The form of a page as a browser without scripts would send it."""

from __future__ import annotations

from html.parser import HTMLParser


class WebForm(HTMLParser):
    """The fields of one form.

    Args:
        html: the page.
        id: of the form.

    Attributes:
        pairs: names and values in the order of the page.
    """

    def __init__(self, html: str, id: str) -> None:
        super().__init__()
        self.pairs: list[tuple[str, str]] = []
        self._id, self._inside, self._select = id, False, ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = said.get("id") == self._id
        if not self._inside:
            return
        if tag == "select":
            self._select = said["name"]
        chosen = tag == "option" and "selected" in said
        typed = tag == "input" and (said.get("type") != "radio" or "checked" in said)
        name = self._select if chosen else said.get("name", "")
        if name and (chosen or typed):
            self.pairs.append((name, said.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
