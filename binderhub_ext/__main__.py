"""`binder-at-home` and `python -m binderhub_ext`: dispatch to a command."""

from __future__ import annotations

import sys

from . import __version__, commands
from .core.errors import BinderError


def main(argv: list[str] | None = None) -> int:
    """Run a command.

    Returns:
        the exit status: 0 if it worked, 1 if it said why not, 2 if it was not understood.
    """
    name, *rest = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if name in ("-h", "--help", "help"):
        print(usage())
        return 0
    if name in ("-V", "--version"):
        print(__version__)
        return 0
    if name not in commands.names():
        print(f"binder-at-home: there is no command '{name}'.\n\n{usage()}", file=sys.stderr)
        return 2
    try:
        return commands.load(name)(rest) or 0
    except BinderError as error:
        print(f"binder-at-home {name}: {error.message}", file=sys.stderr)
        if error.detail:
            print(error.detail, file=sys.stderr)
        return 1


def usage() -> str:
    """The help text."""
    lines = [f"  {name:<10} {commands.summary(name)}" for name in commands.names()]
    return "\n".join(
        ["usage: binder-at-home COMMAND [options]", "", *lines, "", "COMMAND --help says more."]
    )


if __name__ == "__main__":
    sys.exit(main())
