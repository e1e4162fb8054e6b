"""Pull or push one image, as a program of its own.

A program because the client library blocks and is ended by ending it: with the connection gone
the engine gives up the transfer. The command line of the engine would not tell how many bytes
have moved. Prints JSON, a line for each piece of news: `{"percent": 40, "done": 2, "layers": 5,
"megabytes": 12.3}`, and at the end, where it fails, `{"error": "…"}`, with status 1.

Usage: python -m binderhub_ext.engines.docker.transfer pull|push NAME [CREDENTIALS]
CREDENTIALS is a file in the form of Docker's `config.json`; by default the account's own.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import requests
from docker.api import APIClient
from docker.errors import APIError, DockerException
from docker.utils import kwargs_from_env, parse_repository_tag

from ..orphans import end_with_parent
from .layers import Layers

_SILENCE = 600
"""Seconds without a word from the engine after which a transfer is given up."""

_PAUSE = 0.5
"""Seconds between two lines of ours."""


def transfer(verb: str, name: str, credentials: str) -> None:
    """Do it, printing how far it is.

    Raises:
        DockerException: the engine or the registry said no.
    """
    layers, spoken = Layers(), 0.0
    for told in _stream(verb, name, credentials):
        if error := told.get("error"):
            raise DockerException(error)
        layers.add(told)
        if time.monotonic() - spoken > _PAUSE:
            _say(layers)
            spoken = time.monotonic()
    _say(layers)


def _stream(verb: str, name: str, credentials: str) -> Iterator[dict[str, Any]]:
    client = APIClient(version="auto", timeout=_SILENCE, **kwargs_from_env())
    if credentials:
        client.reload_config(dockercfg_path=credentials)
    repository, tag = parse_repository_tag(name)
    work = client.pull if verb == "pull" else client.push
    yield from work(repository, tag=tag, stream=True, decode=True)


def _say(layers: Layers) -> None:
    print(json.dumps(layers.to_fields()), flush=True)


def main() -> None:
    end_with_parent()
    verb, name, *credentials = sys.argv[1:]
    try:
        transfer(verb, name, "".join(credentials))
    except APIError as error:
        _fail(str(error.explanation or error))
    except (DockerException, requests.RequestException, OSError) as error:
        _fail(str(error))


def _fail(error: str) -> None:
    # Nobody may be left to read it; that is no second failure.
    try:
        print(json.dumps({"error": error}), flush=True)
    finally:
        sys.exit(1)


if __name__ == "__main__":
    main()
