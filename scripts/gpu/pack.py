"""Binaries for a GPU's machine: compiled, packed and unpacked."""
import json
import os
import shutil
import subprocess
import tarfile

from suite import ROOT

BINARIES = ["gyrus_tests", "gyrus_moco_step"]
LIBRARIES = ["onednn/lib/libdnnl.so.3", "highway/lib/libhwy.so.1", "libdeflate/lib/libdeflate.so.0",
             "zlib/lib/libz.so.1"]
MOST_MIB = 60  # that can be carried


def compile_into(folder):
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    subprocess.run(["cmake", "-S", str(ROOT), "-B", str(folder), *generator, "-DGYRUS_TESTS=ON", "-DGYRUS_CUDA=ON"],
                   check=True)
    jobs = os.environ.get("GYRUS_BUILD_JOBS", str(os.cpu_count()))
    subprocess.run(["cmake", "--build", str(folder), "--parallel", jobs, "--target", *BINARIES], check=True)


def pack():
    """build-gpu/binaries.tar.xz: the binaries and their libraries, stripped; CUDA's own are on the GPU's machine. Its
    size is kept beside it, in pack.json."""
    subprocess.run([str(ROOT / "scripts/setup"), "cuda"], check=True)
    compile_into(ROOT / "build-cuda")
    folder = ROOT / "build-gpu"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    sources = [ROOT / "build-cuda" / name for name in BINARIES] + [ROOT / ".deps" / name for name in LIBRARIES]
    with tarfile.open(folder / "binaries.tar.xz", "w:xz") as archive:
        for source in sources:
            stripped = folder / source.name
            subprocess.run(["strip", "--strip-unneeded", "-o", str(stripped), str(source)], check=True)
            archive.add(stripped, source.name)
            stripped.unlink()
    size = (folder / "binaries.tar.xz").stat().st_size / 2**20
    (folder / "pack.json").write_text(json.dumps({"mib": round(size, 1), "most": MOST_MIB}) + "\n")
    print(f"build-gpu/binaries.tar.xz: {size:.1f} MiB, of {MOST_MIB} that can be carried")
    return 0 if size < MOST_MIB else 1


def packed_mib(folder):
    """Of what was carried here; None where the binaries were compiled here."""
    note = folder / "pack.json"
    return json.loads(note.read_text())["mib"] if note.is_file() else None


def find_binaries(folder):
    """Unpacked from what was carried, else compiled."""
    packed = folder / "binaries.tar.xz"
    if packed.is_file() and not (folder / BINARIES[0]).is_file():
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
    if not all((folder / name).is_file() for name in BINARIES):
        compile_into(folder)
