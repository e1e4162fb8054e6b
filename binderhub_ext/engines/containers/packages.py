"""What our build pack installs for the server itself; part of every key it makes."""

SERVER_PACKAGES = (
    "ipywidgets==8.*",
    "jupyter-resource-usage==1.*",
    "jupyter-server==2.*",
    "jupyterhub>=5",
    "jupyterlab==4.*",
    "notebook==7.*",
    "pip",
)
"""What repo2docker's own base environment gives (its `conda/environment.yml`), without conda."""
