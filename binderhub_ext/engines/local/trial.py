"""The runs that show whether a server, and a kernel that is not its own, start.

They also leave bytecode for exactly what is imported before they answer.
"""

from __future__ import annotations

from pathlib import Path

# Two processes share the compiling, which takes most of the time: the Hub's package with what it
# brings along is nearly a third of it.
_SMOKE = """
import importlib, os, runpy, sys
def load(*names):
    for name in names:
        try:
            importlib.import_module(name)
        except BaseException:
            pass
kernel = (
    "ipykernel.kernelapp", "ipykernel.ipkernel", "IPython.terminal",
    "matplotlib_inline.backend_inline", "nbconvert.exporters",
)
other = os.fork()
if not other:
    load("jupyterhub.orm", *kernel)
    os._exit(0)
load(
    "jupyter_server.serverapp", "jupyterlab.labapp", "notebook.app", "jupyterlab.extension",
    "jupyter_lsp.extension", "notebook_shim.nbserver", "jupyter_server_terminals.app",
    "jupyter_resource_usage", "jupyterhub.singleuser.extension",
)
os.waitpid(other, 0)
load(*kernel)
sys.argv = ["jupyterhub-singleuser", "--version"]
runpy.run_module("jupyterhub.singleuser", run_name="__main__")
"""

_LIBRARIES = """
import bz2, ctypes, lzma, pathlib, sqlite3, ssl, sysconfig, zlib
for path in pathlib.Path(sysconfig.get_path("platlib")).rglob("*.so"):
    ctypes.CDLL(str(path))
"""

_KERNEL = """
import os, sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(env={**os.environ, "PYTHONPYCACHEPREFIX": sys.argv[1]})
client.stop_channels()
manager.shutdown_kernel(now=True)
"""


def command(environment: Path, bytecode: Path) -> list[str]:
    """The run of an environment's interpreter; it compiles into a folder of its own.

    Isolated: no module and no setting is found in the current directory or the home.
    """
    python = str(environment / "bin" / "python")
    return [python, "-I", "-X", f"pycache_prefix={bytecode}", "-c", _SMOKE]


def libraries(environment: Path) -> list[str]:
    """The run of an environment's interpreter that loads whatever is compiled."""
    return [str(environment / "bin" / "python"), "-I", "-B", "-c", _LIBRARIES]


def kernel(server: Path, bytecode: Path) -> list[str]:
    """The run of a server's interpreter that starts the kernel of the name `python3`.

    Args:
        bytecode: where the kernel compiles to.
    """
    return [str(server / "bin" / "python"), "-I", "-B", "-c", _KERNEL, str(bytecode)]
