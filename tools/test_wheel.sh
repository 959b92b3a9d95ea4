#!/bin/sh
# Installs the wheel of dist/ where there is no compiler, no checkout and an empty home, and runs the commands there.
# Called by make test-wheel.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
trap '/bin/rm -rf "$place"' EXIT
mkdir "$place/home"
"${PYTHON:-python3}" -m venv "$place/venv"
cp "$root/examples/speakers.py" "$place/home"
cd "$place/home"

PATH="$place/venv/bin"
for compiler in c++ cc g++ gcc clang clang++ cmake ninja; do
    ! command -v "$compiler" >/dev/null || { echo "$compiler is there: the test shows nothing" >&2; exit 1; }
done
export PATH CC=/bin/false CXX=/bin/false
python -m pip --disable-pip-version-check --quiet install --only-binary :all: "$root"/dist/*.whl

clean() { /usr/bin/env -i PATH="$PATH" HOME="$place/home" LANG=C.UTF-8 "$@"; }
clean python -c 'import tidegate, sys; sys.exit(not tidegate.__file__.startswith(sys.prefix))'
clean tidegate info
clean tidegate compare --seeds 2 --max-epochs 3 --output report
clean python -c 'from pathlib import Path; assert "</html>" in Path("report/report.html").read_text()'
clean python speakers.py
data="--id utterance --time step --target speaker"
clean tidegate fit speakers.csv $data --max-epochs 3 --output model.safetensors
clean tidegate predict model.safetensors speakers_test.csv --output predicted.csv
clean python -c 'from pathlib import Path; assert len(Path("predicted.csv").read_text().splitlines()) > 50'
echo "The wheel works without a compiler."
