#!/usr/bin/env bash
# Fuzzes every target for some seconds: bounded.sh PYTHON [SECONDS]. A crash fails; where atheris
# cannot be had (it has wheels for Linux and CPython 3.11 to 3.13), the step is skipped and says so.
set -euo pipefail
python=$1
"$python" -c "import atheris" 2> /dev/null ||
  "$python" -m pip install -q --only-binary :all: "atheris>=3.0" > /dev/null 2>&1 ||
  { echo "skipped: atheris is not installed and cannot be"; exit 0; }
exec "$python" "$(dirname "$0")/fuzz_all.py" --seconds "${2:-45}"
