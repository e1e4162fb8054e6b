"""What a server prepares and never uses, left out or put off: a third of the time its start takes.
And what JupyterLab is told in no other way that leaves every choice to its person: a language.

For the `sitecustomize` of each engine, in whatever environment a repository has: any JupyterHub,
any JupyterLab, any Python from 3.6. What is not as expected is imported as it always was.
"""

# ruff: noqa: PTH120, UP
# Part of every start of Python, where pathlib may never be needed, and where it may be old.
# mypy: ignore-errors

import os
import sys
from types import ModuleType


def quicken():
    """Leave it out in this process, which is a server; what it starts is as ever."""
    sys.meta_path.insert(0, _Changes())


def step_aside(file):
    """Leave no trace on the path, and let the environment's own `sitecustomize` run.

    Args:
        file: the `sitecustomize` that calls.
    """
    ours = {os.path.dirname(file), os.path.dirname(__file__)}
    sys.path[:] = [path for path in sys.path if path not in ours]
    mine = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError:
        sys.modules["sitecustomize"] = mine


class _Changes:
    """A finder of the modules that are executed in another way."""

    def find_spec(self, name, path=None, target=None):
        change = _CHANGED.get(name)
        if change is None:
            return None
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module
        spec.loader.exec_module = lambda module: change(execute, module)
        return spec


class _StandIn(ModuleType):
    """A module of classes that nothing is an instance of."""

    __path__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        error = type(name, (Exception,), {})
        setattr(self, name, error)
        return error


def _without_database(execute, module):
    """The Hub's own modules import its database for functions that only the Hub calls.

    A server shares half a dozen small functions with the Hub, and gets SQLAlchemy and Alembic with
    them. The real ones are there again for whoever imports them afterwards.
    """
    absent = [name for name in _DATABASE if name not in sys.modules]
    sys.modules.update((name, _StandIn(name)) for name in absent)
    try:
        execute(module)
    except Exception:
        _forget(absent)
        execute(module)
    finally:
        _forget(absent)


def _forget(names):
    for name in names:
        sys.modules.pop(name, None)


def _without_node(execute, module):
    """JupyterLab runs Node.js each time it is imported, which takes half a second.

    It asks for the registry from which JupyterLab itself could be built anew; in an environment
    that nobody can change that is asked for nothing. Commands in a terminal ask as ever.
    """
    execute(module)
    if hasattr(module, "_yarn_config"):
        module._yarn_config = lambda logger: {"yarn config": {}, "npm config": {}}


def _with_late_client(execute, module):
    """JupyterLab makes a client of the package index, for a list that hardly anybody opens.

    It comes with libraries of its own and reads all certificates: a tenth of the start.
    """
    execute(module)
    if isinstance(getattr(module, "httpx", None), ModuleType):
        module.httpx = _LateClients(module.httpx)


class _LateClients:
    """The library httpx, whose clients are made when they are first used."""

    def __init__(self, library):
        self._library = library

    def __getattr__(self, name):
        return getattr(self._library, name)

    def AsyncClient(self, **options):
        return _Late(lambda: self._library.AsyncClient(**options))


class _Late:
    """What is made when something of it is first asked for."""

    def __init__(self, make):
        self._make = make

    def __getattr__(self, name):
        if name == "_made":
            self._made = self._make()
            return self._made
        return getattr(self._made, name)


def _with_late_certificates(execute, module):
    """aiohttp reads all certificates, twice, when it is imported; most servers' Hub has none."""
    import ssl

    class Late(ssl.SSLContext):
        """A context that reads certificates when it is first used."""

        def wrap_bio(self, *args, **kwargs):
            return with_certificates(self).wrap_bio(*args, **kwargs)

        def wrap_socket(self, *args, **kwargs):
            return with_certificates(self).wrap_socket(*args, **kwargs)

    def with_certificates(context):
        context.__class__ = ssl.SSLContext
        context.load_default_certs()
        return context

    def be_late(context, *purpose):
        context.__class__ = Late

    names = ("load_default_certs", "set_default_verify_paths")
    before = {name: vars(ssl.SSLContext).get(name) for name in names}
    for name in names:
        setattr(ssl.SSLContext, name, be_late)
    try:
        execute(module)
    finally:
        for name in names:
            if before[name]:
                setattr(ssl.SSLContext, name, before[name])
            else:
                delattr(ssl.SSLContext, name)


def _in_their_language(execute, module):
    """JupyterLab begins in the language its person reads the hub in, where its pack is installed.

    A default below all others: what an image, an administrator or the person chose holds. A file in
    a folder of `JUPYTER_CONFIG_PATH` would come before the person's own files.
    """
    execute(module)
    try:
        pack = _language_pack(os.environ.get("BINDER_LANGUAGE", ""))
    except Exception:
        # what some package says of itself cannot be read, which is no reason to have no JupyterLab
        return
    if not pack or not hasattr(module, "_get_overrides"):
        return
    find = module._get_overrides

    def _get_overrides(*given, **named):
        overrides, error = find(*given, **named)
        overrides.setdefault(_TRANSLATION, {}).setdefault("locale", pack)
        return overrides, error

    module._get_overrides = _get_overrides


def _with_notice(execute, module):
    """JupyterLab says what its person has nearly used up, where it would say that it is old.

    It asks whenever it is opened, and leaves it to them to be told so. Whoever keeps it from asking
    about updates has chosen another class, and is told nothing.
    """
    execute(module)
    notice, check = os.environ.get("BINDER_NOTICE"), getattr(module, "CheckForUpdate", None)
    if not notice or not callable(check):
        return

    async def __call__(self):
        return notice

    check.__call__ = __call__


def _language_pack(language):
    """What an installed pack calls a language, such as `de_DE` for `de`; empty if there is none."""
    wanted = language.replace("-", "_").lower()
    # nobody need look for what JupyterLab is written in
    packs = sorted(_language_packs()) if wanted not in ("", "en") else []
    same = [pack for pack in packs if pack.lower() == wanted]
    alike = [pack for pack in packs if pack.lower().split("_")[0] == wanted.split("_")[0]]
    return next(iter(same + alike), "")


def _language_packs():
    try:
        from importlib.metadata import entry_points
    except ImportError:
        return []
    try:
        found = entry_points(group=_PACKS)
    except TypeError:  # before Python 3.10
        found = entry_points().get(_PACKS, ())
    return [each.name for each in found]


_TRANSLATION = "@jupyterlab/translation-extension:plugin"
_PACKS = "jupyterlab.languagepack"
_DATABASE = (
    "jupyterhub.handlers",
    "jupyterhub.handlers.pages",
    "jupyterhub.orm",
    "sqlalchemy",
    "sqlalchemy.exc",
)
_CHANGED = {
    "aiohttp.connector": _with_late_certificates,
    "jupyterhub.log": _without_database,
    "jupyterhub.metrics": _without_database,
    "jupyterhub.roles": _without_database,
    "jupyterhub.scopes": _without_database,
    "jupyterhub.utils": _without_database,
    "jupyterlab.commands": _without_node,
    "jupyterlab.extensions.pypi": _with_late_client,
    "jupyterlab.handlers.announcements": _with_notice,
    "jupyterlab_server.settings_utils": _in_their_language,
}
