#!/usr/bin/env bash
# Makes sure that the system has what napari needs beside Python packages: OpenGL, the X libraries that Qt loads, and a
# virtual screen (Xvfb) for machines without one. Asks the system first and calls apt only for what is missing.
#
#   scripts/system-libraries.sh [PYTHON]      PYTHON: the interpreter that the .venv is to be made with (default python3)
#
# As root on Debian or Ubuntu it installs. Otherwise it prints the line to run; it then stops only if no .venv can be made.
set -euo pipefail

python=${1:-python3}

if [ "$(uname -s)" != Linux ]; then
    exit 0 # macOS and Windows bring OpenGL and a screen of their own
fi

# What to look for, and the Debian/Ubuntu packages that bring it: the first of the alternatives that apt knows is taken
# (names differ between releases: …t64 since Debian 13 and Ubuntu 24.04).
libraries="
libGL.so.1                  libgl1
libGLX_mesa.so.0            libglx-mesa0
libEGL.so.1                 libegl1
libEGL_mesa.so.0            libegl-mesa0
libOpenGL.so.0              libopengl0
libX11.so.6                 libx11-6
libX11-xcb.so.1             libx11-xcb1
libXext.so.6                libxext6
libXrender.so.1             libxrender1
libSM.so.6                  libsm6
libICE.so.6                 libice6
libxkbcommon.so.0           libxkbcommon0
libxkbcommon-x11.so.0       libxkbcommon-x11-0
libxcb.so.1                 libxcb1
libxcb-cursor.so.0          libxcb-cursor0
libxcb-icccm.so.4           libxcb-icccm4
libxcb-image.so.0           libxcb-image0
libxcb-keysyms.so.1         libxcb-keysyms1
libxcb-randr.so.0           libxcb-randr0
libxcb-render.so.0          libxcb-render0
libxcb-render-util.so.0     libxcb-render-util0
libxcb-shape.so.0           libxcb-shape0
libxcb-shm.so.0             libxcb-shm0
libxcb-sync.so.1            libxcb-sync1
libxcb-util.so.1            libxcb-util1
libxcb-xfixes.so.0          libxcb-xfixes0
libxcb-xkb.so.1             libxcb-xkb1
libdbus-1.so.3              libdbus-1-3
libfontconfig.so.1          libfontconfig1
libfreetype.so.6            libfreetype6
libglib-2.0.so.0            libglib2.0-0t64|libglib2.0-0
libgthread-2.0.so.0         libglib2.0-0t64|libglib2.0-0
"

missing_names=() # what was looked for, for a reader
missing_packages=()

lacks() { # lacks NAME PACKAGES
    missing_names+=("$1")
    missing_packages+=("$2")
}

loadable=$( (ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null || true) | awk '{print $1}')
while read -r name packages; do
    [ -n "$name" ] || continue
    grep -qxF "$name" <<<"$loadable" || lacks "$name" "$packages"
done <<<"$libraries"

# Mesa's software renderer: a driver that is opened by path, so the loader's list does not have it.
if ! compgen -G '/usr/lib*/*/dri/*swrast*' >/dev/null && ! compgen -G '/usr/lib*/dri/*swrast*' >/dev/null; then
    lacks "a software OpenGL driver" libgl1-mesa-dri
fi
for program in Xvfb xvfb-run; do
    command -v "$program" >/dev/null || lacks "$program" xvfb
done
command -v xauth >/dev/null || lacks xauth xauth

needs_venv=no
if command -v "$python" >/dev/null && ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    needs_venv=yes
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    lacks "the venv module of $python" "python$version-venv|python3-venv"
fi

[ ${#missing_names[@]} -gt 0 ] || exit 0

listed=$(printf '%s, ' "${missing_names[@]}")
echo "Not on this system: ${listed%, }"

if ! command -v apt-get >/dev/null; then
    echo "This is not a Debian or Ubuntu system: install what is listed above with your package manager, then run make again."
    if [ "$needs_venv" = yes ]; then exit 1; fi
    exit 0
fi

# The first alternative that apt knows; before `apt-get update` it may know none, then the last one stands.
choose() {
    local alternative
    for alternative in ${1//|/ }; do
        if apt-cache show "$alternative" >/dev/null 2>&1; then
            echo "$alternative"
            return
        fi
    done
    echo "${1##*|}"
}

chosen() {
    local packages
    for packages in "${missing_packages[@]}"; do choose "$packages"; done | sort -u | tr '\n' ' '
}

if [ "$(id -u)" = 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    packages=$(chosen)
    echo "Installing with apt: $packages"
    # shellcheck disable=SC2086  # a list of names, to be split
    apt-get install -y -qq --no-install-recommends $packages </dev/null >/dev/null
    exit 0
fi

echo "Run this line, then make again:"
echo
echo "    sudo apt-get update && sudo apt-get install -y --no-install-recommends $(chosen)"
echo
if [ "$needs_venv" = yes ]; then
    echo "No environment can be made before that." >&2
    exit 1
fi
echo "Going on: without these, napari may not start."
