"""unpack-cuda.py FOLDER WHEEL...: of NVIDIA's wheels, what a compiler reads, as one installation below FOLDER."""

import re
import sys
import zipfile
from pathlib import Path

# Everything below these folders of a wheel, wherever the wheel keeps them: nvidia/cu13/include, nvidia/cudnn/include,
# include. Libraries that are opened at run time stay in the wheel: they are 95 % of it.
KEPT = re.compile(r"(?:^|/)((?:bin|include|nvvm)/.+|lib/libcud(?:art_static|adevrt)\.a)$")
LICENCE = re.compile(r"([^/]+)\.dist-info/(?:licenses/)?(LICENSE[^/]*|License[^/]*)$")


def place_of(name):
    if licence := LICENCE.search(name):
        return f"licences/{licence[1]}-{licence[2]}"
    if name.endswith("/") or ".dist-info/" in name:
        return None
    kept = KEPT.search(name)
    return kept[1] if kept else None


def main(into, wheels):
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                place = place_of(entry.filename)
                if place is None:
                    continue
                path = Path(into) / place
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(entry))
                if place.startswith(("bin/", "nvvm/bin/")):
                    path.chmod(0o755)


main(sys.argv[1], sys.argv[2:])
