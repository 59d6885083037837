#!/usr/bin/env bash
# Says whether PYTHON is there and new enough, in words that tell what to do; used by `make setup`.
#
#   scripts/check-python.sh PYTHON
set -euo pipefail

python=${1:-python3}

if ! command -v "$python" >/dev/null; then
    echo "There is no '$python' here. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.12" >&2
    exit 1
fi
if ! version=$("$python" -c 'import platform; print(platform.python_version())' 2>&1); then
    echo "'$python' does not run: $version" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "'$python' is Python $version; napari-fastsam needs 3.11 or newer." >&2
    echo "Install a newer one and name it: make PYTHON=/path/to/python3.12" >&2
    exit 1
fi
