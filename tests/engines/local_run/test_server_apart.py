"""A server whose environment is not the repository's, since the two do not go together."""

from __future__ import annotations

import json

import aiohttp
from sandboxhub import Client, SandboxHub, whoever_runs_it

PINNED = """
asttokens==3.0.2 attrs==26.1.0 beautifulsoup4==4.15.0 bleach==6.4.0 certifi==2026.10.19.post1
charset-normalizer==3.5.3 comm==0.2.3 debugpy==1.8.22 defusedxml==0.7.1 executing==2.3.0
fastjsonschema==2.22.3 idna==3.20 ipykernel==7.4.0 ipython==9.18.1 ipython-genutils==0.2.0
ipython-pygments-lexers==1.1.1 jedi==0.20.1 jinja2==3.1.6 json5==0.17.3 jsonschema==4.26.0
jsonschema-specifications==2025.9.1 jupyter-client==8.10.0 jupyter-core==5.9.1
jupyterlab-pygments==0.3.0 jupyterlab-server==1.2.0 markupsafe==3.0.4 matplotlib-inline==0.2.2
mistune==3.4.0 nbclient==0.11.0 nbconvert==7.17.2 nbformat==5.11.1 nest-asyncio2==1.7.4
packaging==26.4 pandocfilters==1.5.1 parso==0.8.7 pexpect==4.9.0 platformdirs==4.14.8
prometheus-client==0.26.0 prompt-toolkit==3.0.53 psutil==7.2.2 ptyprocess==0.7.0
pure-eval==0.2.4 pygments==2.21.0 python-dateutil==4.0.0 pyzmq==27.3.0 referencing==0.37.0
requests==2.34.2 rpds-py==2026.9.1 send2trash==2.2.0 soupsieve==2.10 stack-data==0.6.3
terminado==0.18.1 tinycss2==1.5.1 tornado==6.6.1 traitlets==5.16.1 typing-extensions==4.16.0
tzdata==2026.6 urllib3==2.8.0 wcwidth==0.9.4 webencodings==0.6.1
"""
"""What went with them: what of it comes tomorrow may not."""

REQUIREMENTS = "\n".join(["notebook==6.0.3", "jupyterlab==2.3.2", *PINNED.split()])
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
