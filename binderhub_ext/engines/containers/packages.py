"""What our build pack installs for the server itself; part of every key it makes."""

UV_PACK = "uv 2"
"""Goes into every key of our build pack: raise it when it makes another environment of the same
files, or when those of an older one are not to be trusted."""

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
