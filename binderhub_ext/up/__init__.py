"""What `binder-at-home up` needs around a Hub: directory, secrets, ports, proxy, sign-in.

Belongs here: everything that makes one command on one machine out of JupyterHub, our service
and an engine. Does not belong here: what any deployment needs (`binderhub_ext.hub`), and
anything an engine or the service does.
"""
