"""Writes test/goldens/nifti/ with nibabel: small volumes of every element type, byte order, version and orientation,
and index.json with what nibabel says of each in closest-canonical order. Run by hand:

    python test/goldens/make_nifti.py

The files are committed, so neither the product nor its tests need Python."""

import gzip
import itertools
import json
from pathlib import Path

import nibabel as nib
import numpy as np

FOLDER = Path(__file__).parent / "nifti"
TYPES = ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", "c8", "c16"]
SHAPE = (4, 3, 2)
rng = np.random.default_rng(20)


def affine_of(number: int) -> np.ndarray:
    """Axis permutations with flips, sheared, turned by any angle, in turn; oblique by 45 degrees ties."""
    affine = np.eye(4)
    turned = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    permuted = np.eye(3)[rng.permutation(3)] * rng.choice([-1, 1], 3)
    sheared = permuted @ (np.eye(3) + 0.15 * rng.normal(size=(3, 3)))
    affine[:3, :3] = [turned, permuted, sheared][number % 3] * rng.uniform(0.5, 2, 3)
    affine[:3, 3] = rng.normal(size=3) * 40
    return affine


def voxels_of(dtype: np.dtype, shape: tuple) -> np.ndarray:
    values = rng.normal(size=shape) * 60
    if dtype.kind == "c":
        return (values + 1j * rng.normal(size=shape) * 60).astype(dtype)
    return (np.abs(values) if dtype.kind == "u" else values).astype(dtype)


def make(number: int, version: int, order: str, code: str) -> nib.Nifti1Image:
    """The image in memory, its place in space given by the sform, the qform or neither."""
    cls = nib.Nifti1Image if version == 1 else nib.Nifti2Image
    dtype = np.dtype(code)
    shape = SHAPE + (3,) if number % 5 == 4 else SHAPE
    data, affine = voxels_of(dtype, shape), affine_of(number)
    header = cls.header_class(endianness=order)
    header.set_data_dtype(dtype.newbyteorder(order))
    image = cls(data, affine, header=header, dtype=dtype)
    where = number % 4
    image.set_sform(affine if where < 2 else None, code=2 if where < 2 else 0)
    image.set_qform(affine if where == 2 else None, code=1 if where == 2 else 0, strip_shears=True)
    if dtype.kind in "iu" and number % 3 == 0:
        image.header.set_slope_inter(-0.37 if number % 2 else 0.25, 3.5)
    return image


def expected(path: Path, frame: int) -> dict:
    image = nib.load(path)
    if len(image.shape) == 4:
        image = image.slicer[..., frame]
    canonical = nib.as_closest_canonical(image)
    data = np.asanyarray(canonical.dataobj)
    if np.iscomplexobj(data):
        data = np.abs(data.astype("c16"))
    values = data.astype("f4").ravel(order="F").astype("f8").tolist()
    return {"file": path.name, "frame": frame, "shape": list(data.shape), "affine": canonical.affine.ravel().tolist(),
            "data": values}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    index = []
    for number, (version, order, code) in enumerate(itertools.product((1, 2), "<>", TYPES)):
        name = f"v{version}_{'little' if order == '<' else 'big'}_{code}.nii"
        path = FOLDER / name
        nib.save(make(number, version, order, code), path)
        if number % 2:
            packed = FOLDER / (name + ".gz")
            packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
            path.unlink()
            path = packed
        index.append(expected(path, 2 if number % 5 == 4 else 0))
    pair = nib.Nifti1Pair(voxels_of(np.dtype("i2"), SHAPE), affine_of(1))
    nib.save(pair, FOLDER / "pair.hdr")
    index += [expected(FOLDER / "pair.hdr", 0), {**expected(FOLDER / "pair.hdr", 0), "file": "pair.img"}]
    (FOLDER / "index.json").write_text(json.dumps(index, indent=None).replace("}, {", "},\n {") + "\n")


main()
