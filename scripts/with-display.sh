#!/usr/bin/env bash
# Runs a command with a screen to draw on: a virtual one (Xvfb) of 1600 × 1000 pixels, so that the result does not depend on
# who is looking. VISIBLE=1 takes the screen that is there instead.
#
#   scripts/with-display.sh COMMAND [ARGUMENT…]
set -euo pipefail

if [ "$(uname -s)" != Linux ] || [ "${VISIBLE:-}" = 1 ]; then
    exec "$@"
fi
if ! command -v xvfb-run >/dev/null || ! command -v xauth >/dev/null; then
    echo "xvfb-run or xauth is missing. On Debian and Ubuntu: sudo apt-get install -y xvfb xauth" >&2
    echo "Or run on your own screen: make VISIBLE=1 …" >&2
    exit 1
fi
# A Wayland session would be preferred over the virtual X screen by Qt.
exec env -u WAYLAND_DISPLAY QT_QPA_PLATFORM=xcb xvfb-run -a -s "-screen 0 1600x1000x24" "$@"
