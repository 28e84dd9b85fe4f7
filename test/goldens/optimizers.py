"""Goldens of the optimizers and of the momentum encoder's average: parameters after each of ten steps, in float64.

SGD and AdamW are torch.optim's. Both kinds of LARS are written here from their description (science.md B5 and B10)."""

import numpy as np
import torch

import fill

STEPS = 10
SHAPES = {
    "first.weight": (5, 7),
    "first.bias": (5,),
    "zero.weight": (3, 6),
    "zero.bias": (3,),
    "last.weight": (9, 4),
    "last.bias": (9,),
}

CASES = {
    "sgd": "optimizer=sgd lr=0.1 weight_decay=0 momentum=0",
    "sgd_momentum": "optimizer=sgd lr=0.1 weight_decay=0.01 momentum=0.9",
    "sgd_dampening": "optimizer=sgd lr=0.1 weight_decay=0.01 momentum=0.9 dampening=0.5",
    "sgd_nesterov": "optimizer=sgd lr=0.1 weight_decay=0.01 momentum=0.9 nesterov=1",
    "adamw": "optimizer=adamw lr=0.01 weight_decay=0.1 beta1=0.9 beta2=0.999 eps=1e-8",
    "adamw_other_betas": "optimizer=adamw lr=0.02 weight_decay=0.05 beta1=0.8 beta2=0.95 eps=1e-3",
    "lars": "optimizer=lars lr=3 weight_decay=0.01 momentum=0.9 trust=0.01",
    "lars_solo": "optimizer=lars_solo lr=0.3 weight_decay=0.01 momentum=0.9 trust=0.02 eps=1e-8 clip=1",
    "lars_solo_clipped": "optimizer=lars_solo lr=0.02 weight_decay=0.01 momentum=0.9 trust=0.2 eps=1e-8 clip=1",
    "lars_solo_not_clipped": "optimizer=lars_solo lr=0.3 weight_decay=0.01 momentum=0.9 trust=0.02 eps=1e-8 clip=0",
}


def learning_rate(base: float, step: int) -> float:
    """Changes from step to step: up for four steps, then down."""
    return float(np.float32(base) * np.float32((1 + step if step < 4 else 8 - step / 2) / 4))


def ema_momentum(step: int) -> float:
    return float(np.float32(0.9 + 0.01 * step))


def start(name: str) -> torch.Tensor:
    value = torch.from_numpy(fill.uniform(name, SHAPES[name])).double()
    return value * 0 if name == "zero.weight" else value


def gradient(name: str, step: int) -> torch.Tensor:
    """A weight's is the transposed seed; a bias's is the sum of the seed's rows (see the C++ test). One is all zero at
    one step, and one parameter starts at zero: LARS treats norms of zero apart."""
    layer = name.split(".")[0]
    out, inner = SHAPES[layer + ".weight"]
    seed = torch.from_numpy(fill.uniform(f"{layer}/seed/{step}", (inner, out))).double()
    if layer == "last" and step == 6:
        seed = seed * 0
    return seed.T.contiguous() if name.endswith("weight") else seed.sum(0)


class Lars:
    def __init__(self, parameters: list[torch.Tensor], options: dict[str, float], is_solo: bool):
        self.parameters, self.options, self.is_solo = parameters, options, is_solo
        self.buffers = [torch.zeros_like(p) for p in parameters]
        self.lr = 0.0

    def direction(self, p: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        if p.ndim <= 1:
            return g
        decay, trust = self.options["weight_decay"], self.options["trust"]
        if not self.is_solo:
            d = g + decay * p
            has_norms = p.norm() > 0 and d.norm() > 0
            return d * (trust * p.norm() / d.norm()) if has_norms else d
        if not (p.norm() > 0 and g.norm() > 0):
            return g
        rate = trust * p.norm() / (g.norm() + decay * p.norm() + self.options["eps"])
        return (g + decay * p) * (min(rate / self.lr, 1.0) if self.options["clip"] else rate)

    def step(self) -> None:
        for p, buffer in zip(self.parameters, self.buffers):
            buffer.mul_(self.options["momentum"]).add_(self.direction(p.detach(), p.grad))
            p.data.sub_(self.lr * buffer)


def set_learning_rate(optimizer, value: float) -> None:
    if isinstance(optimizer, Lars):
        optimizer.lr = value
    else:
        optimizer.param_groups[0]["lr"] = value


def make(parameters: list[torch.Tensor], kind: str, options: dict[str, float]):
    # The engine holds its options in float32.
    options = {key: float(np.float32(value)) for key, value in options.items()}
    if kind == "sgd":
        return torch.optim.SGD(
            parameters,
            lr=options["lr"],
            momentum=options["momentum"],
            dampening=options.get("dampening", 0),
            weight_decay=options["weight_decay"],
            nesterov=bool(options.get("nesterov", 0)),
        )
    if kind == "adamw":
        betas = (options["beta1"], options["beta2"])
        return torch.optim.AdamW(
            parameters, lr=options["lr"], betas=betas, eps=options["eps"], weight_decay=options["weight_decay"]
        )
    return Lars(parameters, options, kind == "lars_solo")


def run_case(name: str, text: str) -> dict[str, np.ndarray]:
    """After each step: every parameter, then its average, flat and one after the other."""
    options = dict(option.split("=") for option in text.split())
    kind = options.pop("optimizer")
    numbers = {key: float(value) for key, value in options.items()}
    parameters = {key: start(key).requires_grad_() for key in SHAPES}
    averages = {key: start(key) for key in SHAPES}
    optimizer = make(list(parameters.values()), kind, numbers)
    after, after_average = [], []
    for step in range(STEPS):
        set_learning_rate(optimizer, learning_rate(numbers["lr"], step))
        for key, value in parameters.items():
            value.grad = gradient(key, step)
        optimizer.step()
        momentum = ema_momentum(step)
        for key, value in parameters.items():
            averages[key] = momentum * averages[key] + (1 - momentum) * value.detach()
        after.append(torch.cat([value.detach().reshape(-1) for value in parameters.values()]).numpy())
        after_average.append(torch.cat([value.reshape(-1) for value in averages.values()]).numpy())
    return {f"{name}/parameters": np.stack(after), f"{name}/averages": np.stack(after_average)}


def run_all() -> tuple[dict[str, np.ndarray], dict[str, str]]:
    tensors: dict[str, np.ndarray] = {}
    for name, options in CASES.items():
        tensors |= run_case(name, options)
    return tensors, CASES
