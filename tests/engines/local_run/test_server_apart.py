"""A server whose environment is not the repository's, since the two do not go together."""

from __future__ import annotations

import json

import aiohttp
from sandboxhub import Client, SandboxHub, whoever_runs_it

REQUIREMENTS = "notebook==6.0.3\njupyterlab==2.*\n"
"""Nothing that a present JupyterHub can be together with."""

SEEN = """
import json, os, shutil, subprocess, sys
import jupyterlab, notebook
python = ["python", "-c", "import notebook; print(notebook.__version__)"]
told = {
    "versions": [notebook.__version__, jupyterlab.__version__],
    "terminal": subprocess.run(python, capture_output=True, text=True).stdout.strip(),
    "own": sys.prefix == os.environ["KERNEL_PYTHON_PREFIX"] != os.environ["NB_PYTHON_PREFIX"],
    "server": shutil.which("jupyterhub-singleuser"),
    "writable": [os.access(path, os.W_OK) for path in (sys.prefix, os.environ["NB_PYTHON_PREFIX"])],
}
print(json.dumps(told))
"""

INSTALL = """
import subprocess
argv = ["pip", "install", "--quiet", "--no-deps", "jinja2==2.10"]
print(subprocess.run(argv, capture_output=True, text=True).returncode)
"""


async def server_version(client: Client, user: str, server: str) -> str:
    url = f"http://{client.hub.server_address(user, server)}/user/{user}/{server}/api"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return str((await response.json())["version"])


@whoever_runs_it
async def test_a_kernel_of_packages_that_no_server_can_use(sandbox_hub: SandboxHub) -> None:
    """Cells, terminals and what a person installs are the repository's; the server has nothing of
    that, and starts again whatever was installed.
    """
    image = sandbox_hub.build({"requirements.txt": REQUIREMENTS})
    async with sandbox_hub.client() as client:
        launch = sandbox_hub.launch("ana", "apart", image=image)
        await client.start(launch)
        answer = await client.run("ana", SEEN, "apart")
        assert not answer.error
        told = json.loads(answer.output)
        assert told["versions"][0] == told["terminal"] == "6.0.3"
        assert told["versions"][1].startswith("2.") and told["own"]
        assert told["server"].endswith("/.server/bin/jupyterhub-singleuser")
        assert told["writable"] == [False, False]
        assert int((await server_version(client, "ana", "apart")).partition(".")[0]) >= 2
        assert (await client.run("ana", INSTALL, "apart")).output.strip() == "0"
        await client.stop("ana", "apart")
        await client.start(launch)
        version = "from importlib.metadata import version; print(version('jinja2'))"
        assert (await client.run("ana", version, "apart")).output.strip() == "2.10"
        await client.stop("ana", "apart")
