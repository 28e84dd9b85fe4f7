"""What the tensors of a golden hold, from their names: native/tests/goldens/fill.h is the same in C++."""

import numpy as np
import torch

import philox

SEED = 20240613
PROJECTIONS = 8


def uniform(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """float32 in [-1, 1)."""
    draws = philox.uniform(SEED, name, int(np.prod(shape)))
    return (np.float32(2) * draws - np.float32(1)).reshape(shape)


def coarse(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Odd multiples of 1/256 in (-1, 1): exact in bf16 and never zero."""
    words = philox.words(SEED, philox.stream_of(name), int(np.prod(shape)))
    return ((2 * (words >> 24).astype(np.int32) - 255).astype(np.float32) / np.float32(256)).reshape(shape)


def parameter(name: str, shape: tuple[int, ...], last_norm: str = "") -> np.ndarray:
    """Of a model: such that activations keep their size from layer to layer, and nothing is at a special value.
    Batch norms push each channel three deviations away from zero, to either side; those that end a block (`last_norm`
    and the shortcut's), whose sums spread widely, all but a sixteenth to the side where the ReLU is on. Where much sits
    near a ReLU's edge, one rounding error decides whether a unit is on, and the gradients of no two implementations
    agree (in float32 PyTorch's own would be 1e-2 away from float64's)."""
    u = uniform(name, shape)
    if name.endswith("running_mean"):
        return np.float32(0.1) * u
    if name.endswith("running_var"):
        return np.float32(1) + np.float32(0.5) * u
    if len(shape) > 1:
        return np.float32(np.sqrt(3 / np.prod(shape[1:]))) * u
    if "bn" in name or "downsample.1" in name:
        if name.endswith("weight"):
            return np.float32(0.5) + np.float32(0.125) * u
        ends_block = last_norm in name or "downsample" in name
        is_off = u < (-0.875 if ends_block else 0)
        return np.where(is_off, np.float32(-1.5), np.float32(1.5)) + np.float32(0.25) * u
    return np.float32(1) + np.float32(0.25) * u if name.endswith("weight") else np.float32(0.1) * u


def image(name: str, shape: tuple[int, int, int, int]) -> np.ndarray:
    """[N, C, H, W]: squares of 32 px, with noise on top."""
    n, c, h, w = shape
    squares = uniform(name + ".squares", (n, c, -(-h // 32), -(-w // 32)))
    coarse_part = squares.repeat(32, axis=2)[:, :, :h].repeat(32, axis=3)[:, :, :, :w]
    return uniform(name, shape) + coarse_part


def fingerprint(name: str, value: np.ndarray | torch.Tensor) -> np.ndarray:
    """The 2-norm of a tensor and its products with eight random sign vectors. The difference of two tensors' products
    has the expectation (and, over eight, roughly the value) of the squared norm of the tensors' difference, so nine
    numbers allow a norm-wise comparison of whole tensors."""
    flat = np.asarray(value, dtype=np.float64).reshape(-1)
    bits = philox.words(SEED, philox.stream_of("signs/" + name), flat.size)
    products = [np.where((bits >> j) & 1, flat, -flat).sum() for j in range(PROJECTIONS)]
    return np.array([np.linalg.norm(flat), *products])
