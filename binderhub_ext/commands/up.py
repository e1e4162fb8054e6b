"""Start Binder@home on this machine."""

from __future__ import annotations

from traitlets import TraitError

from ..core.errors import CannotStart


def main(argv: list[str]) -> int | None:
    from ..up.app import Up

    # Not `launch_instance`: the one Application of this process is to be JupyterHub's.
    try:
        command = Up()
        command.initialize(argv)
        command.start()
    except TraitError as error:
        raise CannotStart(f"A setting has a wrong value: {error}") from error
    return None
