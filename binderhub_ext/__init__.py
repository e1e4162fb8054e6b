"""Binder@home: an authenticated, persistent BinderHub on top of JupyterHub."""

__version__ = "0.1.0.dev0"
