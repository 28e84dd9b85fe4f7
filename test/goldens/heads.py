"""Goldens of the heads, written with torch.nn.Sequential: MoCo v3's projectors and predictors and the classifiers."""

import numpy as np
import torch
from torch.nn import BatchNorm1d, Linear, ReLU, Sequential

import fill
from models import is_kept

CASES = {
    "projector_two_layers": "head=mlp batch=6 layers=2 in=24 hidden=40 out=16 last_batch_norm=1",
    "projector_three_layers": "head=mlp batch=6 layers=3 in=24 hidden=40 out=16 last_batch_norm=1",
    "predictor": "head=mlp batch=6 layers=2 in=16 hidden=40 out=16 last_batch_norm=0",
    "classifier": "head=linear batch=5 in=24 classes=7 batch_norm=0",
    "classifier_batch_norm": "head=linear batch=5 in=24 classes=7 batch_norm=1",
}


def build(options: dict[str, str]) -> torch.nn.Module:
    number = {key: int(value) for key, value in options.items() if key != "head"}
    if options["head"] == "linear":
        linear = Linear(number["in"], number["classes"])
        return Sequential(BatchNorm1d(number["in"], affine=False, eps=1e-6), linear) if number["batch_norm"] else linear
    layers: list[torch.nn.Module] = []
    width = number["in"]
    for index in range(number["layers"]):
        is_last = index + 1 == number["layers"]
        out = number["out"] if is_last else number["hidden"]
        layers.append(Linear(width, out, bias=False))
        if not is_last:
            layers += [BatchNorm1d(out), ReLU()]
        elif number["last_batch_norm"]:
            layers.append(BatchNorm1d(out, affine=False))
        width = out
    return Sequential(*layers)


def run_case(name: str, text: str) -> dict[str, np.ndarray]:
    options = dict(option.split("=") for option in text.split())
    model = build(options).double()
    with torch.no_grad():
        for key, value in model.state_dict().items():
            if is_kept(key):
                filled = fill.parameter(f"{name}.{key}", tuple(value.shape))
                value.copy_(torch.from_numpy(filled))
    x = torch.from_numpy(fill.uniform(f"{name}/x", (int(options["batch"]), int(options["in"])))).double()
    with torch.no_grad():
        inference = model.eval()(x)
    y = model.train()(x)
    y.backward(torch.from_numpy(fill.uniform(f"{name}/seed", tuple(y.shape))).double())
    tensors = {"y": y.detach().numpy(), "inference": inference.numpy()}
    for key, value in model.named_parameters():
        tensors[f"gradient of {key}"] = value.grad.numpy()
    for key, value in model.named_buffers():
        if is_kept(key):
            tensors[f"buffer {key}"] = value.numpy()
    return {f"{name}/{tensor}": value for tensor, value in tensors.items()}


def run_all() -> tuple[dict[str, np.ndarray], dict[str, str]]:
    tensors: dict[str, np.ndarray] = {}
    for name, options in CASES.items():
        tensors |= run_case(name, options)
    return tensors, CASES
