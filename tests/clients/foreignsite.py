"""Another site: `http://127.0.0.1:port`, which browsers tell from `http://localhost`.

It serves pages a test writes, and the clients from npm as a book would have them.
"""

from __future__ import annotations

import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import npm


class ForeignSite:
    """A context manager; `pages` is what it serves besides `/npm/…`."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        site = self

        class Handler(SimpleHTTPRequestHandler):
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

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def show(self, path: str, body: str, head: str = "") -> str:
        """Serve a page; its address."""
        self.pages[path] = f"<!doctype html><title>Another site</title>{head}<body>{body}"
        return self.url + path

    def __enter__(self) -> ForeignSite:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
