"""Options and settings of a traitlets application of which a mistyped one is an error."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from traitlets.config import Application
from traitlets.config.loader import KVArgParseConfigLoader

from .config.check import check
from .config.files import ConfigFile, read
from .core.errors import CannotStart


class StrictApplication(Application):
    """An application that starts with nothing but options and settings that somebody knows."""

    knows_everything = False
    """Whether settings of all programs are its business: what nobody knows is worth a warning."""

    def _create_loader(self, argv: Any, aliases: Any, flags: Any, classes: Any) -> Any:
        # traitlets itself warns, and goes on with the default of what was meant.
        return _Loader(
            argv, aliases, flags, classes=classes, log=self.log, subcommands=self.subcommands
        )

    def parse_command_line(self, argv: Any = None) -> None:
        """Read the command line.

        Raises:
            CannotStart: something in it is no option.
        """
        super().parse_command_line(argv)
        if self.extra_args:
            raise CannotStart(
                "Cannot understand: {extra_args}. See --help.", extra_args=" ".join(self.extra_args)
            )

    def configure_from(self, file: str) -> None:
        """Read a configuration file; the command line, read before, wins.

        Args:
            file: its path, or empty for none.

        Raises:
            CannotStart: it does not load, or something set in it or typed is not known.
        """
        said = read(Path(file)) if file else ConfigFile()
        said.config.merge(self.cli_config)
        warn = self.log.warning if self.knows_everything else None
        check(said.config, said.paths, typed=self.cli_config, warn=warn)
        self.update_config(said.config)


class _Loader(KVArgParseConfigLoader):
    def _handle_unrecognized_alias(self, arg: str) -> None:
        name = arg.lstrip("-")
        known = [name for name in (*self.aliases, *self.flags) if len(name) > 1]
        near = get_close_matches(name, known, 1)
        meant = f"Did you mean --{near[0]}?" if near else "See --help."
        raise CannotStart("There is no option --{name}. {meant}", name=name, meant=meant)
