"""Answers at every address of a simulated pod, and as the registry that has every image.

Usage: python answers.py PORT
It listens on the loopback interface alone, there at all of its addresses: pods have theirs in
`127.0.0.0/8`.
"""

from __future__ import annotations

import hashlib
import json
import socket
import sys

from aiohttp import web

HUB_VERSION = "6.1"
_CONFIG = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": []}}).encode()
_DIGEST = f"sha256:{hashlib.sha256(_CONFIG).hexdigest()}"
_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": _MANIFEST_TYPE,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": _DIGEST},
        "layers": [{"digest": _DIGEST, "size": 600_000_000}],
    }
).encode()


async def server(request: web.Request) -> web.Response:
    """What a single-user server says of itself, whatever is asked."""
    told = {"version": "2.17.0", "path": request.path}
    return web.json_response(told, headers={"X-JupyterHub-Version": HUB_VERSION})


async def manifest(_request: web.Request) -> web.Response:
    digest = f"sha256:{hashlib.sha256(_MANIFEST).hexdigest()}"
    headers = {"Content-Type": _MANIFEST_TYPE, "Docker-Content-Digest": digest}
    return web.Response(body=_MANIFEST, headers=headers)


async def blob(_request: web.Request) -> web.Response:
    return web.Response(body=_CONFIG, content_type="application/octet-stream")


def main() -> None:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    listening.bind(("", int(sys.argv[1])))
    listening.listen(4096)
    app = web.Application()
    app.router.add_get("/v2/{name:.+}/manifests/{reference}", manifest)
    app.router.add_get("/v2/{name:.+}/blobs/{digest}", blob)
    app.router.add_route("*", "/user/{path:.*}", server)
    web.run_app(app, sock=listening, print=None, access_log=None)


if __name__ == "__main__":
    main()
