"""The twin of native/core/philox.h and box_muller.h, equal to the last bit: what fills the goldens' tensors."""

import numpy as np


def stream_of(name: str) -> int:
    """FNV-1a of a tensor's name."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def words(seed: int, stream: int, count: int, first_block: int = 0) -> np.ndarray:
    """`count` 32-bit words of a stream, from block `first_block` on."""
    index = np.arange((count + 3) // 4, dtype=np.uint64) + np.uint64(first_block)
    low = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    c = [index & low, index >> shift, np.full_like(index, stream & 0xFFFFFFFF), np.full_like(index, stream >> 32)]
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> shift) ^ c[1] ^ np.uint64(k0), p1 & low, (p0 >> shift) ^ c[3] ^ np.uint64(k1), p0 & low]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(c, axis=1).reshape(-1)[:count].astype(np.uint32)


def uniform(seed: int, name: str, count: int) -> np.ndarray:
    """float32 in [0, 1)."""
    return (words(seed, stream_of(name), count) >> 8).astype(np.float32) * np.float32(2.0**-24)


def _log_unit(word: np.ndarray) -> np.ndarray:
    sqrt_half, one = np.uint64(0x3FE6A09E667F3BCD), np.uint64(0x3FF0000000000000)
    shifted = ((word.astype(np.float64) + 1.0) * 2.0**-32).view(np.uint64) - sqrt_half + one
    e = ((shifted >> np.uint64(52)) | np.uint64(0x4330000000000000)).view(np.float64) - (2.0**52 + 1023.0)
    m = ((shifted & np.uint64(0x000FFFFFFFFFFFFF)) + sqrt_half).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    s2 = s * s
    series = 2.0 / 13
    for odd in (11, 9, 7, 5, 3, 1):
        series = series * s2 + 2.0 / odd
    return e * 0.693147180559945309417 + s * series


def _circle_point(word: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    quarter = (word + np.uint32(0x20000000)) >> np.uint32(30)
    x = (word - (quarter << np.uint32(30))).view(np.int32).astype(np.float64) * 1.46291807926715968e-9
    x2 = x * x
    c = 1.0 / 479001600
    for term in (-1.0 / 3628800, 1.0 / 40320, -1.0 / 720, 1.0 / 24, -1.0 / 2, 1.0):
        c = c * x2 + term
    s = -1.0 / 39916800
    for term in (1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6, 1.0):
        s = s * x2 + term
    s = s * x
    is_odd = (quarter & 1) != 0
    along, across = np.where(is_odd, s, c), np.where(is_odd, c, s)
    return np.where(((quarter + 1) & 2) != 0, -along, along), np.where((quarter & 2) != 0, -across, across)


def normal(seed: int, name: str, count: int) -> np.ndarray:
    """Standard normal float32."""
    pairs = words(seed, stream_of(name), count + count % 2).reshape(-1, 2)
    radius = np.sqrt(-2.0 * _log_unit(pairs[:, 0].copy()))
    cosine, sine = _circle_point(pairs[:, 1].copy())
    return np.stack([radius * cosine, radius * sine], axis=1).reshape(-1)[:count].astype(np.float32)


def self_test() -> None:
    """The known answers that come with the paper's library (Random123, kat_vectors)."""

    def block(counter: list[int], key: list[int]) -> list[int]:
        stream, first_block = counter[2] | counter[3] << 32, counter[0] | counter[1] << 32
        return words(key[0] | key[1] << 32, stream, 4, first_block).tolist()

    ones = 0xFFFFFFFF
    pi = [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0]
    assert block([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    assert block([ones] * 4, [ones] * 2) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
    assert block(pi[:4], pi[4:]) == [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]
    draws = normal(1, "self_test", 100_000)
    assert abs(draws.mean()) < 0.01 and abs(draws.std() - 1) < 0.01


if __name__ == "__main__":
    self_test()
