"""Goldens of fine-tuning: twenty steps in float64 by torchvision's and timm's models, torch.optim and
torch.nn.functional.cross_entropy: each step's loss and hits, fingerprints of the weights after the last one, and the
logits that the network then gives in evaluation mode."""

import copy

import numpy as np
import torch
import torch.nn.functional as F

import contrastive
import fill
import models
import philox

CLASSES, SEED, TESTS = 5, 3, 5
WEIGHTS = [0.5, 1.0, 2.0, 1.5, 0.75]

# Learning rates as in contrastive.py: so small that one rounding error does not grow to 1e-4 within twenty steps.
CASES = {
    "resnet18_sgd": "arch=resnet18 batch=16 size=64 channels=3 optimizer=sgd lr=0.0002 weight_decay=0.0001",
    "resnet18_adamw": "arch=resnet18 batch=16 size=64 channels=1 optimizer=adamw lr=1e-5 weight_decay=0.05"
    " spares_vectors=1 layer_decay=0.7 weights=1 smoothing=0.1",
    "resnet18_mixup": "arch=resnet18 batch=16 size=64 channels=1 optimizer=adamw lr=1e-5 weight_decay=0.05 mixup=1"
    " smoothing=0.1",
    "vit_tiny_sgd": "arch=vit_tiny_patch16_224 batch=8 size=48 channels=3 optimizer=sgd lr=0.0005 weight_decay=0.0001",
    "vit_tiny_adamw": "arch=vit_tiny_patch16_224 batch=8 size=48 channels=1 optimizer=adamw lr=2e-5 weight_decay=0.05"
    " positions=1 spares_vectors=1 layer_decay=0.75 weights=1 smoothing=0.1",
    "vit_tiny_drop_path": "arch=vit_tiny_patch16_224 batch=8 size=48 channels=1 optimizer=adamw lr=2e-5"
    " weight_decay=0.05 drop_path=0.3 mixup=1",
}


class Scale(torch.nn.Module):
    """Stochastic depth with the engine's draws: factor [N] of one branch, set before each step."""

    def __init__(self) -> None:
        super().__init__()
        self.factors: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if self.factors is None or not self.training else x * self.factors.to(x.dtype)[:, None, None]


class Finetuned:
    def __init__(self, options: dict[str, str]):
        self.options = options
        self.batch, self.size, self.channels = (int(options[key]) for key in ("batch", "size", "channels"))
        case = models.Case(
            options["arch"],
            batch=self.batch,
            height=self.size,
            width=self.size,
            channels=self.channels,
            trainable_positions=int(options.get("positions", 0)),
        )
        self.is_resnet = case.arch.startswith("resnet")
        self.model = models.build(case)
        setattr(
            self.model,
            "fc" if self.is_resnet else "head",
            torch.nn.Linear(512 if self.is_resnet else self.model.num_features, CLASSES),
        )
        models.fill_model(self.model, case)
        if "drop_path" in options:
            for block in self.model.blocks:
                block.drop_path1, block.drop_path2 = Scale(), Scale()

    def number(self, name: str, missing: float = 0.0) -> float:
        return float(np.float32(self.options.get(name, missing)))

    def layer_scale(self, name: str) -> float:
        if self.is_resnet:
            last = 5
            layer = 0 if name.startswith(("conv1.", "bn1.")) else int(name[5]) if name.startswith("layer") else last
        else:
            last = len(self.model.blocks) + 1
            layer = 0 if name.startswith(("cls_token", "pos_embed", "patch_embed")) else last
            if name.startswith("blocks."):
                layer = int(name.split(".")[1]) + 1
        return float(np.float32(self.number("layer_decay", 1.0) ** (last - layer)))

    def groups(self) -> list[dict]:
        def decay(name: str, value: torch.Tensor) -> float:
            is_vector = value.ndim <= 1 or name in ("cls_token", "pos_embed")
            return 0.0 if is_vector and "spares_vectors" in self.options else self.number("weight_decay")

        return [
            {"params": [value], "scale": self.layer_scale(name), "weight_decay": decay(name, value)}
            for name, value in self.model.named_parameters()
            if value.requires_grad
        ]

    def draw_branches(self, step: int) -> None:
        if "drop_path" not in self.options:
            return
        depth, rate = len(self.model.blocks), self.number("drop_path")
        count = 2 * depth * self.batch
        bits = philox.words(SEED, philox.stream_of("drop_path"), count * (step + 1))[count * step :]
        unit = ((bits >> 8).astype(np.float32) * np.float32(2.0**-24)).reshape(depth, 2, self.batch)
        for at, block in enumerate(self.model.blocks):
            kept = 1 - rate * at / (depth - 1)
            factors = torch.from_numpy(np.where(unit[at] < kept, np.float32(1 / kept), np.float32(0)))
            block.drop_path1.factors, block.drop_path2.factors = factors[0], factors[1]

    def loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        weights = torch.tensor(WEIGHTS, dtype=logits.dtype) if "weights" in self.options else None
        return F.cross_entropy(logits, labels, weight=weights, label_smoothing=self.number("smoothing"))


def labels_at(step: int, batch: int) -> torch.Tensor:
    return (torch.arange(batch) * 7 + 3 * step) % CLASSES


def own_share(step: int) -> float:
    return float(np.float32(0.3 + 0.03 * step))


def train(task: Finetuned, dtype: torch.dtype) -> tuple[np.ndarray, np.ndarray]:
    """[steps, 2] of loss and hits, and the logits of the test images afterwards."""
    task.model.to(dtype).train()
    groups = task.groups()
    kind = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}[task.options["optimizer"]]
    optimizer = kind(groups, lr=1.0, **({"momentum": float(np.float32(0.9))} if kind is torch.optim.SGD else {}))
    rows = []
    shape = (task.batch, task.channels, task.size, task.size)
    for step in range(contrastive.STEPS):
        x, labels = torch.from_numpy(fill.image(f"x/{step}", shape)).to(dtype), labels_at(step, task.batch)
        own = own_share(step) if "mixup" in task.options else 1.0
        task.draw_branches(step)
        logits = task.model(own * x + (1 - own) * x.flip(0) if own < 1 else x)
        loss = own * task.loss(logits, labels)
        if own < 1:
            loss = loss + (1 - own) * task.loss(logits, labels.flip(0))
        optimizer.zero_grad()
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = contrastive.learning_rate(float(task.options["lr"]), step) * group["scale"]
        optimizer.step()
        rows.append([float(loss.detach()), float((logits.argmax(1) == labels).double().mean())])
    with torch.no_grad():
        tests = torch.from_numpy(fill.image("tests", (TESTS, *shape[1:]))).to(dtype)
        return np.array(rows), task.model.eval()(tests).double().numpy()


def kept(task: Finetuned) -> dict[str, torch.Tensor]:
    return {name: value for name, value in task.model.state_dict().items() if models.is_kept(name)}


def run_all() -> tuple[dict[str, np.ndarray], dict[str, str]]:
    tensors: dict[str, np.ndarray] = {}
    metadata: dict[str, str] = {"weights": " ".join(map(str, WEIGHTS))}
    for name, text in CASES.items():
        exact = Finetuned(dict(option.split("=") for option in text.split()))
        in_f32 = copy.deepcopy(exact)
        rows, logits = train(exact, torch.float64)
        rows_f32, logits_f32 = train(in_f32, torch.float32)
        ends = kept(exact)
        tensors |= {
            f"{name}/steps": rows,
            f"{name}/torch_f32_loss_errors": np.abs(rows_f32[:, 0] / rows[:, 0] - 1),
            f"{name}/logits": logits,
            f"{name}/ends": np.stack([fill.fingerprint(key, value) for key, value in ends.items()]),
        }
        metadata |= {name: text, f"{name}/names": "\n".join(ends)}
        error = np.linalg.norm(logits_f32 - logits) / np.linalg.norm(logits)
        print(name, rows[:, 0].round(4).tolist(), tensors[f"{name}/torch_f32_loss_errors"].max(), error)
    return tensors, metadata
