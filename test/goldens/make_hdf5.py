"""Writes test/goldens/hdf5/*.h5 with h5py, what native/tests/io/hdf5*.cpp and native/tests/imaging read. Run by hand:

    python test/goldens/make_hdf5.py

Element i of every array, in row-major order, is number(i): the tests compute the same, so no output of ours is stored.
The files are committed, so neither the product nor its tests need Python."""

import ctypes
from pathlib import Path

import h5py
import numpy as np

FOLDER = Path(__file__).parent / "hdf5"
LIMIT = 8192  # bytes a file
XML = """<?xml version="1.0"?>
<!-- a made-up scan -->
<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD" note="a > b">
  <encoding>
    <encodedSpace><matrixSize><x>16</x><y> 12 </y><z>1</z></matrixSize></encodedSpace>
    <reconSpace><matrixSize><x>8</x><y>8</y><z>1</z></matrixSize></reconSpace>
    <encodingLimits><kspace_encoding_step_1>
      <minimum>0</minimum><maximum>9</maximum><center>5</center>
    </kspace_encoding_step_1></encodingLimits>
    <trajectory/>
  </encoding>
</ismrmrdHeader>
"""


def library() -> ctypes.CDLL:
    """The HDF5 library that h5py carries, for the settings that h5py does not know."""
    return ctypes.CDLL(str(next((Path(h5py.__file__).parent.parent / "h5py.libs").glob("libhdf5-*"))))


def number(i, is_signed: bool = True):
    return (i * 37 + 11) % 101 - (50 if is_signed else 0)


def array(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    kind = np.dtype(dtype)
    index = np.arange(int(np.prod(shape))).reshape(shape)
    if kind.kind == "b":
        return index % 3 == 0
    if kind.kind == "c":
        return (number(index) + 1j * number(2 * index + 1)).astype(kind)
    return number(index, kind.kind != "u").astype(kind)


def put(group: h5py.Group, name: str, kind, data: np.ndarray | None, plan=None) -> None:
    """What h5py's own create_dataset cannot make; without time stamps, so that the files come out alike."""
    plan = plan or h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_obj_track_times(False)
    space = h5py.h5s.create_simple((2,) if data is None else data.shape)
    made = h5py.h5d.create(group.id, name.encode(), kind, space, plan)
    if data is not None:
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, data, kind)


def types_of(floats: str, integers: str):
    def fill(file: h5py.File) -> None:
        group = file.create_group("floats")
        for kind in ("f2", "f4", "f8", "c8", "c16"):
            group[kind] = array((2, 3), floats + kind)
        group = file.create_group("integers")
        for kind in ("i2", "u2", "i4", "u4", "i8", "u8"):
            group[kind] = array((2, 3), integers + kind)
        if file.libver[0] == "v200":  # HDF5 2.0 has a class of types for complex numbers
            put(file, "complex", h5py.h5t.COMPLEX_IEEE_F32LE, array((2, 3), "c8"))

    return fill


def types_of_bytes(file: h5py.File) -> None:
    file["i1"], file["u1"], file["bool"] = array((2, 3), "i1"), array((2, 3), "u1"), array((2, 3), "?")
    file.create_dataset("enum", data=array((2, 3), "u1"), dtype=h5py.enum_dtype({"A": 1, "B": 2}, basetype="u1"))


def chunked(file: h5py.File) -> None:
    data = array((5, 3, 6), "f4")
    file.create_dataset("plain", data=data, chunks=(3, 2, 4))
    file.create_dataset("gzip", data=data, chunks=(3, 2, 4), compression="gzip")
    file.create_dataset("all", data=data, chunks=(3, 2, 4), compression="gzip", shuffle=True, fletcher32=True)
    file.create_dataset("odd", data=array((5, 3), "u1"), chunks=(5, 3), fletcher32=True)
    file.create_dataset("big", data=array((3, 9), ">u2"), chunks=(2, 9), compression="gzip", shuffle=True)


def chunk_indexes(file: h5py.File) -> None:
    data = array((6, 5), "i2")
    file.create_dataset("single", data=data, chunks=(6, 5))
    file.create_dataset("single_gzip", data=data, chunks=(6, 5), compression="gzip")
    file.create_dataset("fixed", data=data, chunks=(4, 2), maxshape=(9, 8))
    file.create_dataset("fixed_gzip", data=data, chunks=(4, 2), compression="gzip", fletcher32=True)
    file.create_dataset("extensible", data=data, chunks=(6, 5), maxshape=(None, 5))
    file.create_dataset("tree_2", data=data, chunks=(6, 5), maxshape=(None, None))
    early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    early.set_chunk((4, 2))
    early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    put(file, "implicit", h5py.h5t.STD_I16LE, data, early)


def cut_edges(file: h5py.File) -> None:
    """Chunks at the array's end that pass through no filter."""
    data = array((5, 4), "i4")
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((3, 4))
    plan.set_deflate(6)
    library().H5Pset_chunk_opts(ctypes.c_int64(plan.id), ctypes.c_uint(2))  # H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS
    put(file, "edges", h5py.h5t.STD_I32LE, data, plan)


def many(file: h5py.File) -> None:
    file.create_dataset("chunks", data=array((35,), "u1"), chunks=(1,))


def many_links(file: h5py.File) -> None:
    group = file.create_group("group")
    for i in range(24):
        group[f"link{i:02d}"] = file
    group["the_dataset"] = np.float32(number(0))


def matlab(file: h5py.File) -> None:
    group = file.create_group("cjdata")
    group["PID"] = np.array([[ord(c)] for c in "100360"], "u2")
    group.create_dataset("image", data=array((8, 6), "i2"), chunks=(8, 6), compression="gzip")
    group["image"].attrs["MATLAB_class"] = np.bytes_("int16")
    group["field"] = array((3,), "c16").view([("real", "f8"), ("imag", "f8")])


def figshare(label: float = 3, mask_shape: tuple[int, int] = (4, 6)):
    """A picture of Cheng's tumour set of 6 rows and 4 columns, as MATLAB writes it: columns first. Pixel (r, c) is
    10 r + c, the tumour its second row."""

    def fill(file: h5py.File) -> None:
        group = file.create_group("cjdata")
        rows, columns = np.meshgrid(np.arange(6), np.arange(4))
        group["label"] = np.array([[label]], "f8")
        group["PID"] = np.array([[ord(c)] for c in "MR0402"], "u2")
        group.create_dataset("image", data=(10 * rows + columns).astype("i2"), chunks=(4, 6), compression="gzip")
        group["tumorMask"] = (np.ones(mask_shape) * (np.arange(mask_shape[1]) == 1)).astype("u1")
        group["tumorBorder"] = np.arange(8.0).reshape(1, 8)

    return fill


def figshare_folds(folds: list[float]):
    """The fold of each picture of Cheng's set, by its number: one column of MATLAB's."""

    def fill(file: h5py.File) -> None:
        file["cvind"] = np.array([folds], "f8")

    return fill


def texts(file: h5py.File) -> None:
    file["variable"] = "Grüße"
    file["fixed"] = np.bytes_("abc")
    file["one"] = np.array([b"in an array"])
    file["two"] = np.array([b"one", b"two"])
    file["empty"] = ""
    file.attrs["variable"] = "AXT2"
    file.attrs["fixed"] = np.bytes_("AXFLAIR")
    file.attrs["f8"], file.attrs["f4"], file.attrs["i8"] = 0.125, np.float32(0.5), 2**40 + 1


def attributes(file: h5py.File) -> None:
    """Enough for continuation blocks of the header."""
    file["x"] = np.float32(1)
    for i in range(8):
        file["x"].attrs[f"attribute{i}"] = float(number(i))
        file.attrs[f"attribute{i}"] = np.dtype(">i2").type(number(i))
    file.attrs["pair"] = np.array([1.0, 2.0])


def dense(file: h5py.File) -> None:
    for i in range(9):
        file.attrs[f"attribute{i}"] = i
    group = file.create_group("group")
    for i in range(9):
        group.create_group(f"g{i}")


def holes(file: h5py.File) -> None:
    file.create_dataset("contiguous", (3, 2), "f4", fillvalue=7)
    file.create_dataset("zeros", (3, 2), "f4")
    file.create_dataset("vast", (1 << 30, 1 << 20), "f8", fillvalue=0.5)
    file.create_dataset("chunks", (5, 4), "i2", chunks=(2, 3), fillvalue=-3)
    file["chunks"][0:2, 0:3] = array((2, 3), "i2")
    file.create_dataset("complex", (2,), "c8", fillvalue=1 + 2j)


def shapes(file: h5py.File) -> None:
    file["scalar"] = np.float32(number(0))
    file["null"] = h5py.Empty("f4")
    file["none"] = np.zeros((0, 3), "f4")
    file["no_columns"] = np.zeros((3, 0), "f4")
    file["six_axes"] = np.zeros((1,) * 6, "f4")
    file["six_fields"] = np.zeros(2, [(c, "u1") for c in "abcdef"])
    file["two_fields"] = np.zeros(2, [("x", "f4"), ("y", "f4")])
    compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    compact.set_layout(h5py.h5d.COMPACT)
    put(file, "compact", h5py.h5t.IEEE_F32LE, array((2, 3), "f4"), compact)


def strangers(file: h5py.File) -> None:
    """What is refused by name."""
    file["soft"] = h5py.SoftLink("/lzf")
    file["outside"] = h5py.ExternalLink("other.h5", "/x")
    file.create_dataset("lzf", data=array((4, 4), "u1"), compression="lzf")
    file.create_dataset("elsewhere", (4,), "u1", external=[("other.raw", 0, 4)])
    layout = h5py.VirtualLayout((4,), "u1")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    file.create_virtual_dataset("virtual", layout)
    group = file.create_group("types")
    put(group, "array_type", h5py.h5t.array_create(h5py.h5t.STD_U8LE, (2,)), None)
    group["named"] = np.dtype("f4")
    group.create_dataset("of_named", (2,), group["named"])


def fastmri(file: h5py.File) -> None:
    file["kspace"] = array((2, 3, 4, 6), "c8")
    file["reconstruction_rss"] = array((2, 4, 4), "f4")
    file["ismrmrd_header"] = XML
    file.attrs["acquisition"], file.attrs["patient_id"] = "AXT2", "0123abcd"
    file.attrs["max"], file.attrs["norm"] = 0.25, 3.5


def fastmri_test(file: h5py.File) -> None:
    file["kspace"] = array((1, 2, 4, 6), "c8")
    file["mask"] = array((6,), "?")
    file["reconstruction_esc"] = array((1, 4, 4), "f4")
    file.attrs["acceleration"] = 4
    file["ismrmrd_header"] = np.bytes_("<ismrmrdHeader><encoding></encoding></ismrmrdHeader>")


def fastmri_single(file: h5py.File) -> None:
    chunks = dict(chunks=(2, 3, 4), compression="gzip", shuffle=True)
    file.create_dataset("kspace", data=array((3, 4, 6), "c8"), **chunks)
    file["mask"] = array((5,), "u1")
    file.attrs["acquisition"] = np.bytes_("CORPD_FBK")


def wrong(file: h5py.File) -> None:
    file["kspace"] = array((4, 6), "c8")
    file.create_dataset("reconstruction_rss", (9, 1 << 20, 1 << 20), "f4", chunks=(1, 512, 512), compression="gzip")
    file["mask"] = array((2, 3), "?")
    file["ismrmrd_header"] = array((3,), "u1")


FILES = {
    "types_earliest": (types_of("<", ">"), "small_nodes", 0),
    "types_latest": (types_of(">", "<"), "latest", 0),
    "bytes_earliest": (types_of_bytes, "small_nodes", 0),
    "chunked_earliest": (chunked, "small_nodes", 0),
    "chunked_latest": (chunked, "latest", 0),
    "chunk_indexes": (chunk_indexes, "latest", 0),
    "cut_edges": (cut_edges, "v110", 0),
    "many": (many, "small_nodes", 0),
    "many_links": (many_links, "small_nodes", 0),
    "matlab": (matlab, "earliest", 512),
    "user_block_latest": (matlab, "latest", 2048),
    "figshare": (figshare(), "earliest", 512),
    "figshare_label": (figshare(label=4), "earliest", 512),
    "figshare_mask": (figshare(mask_shape=(4, 5)), "earliest", 512),
    "figshare_folds": (figshare_folds([i // 2 % 4 + 1 for i in range(32)]), "earliest", 512),
    "figshare_folds_half": (figshare_folds([1, 2, 2.5]), "earliest", 512),
    "texts_earliest": (texts, "small_nodes", 0),
    "attributes_earliest": (attributes, "earliest", 0),
    "attributes_v108": (attributes, "v108", 0),
    "dense": (dense, "v110", 0),
    "holes": (holes, "small_nodes", 0),
    "holes_latest": (holes, "latest", 0),
    "shapes_earliest": (shapes, "small_nodes", 0),
    "shapes_latest": (shapes, "latest", 0),
    "strangers": (strangers, "v110", 0),
    "fastmri": (fastmri, "earliest", 0),
    "fastmri_test": (fastmri_test, "earliest", 0),
    "fastmri_single": (fastmri_single, "small_nodes", 0),
    "fastmri_wrong": (wrong, "v110", 0),
}


def create(path: Path, version: str, user_block: int) -> h5py.File:
    """"small_nodes" is "earliest" with B-trees of few children, which asks for a superblock of version 1."""
    if version != "small_nodes":
        return h5py.File(path, "w", libver=version, userblock_size=user_block)
    plan = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    library().H5Pset_sym_k(ctypes.c_int64(plan.id), ctypes.c_uint(2), ctypes.c_uint(2))
    library().H5Pset_istore_k(ctypes.c_int64(plan.id), ctypes.c_uint(2))
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_EARLIEST, h5py.h5f.LIBVER_LATEST)
    return h5py.File(h5py.h5f.create(bytes(path), h5py.h5f.ACC_TRUNC, plan, access))


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    total = 0
    for name, (fill, version, user_block) in FILES.items():
        path = FOLDER / f"{name}.h5"
        with create(path, version, user_block) as file:
            fill(file)
        size = path.stat().st_size
        total += size
        print(f"{path.name}: {size} bytes{'  TOO LARGE' if size > LIMIT else ''}")
    print(f"{total} bytes in all")


if __name__ == "__main__":
    main()
