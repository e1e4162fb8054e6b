"""Another site: `http://127.0.0.1:port`, which browsers tell from `http://localhost`.

It serves pages a test writes, and the clients from npm as a book would have them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpserver
import npm


class ForeignSite:
    """`pages` is what it serves besides `/npm/…`."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.url = ""

    @contextmanager
    def serving(site) -> Iterator[ForeignSite]:
        class Handler(httpserver.Files):
            def __init__(self, *args: Any) -> None:
                super().__init__(*args, directory=str(npm.MODULES))

            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                if path.startswith("/npm/"):
                    self.path = path.removeprefix("/npm")
                    super().do_GET()
                    return
                self.send_response(200 if path in site.pages else 404)
                kind = "text/javascript" if path.endswith(".js") else "text/html"
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.end_headers()
                self.wfile.write(site.pages.get(path, "").encode())

        with httpserver.serving(Handler) as site.url:
            yield site

    def show(self, path: str, body: str, head: str = "") -> str:
        """Serve a page; its address."""
        self.pages[path] = f"<!doctype html><title>Another site</title>{head}<body>{body}"
        return self.url + path
