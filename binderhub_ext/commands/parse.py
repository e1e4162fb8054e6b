"""Print what a link, an address or a badge asks for, without network."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from ..core.errors import BinderError
from ..core.links import described
from ..core.paste import Understanding, understand
from ..repos.installed import installed_providers

BAD_INPUT = 2
"""Exit status when it could not be understood."""


def main(argv: list[str]) -> int:
    """Print what the arguments, joined by spaces, were taken to mean.

    Args:
        argv: after `parse`; `-` reads standard input.

    Returns:
        0, or 2 with the error printed.
    """
    options = _parser().parse_args(argv)
    text = " ".join(options.text)
    try:
        text = sys.stdin.read() if text == "-" else text
        understanding = understand(text, providers=installed_providers())
    except BinderError as error:
        _refuse(error, options.json)
        return BAD_INPUT
    _print(fields(understanding), options.json)
    return 0


def fields(understanding: Understanding) -> dict[str, Any]:
    """What was understood, as clients see it."""
    return {
        **described(understanding.request, providers=installed_providers()),
        "guessed": list(understanding.guessed),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="binder-at-home parse",
        description="Print what a link, an address or a badge asks for. Nothing is looked up.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("text", nargs="+", help="anything the paste box takes; - for its input")
    return parser


def _print(values: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(values, ensure_ascii=False, indent=2))
        return
    for name, value in values.items():
        if value:
            print(f"{name + ':':10} {_words(value)}")


def _refuse(error: BinderError, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": error.to_dict()}, ensure_ascii=False, indent=2))
    else:
        print(f"{error.message} ({error.code})", file=sys.stderr)


def _words(value: object) -> str:
    if not isinstance(value, list):
        return str(value)
    return " ".join(v if isinstance(v, str) else ":".join(filter(None, v.values())) for v in value)
