"""Goldens of single operations: results and every gradient by PyTorch in float64.

A case is a line of options, which the file carries as metadata and the C++ test reads: it builds the same operation
from it, so a case is added here alone. Layouts are the engine's: images [N, H, W, C], tokens [N, T, D]."""

import numpy as np
import torch
import torch.nn.functional as F

import fill

CASES = {
    "conv2d_stem": "op=conv2d x=2x13x11x3 w=8x3x7x7 stride=2 padding=3",
    "conv2d_stem_one_channel": "op=conv2d x=2x14x9x1 w=16x1x7x7 stride=2 padding=3",
    "conv2d_same": "op=conv2d x=2x6x5x5 w=7x5x3x3 stride=1 padding=1",
    "conv2d_stride_two_odd_size": "op=conv2d x=3x9x7x16 w=32x16x3x3 stride=2 padding=1",
    "conv2d_stride_two_even_size": "op=conv2d x=2x8x6x16 w=16x16x3x3 stride=2 padding=1",
    "conv2d_pointwise": "op=conv2d x=2x5x7x16 w=24x16x1x1 stride=1 padding=0",
    "conv2d_pointwise_stride_two": "op=conv2d x=2x7x6x16 w=32x16x1x1 stride=2 padding=0",
    "conv2d_patches": "op=conv2d x=2x12x8x3 w=20x3x4x4 stride=4 padding=0 bias=1",
    "conv2d_patches_with_a_rest": "op=conv2d x=2x13x10x3 w=20x3x4x4 stride=4 padding=0 bias=1",
    "conv2d_oblong_kernel": "op=conv2d x=1x6x9x4 w=6x4x3x5 stride=1 padding=1 bias=1",
    "linear": "op=linear x=5x12 w=7x12 bias=1",
    "linear_no_bias": "op=linear x=6x16 w=32x16",
    "linear_tokens": "op=linear x=2x5x16 w=48x16 bias=1",
    "batch_norm_images": "op=batch_norm x=3x4x5x16 eps=1e-5 momentum=0.1 affine=1",
    "batch_norm_odd_channels": "op=batch_norm x=2x3x3x7 eps=1e-5 momentum=0.1 affine=1",
    "batch_norm_rows": "op=batch_norm x=9x24 eps=1e-5 momentum=0.1 affine=1",
    "batch_norm_rows_no_affine": "op=batch_norm x=8x20 eps=1e-5 momentum=0.1 affine=0",
    "batch_norm_other_eps": "op=batch_norm x=8x16 eps=1e-2 momentum=0.25 affine=1",
    "batch_norm_two_rows": "op=batch_norm x=2x16 eps=1e-1 momentum=0.1 affine=1",
    "batch_norm_inference": "op=batch_norm_inference x=2x3x4x16 eps=1e-5 affine=1",
    "batch_norm_inference_no_affine": "op=batch_norm_inference x=5x12 eps=1e-6 affine=0",
    "layer_norm": "op=layer_norm x=2x5x48 eps=1e-6",
    "layer_norm_odd_width": "op=layer_norm x=7x37 eps=1e-5",
    "relu": "op=relu x=2x3x5x7",
    "gelu": "op=gelu x=3x5x17",
    "add": "op=add x=2x3x5x7",
    "max_pool": "op=max_pool x=2x8x10x16 kernel=3 stride=2 padding=1",
    "max_pool_odd_size": "op=max_pool x=2x9x7x5 kernel=3 stride=2 padding=1",
    "max_pool_two": "op=max_pool x=1x6x7x8 kernel=2 stride=2 padding=0",
    "global_avg_pool": "op=global_avg_pool x=2x3x5x16",
    "attention_one_head": "op=attention x=2x5x48 heads=1",
    "attention": "op=attention x=2x17x96 heads=4",
    "attention_odd_heads": "op=attention x=3x7x180 heads=3",
    "embed_tokens": "op=embed_tokens x=2x3x4x16",
    "select_token": "op=select_token x=3x5x16 index=0",
    "select_token_last": "op=select_token x=3x5x16 index=4",
    "l2_normalize": "op=l2_normalize x=5x24",
    "softmax_cross_entropy": "op=softmax_cross_entropy x=6x9",
    "softmax_cross_entropy_scaled": "op=softmax_cross_entropy x=6x9 logit_scale=5 loss_scale=0.4",
    "softmax_cross_entropy_smooth": "op=softmax_cross_entropy x=6x9 label_smoothing=0.1",
    "softmax_cross_entropy_diagonal": "op=softmax_cross_entropy x=5x5 logit_scale=2 loss_scale=1 diagonal=0",
    "softmax_cross_entropy_diagonal_offset": "op=softmax_cross_entropy x=4x12 logit_scale=5 loss_scale=0.4 diagonal=4",
}


class Case:
    """The sources of one case: filled by name, in the order of their use."""

    def __init__(self, name: str, options: str):
        self.name = name
        self.options = dict(option.split("=") for option in options.split())
        self.sources: dict[str, torch.Tensor] = {}

    def shape(self, key: str) -> tuple[int, ...]:
        return tuple(int(extent) for extent in self.options[key].split("x"))

    def number(self, key: str, default: float = 0) -> float:
        return float(self.options.get(key, default))

    def integer(self, key: str, default: int = 0) -> int:
        return int(self.options.get(key, default))

    def values(self, source: str, shape: tuple[int, ...]) -> torch.Tensor:
        value = torch.from_numpy(fill.coarse(f"{self.name}/{source}", shape)).double().to(torch.get_default_device())
        if source == "running_var":
            return (value + 2) / 2
        return value * 4 if source == "logits" or self.options["op"] == "gelu" else value

    def source(self, source: str, shape: tuple[int, ...]) -> torch.Tensor:
        self.sources[source] = self.values(source, shape).requires_grad_()
        return self.sources[source]


def channels_first(x: torch.Tensor) -> torch.Tensor:
    return x.movedim(-1, 1)


def channels_last(x: torch.Tensor) -> torch.Tensor:
    return x.movedim(1, -1)


def conv2d(case: Case) -> dict:
    x, w = case.source("x", case.shape("x")), case.source("w", case.shape("w"))
    bias = case.source("bias", w.shape[:1]) if case.integer("bias") else None
    return {"y": channels_last(F.conv2d(channels_first(x), w, bias, case.integer("stride"), case.integer("padding")))}


def linear(case: Case) -> dict:
    x, w = case.source("x", case.shape("x")), case.source("w", case.shape("w"))
    return {"y": F.linear(x, w, case.source("bias", w.shape[:1]) if case.integer("bias") else None)}


def batch_norm(case: Case, is_training: bool = True) -> dict:
    x = case.source("x", case.shape("x"))
    channels = x.shape[-1:]
    gamma, beta = (case.source(n, channels) for n in ("gamma", "beta")) if case.integer("affine") else (None, None)
    mean, var = case.values("running_mean", channels), case.values("running_var", channels)
    momentum, eps = case.number("momentum"), case.number("eps")
    y = F.batch_norm(channels_first(x), mean, var, gamma, beta, is_training, momentum, eps)
    running = {"running_mean": mean, "running_var": var} if is_training else {}
    return {"y": channels_last(y), **running}


def batch_norm_inference(case: Case) -> dict:
    with torch.no_grad():
        return batch_norm(case, is_training=False)


def layer_norm(case: Case) -> dict:
    x = case.source("x", case.shape("x"))
    gamma, beta = case.source("gamma", x.shape[-1:]), case.source("beta", x.shape[-1:])
    return {"y": F.layer_norm(x, x.shape[-1:], gamma, beta, case.number("eps"))}


def relu(case: Case) -> dict:
    return {"y": F.relu(case.source("x", case.shape("x")))}


def gelu(case: Case) -> dict:
    return {"y": F.gelu(case.source("x", case.shape("x")))}


def add(case: Case) -> dict:
    return {"y": case.source("x", case.shape("x")) + case.source("b", case.shape("x"))}


def max_pool(case: Case) -> dict:
    x = channels_first(case.source("x", case.shape("x"))).contiguous()
    sizes = (case.integer(key) for key in ("kernel", "stride", "padding"))
    return {"y": channels_last(F.max_pool2d(x, *sizes))}


def global_avg_pool(case: Case) -> dict:
    return {"y": case.source("x", case.shape("x")).mean(dim=(1, 2))}


def attention(case: Case) -> dict:
    x, heads = case.source("x", case.shape("x")), case.integer("heads")
    n, t, three_d = x.shape
    q, k, v = x.reshape(n, t, 3, heads, three_d // 3 // heads).permute(2, 0, 3, 1, 4)
    probabilities = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1)
    return {"y": (probabilities @ v).transpose(1, 2).reshape(n, t, three_d // 3)}


def embed_tokens(case: Case) -> dict:
    x = case.source("x", case.shape("x"))
    n, gh, gw, d = x.shape
    cls, pos = case.source("cls", (1, 1, d)), case.source("pos", (1, gh * gw + 1, d))
    return {"y": torch.cat([cls.expand(n, 1, d), x.reshape(n, gh * gw, d)], dim=1) + pos}


def select_token(case: Case) -> dict:
    return {"y": case.source("x", case.shape("x"))[:, case.integer("index")]}


def l2_normalize(case: Case) -> dict:
    return {"y": F.normalize(case.source("x", case.shape("x")), dim=1, eps=1e-12)}


def softmax_cross_entropy(case: Case) -> dict:
    logits = case.source("logits", case.shape("x"))
    n, classes = logits.shape
    if "diagonal" in case.options:
        labels = torch.arange(n) + case.integer("diagonal")
    else:
        labels = (torch.arange(n) * 7 + 1) % classes
    scaled = logits * case.number("logit_scale", 1)
    loss = F.cross_entropy(scaled, labels, label_smoothing=case.number("label_smoothing"))
    hits = (logits.argmax(1) == labels).double().mean()
    return {"loss": (loss * case.number("loss_scale", 1)).reshape(1), "hits": hits.reshape(1)}


def run_case(name: str, options: str) -> dict[str, np.ndarray]:
    case = Case(name, options)
    results = globals()[case.options["op"]](case)
    tensors = {}
    for result, value in results.items():
        tensors[result] = value.detach().cpu().numpy()
        if value.requires_grad:
            seed = torch.ones(1) if result == "loss" else case.values(f"seed of {result}", tuple(value.shape))
            value.backward(seed)
    for source, value in case.sources.items():
        if value.grad is not None:
            tensors[f"gradient of {source}"] = value.grad.cpu().numpy()
    return {f"{name}/{tensor}": value for tensor, value in tensors.items()}


def run_all() -> tuple[dict[str, np.ndarray], dict[str, str]]:
    tensors: dict[str, np.ndarray] = {}
    for name, options in CASES.items():
        tensors |= run_case(name, options)
    return tensors, CASES
