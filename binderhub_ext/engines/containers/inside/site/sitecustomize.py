"""Let the server in a container import only what it uses.

On the path of an image's Pythons until one of them is the server; what that starts, kernels and
terminals, finds the path as the image has it.
"""

# ruff: noqa: PTH119, PTH120, PTH123, UP
# The image's Python, which may be old.
# mypy: ignore-errors

import os

import binder_quickstart


def is_server():
    try:
        with open("/proc/self/cmdline", "rb") as file:
            words = file.read().split(b"\0")
    except OSError:
        return False
    return any(os.path.basename(word) == b"jupyterhub-singleuser" for word in words[:3])


def forget_the_path():
    here = os.path.dirname(__file__)
    ours = (here, os.path.dirname(binder_quickstart.__file__))
    path = os.environ.pop("PYTHONPATH", "").split(os.pathsep)
    theirs = [folder for folder in path if folder not in ours]
    if any(theirs):
        os.environ["PYTHONPATH"] = os.pathsep.join(theirs)


def main():
    if is_server():
        binder_quickstart.quicken()
        forget_the_path()
    binder_quickstart.step_aside(__file__)


main()
