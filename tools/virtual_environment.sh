#!/bin/sh
# Make the virtual environment and install the project into it.
#   virtual_environment.sh PYTHON FOLDER WHAT      e.g. python3 .venv '.[dev]'
set -eu
python=$1 folder=$2 what=$3

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "headunit needs Python 3.11 or newer; $python is $("$python" -V 2>&1). Set PYTHON=…" >&2
    exit 2
fi
if [ ! -x "$folder/bin/pip" ]; then
    echo "making $folder"
    # Debian keeps ensurepip in a package of its own; virtualenv from pip does the same work.
    "$python" -m venv "$folder" 2>/dev/null || {
        rm -rf "$folder"
        "$python" -m pip install --quiet --user virtualenv 2>/dev/null ||
            "$python" -m pip install --quiet --user --break-system-packages virtualenv
        "$python" -m virtualenv --quiet "$folder"
    }
fi
echo "installing $what into $folder"
"$folder/bin/pip" install --quiet --constraint constraints.txt --editable "$what"
# Without byte code the first frame takes three times as long.
"$folder/bin/python" -m compileall -q contracts runtime headunit telematics backend_stub hardware || true
