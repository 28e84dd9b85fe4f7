"""Entropy of every axial slice of the .nii.gz files below a folder with nibabel and scikit-image, a process a core.

Writes nothing; prints how long it took from the list of files to the last entropy, and the entropies of one slice a
volume, by which the harness knows that both sides do the same work.
"""

import argparse
import glob
import json
import os
import resource
import time
from concurrent.futures import ProcessPoolExecutor

import nibabel
import numpy
import skimage
from skimage.measure import shannon_entropy


def entropies(path):
    volume = nibabel.as_closest_canonical(nibabel.load(path))
    values = numpy.asanyarray(volume.dataobj).astype(numpy.float32)
    low, high = numpy.percentile(values, (0.5, 99.5))
    grey = numpy.clip((values - low) / (high - low) * 255, 0, 255).astype(numpy.uint8)
    return [float(shannon_entropy(grey[:, :, index])) for index in range(grey.shape[2])]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--input", required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    start = time.perf_counter()
    files = sorted(glob.glob(os.path.join(options.input, "**", "*.nii.gz"), recursive=True))
    with ProcessPoolExecutor(options.threads) as pool:
        results = list(pool.map(entropies, files))
    seconds = time.perf_counter() - start
    # Of the largest process: the system keeps no sum.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    versions = {"nibabel": nibabel.__version__, "scikit-image": skimage.__version__, "numpy": numpy.__version__}
    print(
        json.dumps(
            {
                "event": "done",
                "seconds": seconds,
                "slices": sum(map(len, results)),
                "sample": [row[len(row) // 2] for row in results],
                "peakBytes": peak * 1024,
                "versions": versions,
            }
        )
    )


if __name__ == "__main__":
    main()
