"""How much `pip install .` brings: packages and megabytes of a fresh environment with run-time dependencies only.

    python benchmarks/install_size.py

Aims: at most 35 packages and 750 MB (1 MB = 10^6 bytes; pip itself is not counted) without the bytecode that pip
compiles on arrival, which is printed beside (docs/decisions/0016). Exits 1 when over.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST_PACKAGES, MOST_MB = 35, 750
NOT_OURS = {"pip", "setuptools", "wheel"}

LISTING = """
import importlib.metadata as m, json, pathlib
sizes = {}
for d in m.distributions():
    paths = [d.locate_file(f) for f in d.files or ()]
    found = [(p.suffix == ".pyc", p.stat().st_size) for p in map(pathlib.Path, paths) if p.is_file()]
    sizes[d.metadata["Name"]] = [sum(size for compiled, size in found if compiled == kind) for kind in (False, True)]
print(json.dumps(sizes))
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, "bin" if sys.platform != "win32" else "Scripts", "python")
        install = [python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", ROOT]
        subprocess.run(install, check=True)
        listed = subprocess.run([python, "-c", LISTING], check=True, capture_output=True, text=True)
    sizes = {name: size for name, size in json.loads(listed.stdout).items() if name.lower() not in NOT_OURS}
    for name, (brought, compiled) in sorted(sizes.items(), key=lambda item: -sum(item[1])):
        print(f"{brought / 1e6:8.1f} MB + {compiled / 1e6:5.1f}  {name}")
    total, bytecode = (sum(size[kind] for size in sizes.values()) / 1e6 for kind in (0, 1))
    python = sys.version.split()[0]
    print(f"{total:8.1f} MB + {bytecode:5.1f} of bytecode in {len(sizes)} packages, Python {python}")
    print(f"aims: {MOST_MB} MB, {MOST_PACKAGES} packages")
    return int(total > MOST_MB or len(sizes) > MOST_PACKAGES)


if __name__ == "__main__":
    sys.exit(main())
