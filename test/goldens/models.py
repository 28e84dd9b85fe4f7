"""Goldens of whole encoders, by torchvision's and timm's models in float64: features, loss, gradients,
running statistics, and the errors of the same models in PyTorch's float32 and, several times, in its bf16 autocast."""

import copy
from dataclasses import asdict, dataclass

import numpy as np
import timm
import torch
import torchvision

import fill


@dataclass
class Case:
    arch: str
    batch: int = 2
    height: int = 224
    width: int = 224
    channels: int = 3
    heads: int = 0
    classes: int = 0  # 0: the objective is sum(features * seed); otherwise the cross-entropy of a linear head
    trainable_positions: int = 0
    frozen_patch: int = 0
    image: str = "x"  # what the images are filled by: chosen such that float32 decides every ReLU as float64 does


CASES = {
    "resnet18": Case("resnet18", classes=10),
    "resnet34": Case("resnet34"),
    "resnet50": Case("resnet50", image="x16"),
    "resnet50_one_channel_97x129": Case("resnet50", batch=3, height=97, width=129, channels=1),
    "resnet18_33x65": Case("resnet18", batch=5, height=33, width=65),
    "vit_tiny": Case("vit_tiny_patch16_224", classes=10),
    "vit_tiny_160x96": Case("vit_tiny_patch16_224", batch=5, height=160, width=96, trainable_positions=1),
    "vit_tiny_one_channel_two_heads_32x48": Case(
        "vit_tiny_patch16_224", batch=3, height=32, width=48, channels=1, heads=2, frozen_patch=1
    ),
    "vit_small": Case("vit_small_patch16_224"),
    "vit_base": Case("vit_base_patch16_224"),
    "mocov3_vit_small_64x64": Case("mocov3_vit_small", batch=3, height=64, width=64),
}


class Classifier(torch.nn.Module):
    def __init__(self, backbone: torch.nn.Module, dim: int, classes: int):
        super().__init__()
        self.backbone = backbone
        self.head = torch.nn.Linear(dim, classes)


def build(case: Case) -> torch.nn.Module:
    if case.arch.startswith("resnet"):
        model = getattr(torchvision.models, case.arch)(weights=None)
        model.fc = torch.nn.Identity()
        if case.channels != 3:
            model.conv1 = torch.nn.Conv2d(case.channels, 64, 7, stride=2, padding=3, bias=False)
        return model
    moco_heads = {"mocov3_vit_small": 12, "mocov3_vit_base": 12}
    heads = case.heads or moco_heads.get(case.arch, 0)
    name = case.arch.replace("mocov3_", "") + ("_patch16_224" if case.arch.startswith("moco") else "")
    options = {"num_heads": heads} if heads else {}
    size = (case.height, case.width)
    model = timm.create_model(
        name, img_size=size, in_chans=case.channels, num_classes=0, dynamic_img_size=False, **options
    )
    model.pos_embed.requires_grad_(bool(case.trainable_positions))
    if case.frozen_patch:
        model.patch_embed.proj.requires_grad_(False)
    return model


def is_kept(name: str) -> bool:
    return not name.endswith("num_batches_tracked")


def fill_model(model: torch.nn.Module, case: Case) -> None:
    last_norm = "bn3" if case.arch == "resnet50" else "bn2"
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if is_kept(name):
                value.copy_(torch.from_numpy(fill.parameter(name, tuple(value.shape), last_norm)))


def objective(features: torch.Tensor, head: torch.nn.Linear | None, case: Case) -> torch.Tensor:
    if head is None:
        seed = torch.from_numpy(fill.uniform("seed", tuple(features.shape))).to(features.dtype)
        return (features * seed).sum()
    labels = torch.arange(case.batch) * 7 % case.classes
    with torch.autocast("cpu", enabled=False):  # logits and loss are never in bf16
        return torch.nn.functional.cross_entropy(head(features.to(head.weight.dtype)), labels)


def train(
    model: torch.nn.Module, head: torch.nn.Linear | None, x: torch.Tensor, case: Case, has_autocast=False
) -> dict:
    """One forward and backward pass in training mode."""
    model.train()
    parts = [("", model)] + ([("head.", head)] if head is not None else [])
    with torch.autocast("cpu", torch.bfloat16, enabled=has_autocast):
        features = model(x)
        loss = objective(features, head, case)
    loss.backward()
    trained = [(p + name, value) for p, part in parts for name, value in part.named_parameters() if value.requires_grad]
    grads = {name: value.grad for name, value in trained}
    buffers = {name: value for name, value in model.named_buffers() if is_kept(name)}
    return {"features": features.detach().double(), "loss": loss.detach().double(), "grads": grads, "buffers": buffers}


def relative_error(value: torch.Tensor, exact: torch.Tensor) -> float:
    return float((value.double() - exact).norm() / exact.norm())


def errors(run: dict, exact: dict) -> np.ndarray:
    """Norm-wise relative errors: of the features, then of every gradient."""
    grads = [relative_error(run["grads"][name], value) for name, value in exact["grads"].items()]
    return np.array([relative_error(run["features"], exact["features"]), *grads])


# Which way a bf16 number is rounded decides how far a run ends from the truth. So autocast runs several times, with
# weights that differ by at most one float32 rounding: draws from among equally good roundings, whose spread says how
# much of a difference means nothing.
AUTOCAST_RUNS = 8


def nudged(model: torch.nn.Module, run: int) -> torch.nn.Module:
    if run == 0:
        return model
    with torch.no_grad():
        for name, value in model.named_parameters():
            draws = torch.from_numpy(fill.uniform(f"nudge{run}/{name}", tuple(value.shape)))
            value.mul_(1 + draws * 2.0**-23)
    return model


def fingerprint_error(value: torch.Tensor, expected: np.ndarray, name: str) -> float:
    """As fingerprint_error() of native/tests/goldens/golden_fill.h, so that both sides are estimated alike."""
    found = fill.fingerprint(name, value)
    return float(np.sqrt(np.mean((found[1:] - expected[1:]) ** 2)) / expected[0])


def autocast_errors(copies, x: torch.Tensor, case: Case, exact: dict, gradients: np.ndarray) -> np.ndarray:
    """A row a run: the error of the features, then of every gradient by its fingerprint."""
    rows = []
    for index in range(AUTOCAST_RUNS):
        model, head = copies(torch.float32)
        run = train(nudged(model, index), head, x, case, has_autocast=True)
        features = relative_error(run["features"], exact["features"])
        names = list(exact["grads"])
        errors = [fingerprint_error(run["grads"][name], gradients[i], name) for i, name in enumerate(names)]
        rows.append([features, *errors])
    return np.array(rows)


def autocast_inference_errors(copies, x: torch.Tensor, exact: torch.Tensor) -> np.ndarray:
    errors = []
    for index in range(AUTOCAST_RUNS):
        model = nudged(copies(torch.float32)[0], index).eval()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            errors.append(relative_error(model(x), exact))
    return np.array(errors)


def run_case(case: Case) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    model = build(case)
    fill_model(model, case)
    x = torch.from_numpy(fill.image(case.image, (case.batch, case.channels, case.height, case.width)))
    head = None
    if case.classes:
        dim = model.num_features if hasattr(model, "num_features") else model.layer4[-1].conv1.out_channels
        head = torch.nn.Linear(dim, case.classes)
        with torch.no_grad():
            for name, value in head.named_parameters():
                value.copy_(torch.from_numpy(fill.parameter("head." + name, tuple(value.shape))))

    def copies(dtype: torch.dtype):
        return copy.deepcopy(model).to(dtype), copy.deepcopy(head).to(dtype) if head is not None else None

    exact = train(*copies(torch.float64), x.double(), case)
    in_f32 = train(*copies(torch.float32), x, case)
    with torch.no_grad():
        inference = copies(torch.float64)[0].eval()(x.double())
    gradients = np.stack([fill.fingerprint(name, value) for name, value in exact["grads"].items()])

    tensors = {
        "features": exact["features"].numpy(),
        "loss": exact["loss"].reshape(1).numpy(),
        "inference": inference.numpy(),
        "gradients": gradients,
        "torch_f32_errors": errors(in_f32, exact),
        "torch_bf16_errors": autocast_errors(copies, x, case, exact, gradients),
        "torch_bf16_inference_errors": autocast_inference_errors(copies, x, inference),
    }
    if exact["buffers"]:
        tensors["buffers"] = np.stack([fill.fingerprint(name, value) for name, value in exact["buffers"].items()])
    options = " ".join(f"{key}={value}" for key, value in asdict(case).items())
    metadata = {"case": options, "gradients": "\n".join(exact["grads"]), "buffers": "\n".join(exact["buffers"])}
    return tensors, metadata
