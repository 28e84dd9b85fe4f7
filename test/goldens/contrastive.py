"""Goldens of MoCo v3 and SimCLR: twenty steps in float64, written here from the methods' descriptions (science.md B1 to
B5, B10; Chen et al. 2020, equation 1): each step's loss and hits, and fingerprints of all networks after the last one.
With micro=M the networks see M images at a time, and the loss all of them."""

import copy
import math

import numpy as np
import torch
import torch.nn.functional as F

import fill
import models
import optimizers

STEPS, WARMUP = 20, 5
TEMPERATURE, HIDDEN, OUT = 0.2, 128, 64

# Learning rates are small enough that one rounding error does not grow to 1e-4 within twenty steps: at a hundred times
# these, PyTorch's own float32 is 1e-2 away from its float64 (batch norms over few images, ReLUs at their edge). A ReLU
# at its edge is luck of the data: over three channels simclr_vit_tiny_micro has an input of 3e-6 to one, whose sign is
# a matter of rounding and of 5 % of the gradient. Over one channel none is below 4e-5 at the start.
CASES = {
    "resnet18_adamw": "arch=resnet18 batch=16 size=64 channels=1 optimizer=adamw lr=1e-5 weight_decay=0.1",
    "resnet18_lars": "arch=resnet18 batch=16 size=64 channels=3 optimizer=lars lr=0.004 weight_decay=1e-6 trust=0.001",
    "resnet18_lars_solo": "arch=resnet18 batch=16 size=64 channels=1 optimizer=lars_solo lr=5e-5 weight_decay=1e-6"
    " trust=0.02",
    "vit_tiny_adamw": "arch=vit_tiny_patch16_224 batch=8 size=48 channels=3 optimizer=adamw lr=1e-5 weight_decay=0.1"
    " frozen_patch=1",
    "vit_tiny_lars": "arch=vit_tiny_patch16_224 batch=8 size=48 channels=1 optimizer=lars lr=0.02 weight_decay=1e-6"
    " trust=0.001",
    "resnet18_micro": "arch=resnet18 batch=16 micro=8 size=64 channels=1 optimizer=lars lr=0.001 weight_decay=1e-6"
    " trust=0.001",
    "vit_tiny_micro_layer_norm": "arch=vit_tiny_patch16_224 batch=8 micro=2 size=48 channels=1 optimizer=adamw lr=1e-5"
    " weight_decay=0.1 norm=layer_norm frozen_patch=1",
    "simclr_resnet18": "method=simclr arch=resnet18 batch=16 size=64 channels=1 optimizer=lars_solo lr=5e-5"
    " weight_decay=1e-4 trust=0.02 norm=none",
    "simclr_vit_tiny_micro": "method=simclr arch=vit_tiny_patch16_224 batch=8 micro=4 size=48 channels=1"
    " optimizer=adamw lr=1e-5 weight_decay=0.1 norm=batch_norm",
}
BETAS = {"momentum": 0.9, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "clip": 1}


def learning_rate(peak: float, step: int) -> float:
    rate = step / WARMUP if step < WARMUP else 0.5 * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP)))
    return float(np.float32(peak * rate))


def encoder_momentum(step: int) -> float:
    return float(np.float32(1 - 0.5 * (1 + math.cos(math.pi * step / STEPS)) * (1 - 0.9)))


def mlp(widths: list[int], norm: str, has_last_norm: bool) -> torch.nn.Sequential:
    layers: list[torch.nn.Module] = []
    for at, (inner, outer) in enumerate(zip(widths, widths[1:])):
        is_last = at == len(widths) - 2
        layers.append(torch.nn.Linear(inner, outer, bias=norm == "none"))
        if norm == "layer_norm" and (has_last_norm or not is_last):
            layers.append(torch.nn.LayerNorm(outer))
        elif norm == "batch_norm" and (has_last_norm or not is_last):
            layers.append(torch.nn.BatchNorm1d(outer, affine=not is_last))
        if not is_last:
            layers.append(torch.nn.ReLU())
    return torch.nn.Sequential(*layers)


class Networks:
    """A base encoder with its projector; for MoCo v3 its copy and a predictor as well."""

    def __init__(self, case: models.Case, method: str, norm: str):
        is_resnet, self.is_moco = case.arch.startswith("resnet"), method == "mocov3"
        self.base = models.build(case)
        dim = 512 if is_resnet else self.base.num_features
        has_three = self.is_moco and not is_resnet
        widths = [dim, HIDDEN, HIDDEN, OUT] if has_three else [dim, HIDDEN, OUT]
        setattr(self.base, "fc" if is_resnet else "head", mlp(widths, norm, self.is_moco))
        self.predictor = mlp([OUT, HIDDEN, OUT], norm, not is_resnet)
        self.fill("base_encoder.", self.base)
        self.fill("predictor.", self.predictor)
        self.momentum = copy.deepcopy(self.base)
        for value in self.momentum.parameters():
            value.requires_grad_(False)

    @staticmethod
    def fill(prefix: str, network: torch.nn.Module) -> None:
        with torch.no_grad():
            for name, value in network.state_dict().items():
                if models.is_kept(name):
                    value.copy_(torch.from_numpy(fill.parameter(prefix + name, tuple(value.shape), "bn2")))

    def to(self, dtype: torch.dtype) -> "Networks":
        for network in (self.base, self.momentum, self.predictor):
            network.to(dtype).train()
        return self

    def trained(self) -> list[torch.Tensor]:
        every = [*self.base.parameters(), *(self.predictor.parameters() if self.is_moco else [])]
        return [value for value in every if value.requires_grad]

    def tensors(self) -> dict[str, torch.Tensor]:
        named = {"base_encoder.": self.base}
        if self.is_moco:
            named |= {"momentum_encoder.": self.momentum, "predictor.": self.predictor}
        return {
            prefix + name: value
            for prefix, network in named.items()
            for name, value in network.state_dict().items()
            if models.is_kept(name)
        }


def in_parts(network, views: tuple[torch.Tensor, torch.Tensor], micro: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Both views of a part, then the next part's: the order in which running statistics move."""
    pairs = [(network(a), network(b)) for a, b in zip(*(view.split(micro) for view in views))]
    return torch.cat([a for a, _ in pairs]), torch.cat([b for _, b in pairs])


def moco_losses(networks: Networks, x1: torch.Tensor, x2: torch.Tensor, step: int, micro: int):
    m = encoder_momentum(step)
    with torch.no_grad():
        for own, other in zip(networks.momentum.parameters(), networks.base.parameters()):
            own.copy_(m * own + (1 - m) * other)
        k1, k2 = in_parts(networks.momentum, (x1, x2), micro)

    def query(x: torch.Tensor) -> torch.Tensor:
        return networks.predictor(networks.base(x))

    q1, q2 = in_parts(query, (x1, x2), micro)
    (loss1, hits1), (loss2, hits2) = contrast(q1, k2), contrast(q2, k1)
    return loss1 + loss2, (hits1 + hits2) / 2


def simclr_losses(networks: Networks, x1: torch.Tensor, x2: torch.Tensor, _step: int, micro: int):
    z = F.normalize(torch.cat(in_parts(networks.base, (x1, x2), micro)))
    logits = z @ z.T / float(np.float32(TEMPERATURE))
    logits = logits.masked_fill(torch.eye(len(z), dtype=torch.bool), -torch.inf)
    labels = torch.arange(len(z)).roll(len(x1))
    return F.cross_entropy(logits, labels), float((logits.argmax(1) == labels).double().mean())


def contrast(q: torch.Tensor, k: torch.Tensor) -> tuple[torch.Tensor, float]:
    temperature = float(np.float32(TEMPERATURE))
    logits = F.normalize(q) @ F.normalize(k).T / temperature
    labels = torch.arange(len(q))
    hits = float((logits.argmax(1) == labels).double().mean())
    return F.cross_entropy(logits, labels) * 2 * temperature, hits


def train(networks: Networks, numbers: dict[str, float], kind: str, shape: tuple, dtype: torch.dtype) -> np.ndarray:
    """[steps, 2]: loss and hits."""
    micro = int(numbers.get("micro", shape[0]))
    optimizer = optimizers.make(networks.trained(), kind, numbers)
    rows = []
    for step in range(STEPS):
        x1, x2 = (torch.from_numpy(fill.image(f"view{v}/{step}", shape)).to(dtype) for v in (1, 2))
        losses = moco_losses if networks.is_moco else simclr_losses
        loss, hits = losses(networks, x1, x2, step, micro)
        for value in networks.trained():
            value.grad = None
        loss.backward()
        optimizers.set_learning_rate(optimizer, learning_rate(numbers["lr"], step))
        optimizer.step()
        rows.append([float(loss.detach()), hits])
    return np.array(rows)


def run_case(name: str, text: str) -> dict[str, np.ndarray]:
    options = dict(option.split("=") for option in text.split())
    kind, size, batch = options["optimizer"], int(options["size"]), int(options["batch"])
    case = models.Case(
        options["arch"],
        batch=batch,
        height=size,
        width=size,
        channels=int(options["channels"]),
        frozen_patch=int(options.get("frozen_patch", 0)),
    )
    numbers = BETAS | {key: float(options[key]) for key in ("lr", "weight_decay", "trust", "micro") if key in options}
    shape = (batch, case.channels, size, size)
    start = Networks(case, options.get("method", "mocov3"), options.get("norm", "batch_norm"))
    exact, in_f32 = copy.deepcopy(start).to(torch.float64), start.to(torch.float32)
    rows = train(exact, numbers, kind, shape, torch.float64)
    rows_f32 = train(in_f32, numbers, kind, shape, torch.float32)
    ends, ends_f32 = exact.tensors(), in_f32.tensors()
    return {
        f"{name}/steps": rows,
        f"{name}/torch_f32_loss_errors": np.abs(rows_f32[:, 0] / rows[:, 0] - 1),
        f"{name}/ends": np.stack([fill.fingerprint(key, value) for key, value in ends.items()]),
        f"{name}/torch_f32_end_errors": np.array(
            [models.relative_error(ends_f32[key], value.double()) for key, value in ends.items()]
        ),
    }, "\n".join(ends)


def run_all() -> tuple[dict[str, np.ndarray], dict[str, str]]:
    tensors: dict[str, np.ndarray] = {}
    metadata: dict[str, str] = {}
    for name, text in CASES.items():
        own, names = run_case(name, text)
        tensors |= own
        metadata |= {name: text, f"{name}/names": names}
    return tensors, metadata
