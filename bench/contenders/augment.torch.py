"""The same two pipelines in torchvision on PIL images, one thread. The slices come as the grey levels of the same
shard, in three channels, as PyTorch's users feed MRI to networks for photographs."""

import argparse
import json
import random
import time

import numpy
import torch
import torchvision
from PIL import Image, ImageFilter, ImageOps
from torchvision import transforms

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def blur(image):
    return image.filter(ImageFilter.GaussianBlur(random.uniform(0.1, 2.0)))


def sometimes(probability, change):
    return transforms.RandomApply([change], p=probability)


def pipeline(blurred, solarized):
    return transforms.Compose(
        [
            transforms.RandomResizedCrop(224, scale=(0.08, 1.0)),
            sometimes(0.8, transforms.ColorJitter(0.4, 0.4, 0.2, 0.1)),
            transforms.RandomGrayscale(0.2),
            sometimes(blurred, transforms.Lambda(blur)),
            sometimes(solarized, transforms.Lambda(ImageOps.solarize)),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shard", required=True)
    parser.add_argument("--pairs", type=int, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    views = pipeline(1.0, 0.0), pipeline(0.1, 0.2)
    levels = (numpy.load(options.shard, mmap_mode="r") >> 8).astype(numpy.uint8)
    images = [Image.fromarray(level).convert("RGB") for level in levels]
    for image in images[:8]:
        [view(image) for view in views]
    start = time.perf_counter()
    for at in range(options.pairs):
        [view(images[at % len(images)]) for view in views]
    seconds = time.perf_counter() - start
    versions = {"torchvision": torchvision.__version__}
    print(json.dumps({"event": "done", "pairsPerSecond": options.pairs / seconds, "versions": versions}))


if __name__ == "__main__":
    main()
