"""The configuration of the Hub and of the service, for compose.yaml."""

import os
from pathlib import Path
from urllib.parse import quote

c = get_config()  # noqa: F821 - given by what reads this file

# Both databases; the password is a secret of compose and in no environment.
password = quote(Path("/run/secrets/postgres").read_text().strip(), safe="")
server = f"postgresql+psycopg://binder:{password}@127.0.0.1:5432"
c.JupyterHub.db_url = f"{server}/hub"
c.BinderApp.db_url = f"{server}/service"

# The proxy alone talks to people.
c.Up.ip = "127.0.0.1"
c.Up.port = 8000

# Each person's servers have a host of their own, below this one. What they show is a stranger's
# work: at the Hub's own address a browser would take it for the Hub.
hub = f"https://{os.environ.get('HUB_HOST', '')}"
c.JupyterHub.subdomain_host = hub

# Who may come in: members of a GitHub organization. Any JupyterHub authenticator works.
c.JupyterHub.authenticator_class = "github"
c.GitHubOAuthenticator.client_id = os.environ.get("GITHUB_CLIENT_ID", "")
c.GitHubOAuthenticator.client_secret = os.environ.get("GITHUB_CLIENT_SECRET", "")
c.GitHubOAuthenticator.allowed_organizations = {os.environ.get("GITHUB_ORGANIZATION", "")}
c.GitHubOAuthenticator.scope = ["read:org"]
c.GitHubOAuthenticator.oauth_callback_url = f"{hub}/hub/oauth_callback"
