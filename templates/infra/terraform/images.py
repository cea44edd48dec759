"""Bring the disk images that the machines of ../plan.json start from into images/, verified: `make images`.

Beside each image a small file says its digest and how large a disk it makes, which Terraform compares with the plan before it changes
anything. An image that lies there already is verified and not downloaded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
QCOW2 = b"QFI\xfb"


def main() -> int:
    """Fetch all images that the plan needs, and return an exit code."""
    pins = yaml.safe_load((HERE.parent / "versions.yaml").read_text())["images"]
    own = yaml.safe_load((HERE.parent / "versions.user.yaml").read_text()) or {}
    pins |= own.get("images") or {}
    plan = json.loads((HERE.parent / "plan.json").read_text())
    failed = False
    for name in sorted({node["image"] for node in plan["nodes"]}):
        pin = pins.get(name)
        if pin is None:
            print(f"versions.yaml has no image of {name}: write it into versions.user.yaml, with version, url and sha512.", file=sys.stderr)
            failed = True
        elif not fetch(name, pin):
            failed = True
    return 1 if failed else 0


def fetch(name: str, pin: dict[str, str]) -> bool:
    """Have an image fetched and verified, and note what it is; tell whether it is there."""
    path = HERE / "images" / f"{pin['sha512'][:16]}.qcow2"
    print(f"{name} {pin['version']}: {path}")
    settings = {"IMAGE_URL": pin["url"], "IMAGE_SHA512": pin["sha512"], "IMAGE_PATH": str(path)}
    if subprocess.run(["sh", HERE / "fetch-image.sh"], env=os.environ | settings, check=False).returncode:
        return False
    with path.open("rb") as stream:
        header = stream.read(32)
    # The header of qcow2: its mark, its version, where its backing file is named (8 and 4 bytes), its cluster's size, its disk's size in bytes.
    if header[:4] != QCOW2 or header[8:16] != bytes(8):
        print(f"{pin['url']} is no qcow2 image that stands by itself; convert it: qemu-img convert -O qcow2 FROM TO", file=sys.stderr)
        return False
    facts = {"sha512": pin["sha512"], "virtual_size": int.from_bytes(header[24:32])}
    part = path.with_suffix(".json.part")
    part.write_text(json.dumps(facts) + "\n")
    part.replace(path.with_suffix(".json"))
    return True


if __name__ == "__main__":
    sys.exit(main())
