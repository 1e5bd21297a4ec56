"""Holds the installed weights against the hashes they were tried with: `weights.py weights.sha256`."""

import hashlib
import importlib.util
import pathlib
import sys


def main(listed):
    wrong = False
    for line in pathlib.Path(listed).read_text().splitlines():
        wanted, path = line.split(None, 1)
        package, _, inside = path.partition("/")
        spec = importlib.util.find_spec(package)
        if spec is None:
            print(f"{package} is not installed", file=sys.stderr)
            continue
        file = pathlib.Path(spec.submodule_search_locations[0]) / inside
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if found != wanted:
            print(f"error: {file} has the hash {found}; {wanted} is wanted", file=sys.stderr)
            wrong = True
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
