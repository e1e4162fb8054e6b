"""Make a read-only environment as comfortable as one's own.

On the path of every Python inside a sandbox. `.pth` files of what the person installed themselves
(an editable install is one) are honoured, which `PYTHONPATH` alone does not do. Compiled files that
the environment lacks are kept in the home, since they cannot be kept beside it;
`PYTHONPYCACHEPREFIX` would do that too, but then Python ignores all the compiled files the
environment does have, and a start takes twice as long. When memory runs out, a kernel goes before
the server that can say so. And the server imports only what it uses, and nothing of what the person
installed where that is for a Python that is not its own.
"""

# ruff: noqa: PTH108,PTH116,PTH120,PTH123
# Part of every start of Python, where pathlib may never be needed.
# mypy: ignore-errors

import os
import sys

import binder_quickstart


def keep_bytecode_in(folder):
    from importlib.machinery import SourceFileLoader

    read, write = SourceFileLoader.get_data, SourceFileLoader.set_data

    def get_data(self, path):
        try:
            return read(self, path)
        except OSError:
            if not path.endswith(".pyc") or path.startswith(folder):
                raise
            return read(self, folder + path)

    def set_data(self, path, data, **options):
        beside = os.path.dirname(os.path.dirname(path))
        mine = path if os.access(beside, os.W_OK) else folder + path
        write(self, mine, data, **options)
        # Python does not notice a full disk that took only a part, and fails on that for ever.
        try:
            if os.stat(mine).st_size != len(data):
                os.unlink(mine)
        except OSError:
            pass

    SourceFileLoader.get_data, SourceFileLoader.set_data = get_data, set_data


def offer_to_be_killed():
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("600")
    except OSError:
        pass


def is_apart():
    """Whether this is the Python of a server that the repository's packages are kept from."""
    server = os.environ.get("NB_PYTHON_PREFIX")
    return sys.prefix == server != os.environ.get("KERNEL_PYTHON_PREFIX")


def main():
    if os.getppid() == 1:  # the server is what the sandbox's init started
        binder_quickstart.quicken()
    else:
        offer_to_be_killed()
    environment = os.environ
    if "BINDER_BYTECODE" in environment and sys.version_info >= (3,):
        keep_bytecode_in(environment["BINDER_BYTECODE"])
    installed = environment.get("BINDER_INSTALLED")
    if installed and is_apart():
        sys.path[:] = [path for path in sys.path if path != installed]
    elif installed:
        import site

        site.addsitedir(installed)
    binder_quickstart.step_aside(__file__)


main()
