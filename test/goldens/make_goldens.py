"""Writes test/goldens/*.safetensors with PyTorch, torchvision and timm. Run by hand when a case is added or changed:

    python test/goldens/make_goldens.py [NAME...]     NAME: a model of models.py, or one of the tables below

The files are committed, so neither the product nor its tests need Python. native/tests/goldens reads them."""

import sys
from pathlib import Path

import torch

import contrastive
import finetune
import heads
import init
import models
import ops
import optimizers
import philox
import tensor_file

FOLDER = Path(__file__).parent
TABLES = {
    "ops": ops,
    "optimizers": optimizers,
    "heads": heads,
    "init": init,
    "contrastive": contrastive,
    "finetune": finetune,
}


def main(wanted: list[str]) -> None:
    philox.self_test()
    known = [*TABLES, *models.CASES]
    unknown = set(wanted) - set(known)
    if unknown:
        sys.exit(f"no golden is called {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    torch.manual_seed(0)
    for name in wanted or known:
        if name in TABLES:
            tensors, metadata = TABLES[name].run_all()
        else:
            tensors, metadata = models.run_case(models.CASES[name])
        path = FOLDER / (f"{name}.safetensors" if name in TABLES else f"model_{name}.safetensors")
        versions = {"made_with": f"torch {torch.__version__}"}
        tensor_file.write(path, tensors, metadata | versions)
        print(f"{path.name}: {path.stat().st_size} bytes", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
