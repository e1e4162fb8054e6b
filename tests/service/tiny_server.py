"""What the Hub starts as a single-user server in these tests: it answers every page.

Not as long as its person's servers are held (`RealHub.holds`)."""

import os
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlsplit


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("X-JupyterHub-Version", "6.1.1")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


held = Path(os.environ.get("HELD", "/nonexistent"), os.environ["JUPYTERHUB_USER"])
while held.exists():
    time.sleep(0.05)
url = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
HTTPServer((url.hostname or "127.0.0.1", url.port or 0), Handler).serve_forever()
