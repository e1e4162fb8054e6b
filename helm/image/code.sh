#!/bin/sh
# Our package; run as root with the folder that has the wheel, after python.sh.
set -eu
export UV_NO_CACHE=true UV_LINK_MODE=copy
/opt/binder/bin/uv pip install --quiet --python /opt/binder --no-deps --compile-bytecode "$1"/*.whl
/opt/binder/bin/binder-at-home --version
