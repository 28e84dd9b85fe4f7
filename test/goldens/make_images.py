"""Image files that Pillow writes, and what its `convert("RGB")` makes of them: test/goldens/images/*.

    python test/goldens/make_images.py

adobe_cmyk.jpg has four channels, inverted, as Adobe's programs and Pillow write them, with Adobe's marker;
bare_cmyk.jpg is the same without the marker: Pillow takes it for inverted as well."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parent / "images"
SIDE = 16


def without_marker(image: bytes) -> bytes:
    at = image.find(b"\xff\xee")
    return image[:at] + image[at + 2 + int.from_bytes(image[at + 2 : at + 4], "big") :]


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    inks = np.stack([x * 12, y * 12, 255 - x * 9, (x + y) * 5], -1).astype(np.uint8)
    path = FOLDER / "adobe_cmyk.jpg"
    Image.fromarray(inks, "CMYK").save(path, quality=95, subsampling=0)
    (FOLDER / "bare_cmyk.jpg").write_bytes(without_marker(path.read_bytes()))
    pixels = {own.stem: np.asarray(Image.open(own).convert("RGB")).reshape(-1).tolist() for own in FOLDER.glob("*.jpg")}
    (FOLDER / "rgb.json").write_text(json.dumps(pixels, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
