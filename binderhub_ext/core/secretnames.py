"""Secrets of a person that a server can be given, what they may be called and named by. Pure.

What is ticked, and kept in tickets and in links of launches, is a secret's *key*: the name of one
that its person stored, or `sign-in:` and the name of a token of their sign-in. Both get the server
a variable of that name, and neither stands for the other, whatever is removed or offered later.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .errors import BadLink
from .plain import shown
from .sentences import Sentence, fixed

SECRETS_MAX = 20
"""Secrets of one launch."""

NAME_MAX = 64
VALUE_MAX = 8192
"""Bytes of one."""

SIGN_IN = "sign-in:"
"""Begins the keys of tokens of people's sign-in."""

NO_SECRETS = fixed("Servers of this hub's engine can be given no secrets. Launch without them.")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_RESERVED = (
    *("BASHOPTS", "CDPATH", "CPU_GUARANTEE", "CPU_LIMIT", "DISPLAY", "ENV", "EUID", "GCONV_PATH"),
    *("GLIBC_TUNABLES", "GLOBIGNORE", "HOME", "HOSTALIASES", "HOSTNAME", "IFS", "INPUTRC"),
    *("JAVA_TOOL_OPTIONS", "LANG", "LANGUAGE", "LOCALDOMAIN", "LOCPATH", "LOGNAME", "MAIL"),
    *("MEM_GUARANTEE", "MEM_LIMIT", "NLSPATH", "NODE_OPTIONS", "NODE_PATH", "OLDPWD", "OPTIND"),
    *("PATH", "PERL5LIB", "PERL5OPT", "POSIXLY_CORRECT", "PS1", "PS2", "PS4", "PWD", "REPO_DIR"),
    *("RES_OPTIONS", "RUBYLIB", "RUBYOPT", "SHELL", "SHELLOPTS", "SHLVL", "TEMP", "TERM", "TMP"),
    *("TMPDIR", "TZ", "UID", "USER", "VIRTUAL_ENV"),
)
_RESERVED_BEGINNINGS = (
    *("BASH_", "BINDER_", "CONDA_", "DYLD_", "IPYTHON", "JPY_", "JULIA_", "JUPYTER", "LC_", "LD_"),
    *("MALLOC_", "MAMBA_", "NB_", "PYTHON", "R_ENVIRON", "R_HOME", "R_LIBS", "R_PROFILE"),
    *("RSTUDIO_", "SSL_CERT", "XDG_"),
)
_RESERVED_ENDINGS = ("_PROXY", "_CA_BUNDLE")


@dataclass(frozen=True)
class Secret:
    """Something that only its person, and the servers that they give it to, may know.

    Attributes:
        name: of the variable that has it.
        value: never in a text of ours.
        file: whether the variable has the path of a file that has the value.
    """

    name: str
    value: str = field(repr=False)
    file: bool = False


def check_secret_name(text: str) -> str:
    """A name that a variable of a server can have without changing what runs in it.

    Raises:
        BadLink: it cannot.
    """
    if len(text) > NAME_MAX or not _NAME.fullmatch(text):
        raise BadLink(
            "{given} cannot be the name of a secret. Use up to {count} letters, digits and _,"
            " beginning with a letter, such as OPENAI_API_KEY.",
            given=shown(text),
            count=NAME_MAX,
        )
    name = text.upper()
    if (
        name in _RESERVED
        or name.startswith(_RESERVED_BEGINNINGS)
        or name.endswith(_RESERVED_ENDINGS)
    ):
        raise BadLink(
            "{given} is a name that programs of a server heed, so no secret can have it. Choose"
            " another one.",
            given=shown(text),
        )
    return text


def check_key(text: str) -> str:
    """A key as links and forms have it.

    Raises:
        BadLink: it names no variable.
    """
    check_secret_name(text.removeprefix(SIGN_IN))
    return text


def name_of(key: str) -> str:
    """The variable of which a key names what it gets."""
    return key.removeprefix(SIGN_IN)


def words_of(key: str) -> Sentence:
    """A key as people read it where two of them may have one name."""
    if key.startswith(SIGN_IN):
        return Sentence("{name} of your sign-in", name=name_of(key))
    return Sentence.verbatim(key)


def check_secret_value(text: str) -> str:
    """A value that a variable can have.

    Raises:
        BadLink: it cannot.
    """
    if not text:
        raise BadLink("The secret is empty.")
    if "\0" in text or len(text.encode(errors="replace")) > VALUE_MAX:
        raise BadLink(
            "The secret is longer than {count} bytes, or has a character in it that no variable can"
            " have.",
            count=VALUE_MAX,
        )
    return text
