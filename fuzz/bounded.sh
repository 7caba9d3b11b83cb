#!/usr/bin/env bash
# Fuzzes all targets together for some seconds: bounded.sh PYTHON [SECONDS]. A crash fails, and so
# does a missing atheris, but where there is none (it has wheels for Linux and CPython 3.11 to 3.13)
# the step is skipped and says so.
set -euo pipefail
python=$1
"$python" -c 'import sys; sys.exit(sys.platform != "linux" or sys.version_info >= (3, 14))' ||
  { echo "skipped: atheris has wheels for Linux and CPython 3.11 to 3.13"; exit 0; }
"$python" -c "import atheris" 2> /dev/null ||
  "$python" -m pip install -q --only-binary :all: "atheris>=3.0"
# The same inputs for the same code: what is found by chance should stop whoever looks for it
# (`make fuzz`), not a change that has nothing to do with it.
export PYTHONHASHSEED=0
exec "$python" "$(dirname "$0")/fuzz_all.py" --seconds "${2:-170}" --executions 100000 --seed 1
