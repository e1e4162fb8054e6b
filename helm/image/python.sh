#!/bin/sh
# What our package needs, in /opt/binder; run as root with the folder that has the wheel. The package
# itself, which changes with every commit, is taken out again: code.sh puts it in.
set -eu
export UV_SYSTEM_CERTS=true UV_NATIVE_TLS=true UV_NO_CACHE=true UV_LINK_MODE=copy
wheel=$(echo "$1"/*.whl)

python3 -m venv /opt/binder
/opt/binder/bin/pip install --quiet --no-cache-dir uv
uv() { /opt/binder/bin/uv pip "$@" --quiet --python /opt/binder; }
uv install --compile-bytecode "$wheel[kubernetes,node,postgresql]" \
    oauthenticator jupyterhub-ltiauthenticator

proxy=$(/opt/binder/bin/python -c '
import shlex
from pathlib import Path
from binderhub_ext.up.proxy import ensure_proxy
print(shlex.join(ensure_proxy(Path("/nonexistent"))))
')
printf '#!/bin/sh\nexec %s "$@"\n' "$proxy" >/opt/binder/bin/configurable-http-proxy
chmod 755 /opt/binder/bin/configurable-http-proxy
# Of Node.js, what runs it is enough.
node=$(dirname "$(dirname "${proxy%% *}")")
rm -rf "$node/include" "$node/lib" "$node/share"
/opt/binder/bin/configurable-http-proxy --version
# Without the second, jsonschema is loaded in a fifth of the time (docs/performance.md).
uv uninstall binder-at-home rfc3987-syntax
rm -rf /root/.npm /root/.cache
