"""Shannon entropy of u8 images in a raw file with scikit-image, and with numpy's bincount: the best of three passes."""

import argparse
import json
import time

import numpy
import skimage
from skimage.measure import shannon_entropy


def with_skimage(images):
    return [float(shannon_entropy(image)) for image in images]


def with_bincount(images):
    result = []
    for image in images:
        counts = numpy.bincount(image.ravel(), minlength=256)
        shares = counts[counts > 0] / image.size
        result.append(float(-(shares * numpy.log2(shares)).sum()))
    return result


def best_of_three(work):
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return best, result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--input", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--size", type=int, required=True)
    options = parser.parse_args()
    images = numpy.fromfile(options.input, numpy.uint8).reshape(options.count, options.size, options.size)
    seconds, sample = best_of_three(lambda: with_skimage(images))
    bincount_seconds, _ = best_of_three(lambda: with_bincount(images))
    versions = {"scikit-image": skimage.__version__, "numpy": numpy.__version__}
    message = {"event": "done", "seconds": seconds, "bincountSeconds": bincount_seconds, "sample": sample}
    print(json.dumps({**message, "versions": versions}))


if __name__ == "__main__":
    main()
