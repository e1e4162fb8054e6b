"""The least a Hub takes for a person's server: answers, says so to nobody, ends when told."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit


class Answer(BaseHTTPRequestHandler):
    """Everything is well."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("X-JupyterHub-Version", "6.1.1")
        self.end_headers()
        self.wfile.write(b"here\n")

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


url = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
HTTPServer((url.hostname or "", url.port or 0), Answer).serve_forever()
