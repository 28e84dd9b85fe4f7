"""One MoCo v3 training step in PyTorch: momentum update, four forward and two backward passes, AdamW."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

import torch_contender as contender

HIDDEN, OUT, TEMPERATURE, MOMENTUM = 4096, 256, 0.2, 0.99


def mlp(widths, has_last_affine_free_norm):
    """Linear, BN, ReLU, ...: no biases, and a batch norm without affine at the end where asked."""
    layers = []
    for index, (fan_in, fan_out) in enumerate(zip(widths, widths[1:])):
        layers.append(nn.Linear(fan_in, fan_out, bias=False))
        if index < len(widths) - 2:
            layers += [nn.BatchNorm1d(fan_out), nn.ReLU(inplace=True)]
        elif has_last_affine_free_norm:
            layers.append(nn.BatchNorm1d(fan_out, affine=False))
    return nn.Sequential(*layers)


def contrast(query, key):
    query, key = F.normalize(query, dim=1), F.normalize(key, dim=1)
    logits = (query @ key.t() / TEMPERATURE).float()
    return F.cross_entropy(logits, torch.arange(len(logits))) * (2 * TEMPERATURE)


def main():
    options = contender.arguments()
    is_resnet = options.arch.startswith("resnet")
    base, head = contender.backbone(options.arch, options.size)
    width = getattr(base, head).in_features
    setattr(base, head, mlp([width, HIDDEN, OUT] if is_resnet else [width, HIDDEN, HIDDEN, OUT], True))
    predictor = mlp([OUT, HIDDEN, OUT], not is_resnet)
    tensors = contender.read_safetensors(options.weights)
    contender.load(base, tensors, "base_encoder.")
    contender.load(predictor, tensors, "predictor.")
    momentum = copy.deepcopy(base).requires_grad_(False)
    del tensors
    base = base.to(memory_format=torch.channels_last)
    momentum = momentum.to(memory_format=torch.channels_last)

    trained = [p for module in (base, predictor) for p in module.parameters() if p.requires_grad]
    pairs = [pair for pair in zip(momentum.parameters(), base.parameters()) if pair[1].requires_grad]
    averages, sources = [a for a, _ in pairs], [s.detach() for _, s in pairs]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.1)
    if options.mode == "compiled":
        base, momentum, predictor = torch.compile(base), torch.compile(momentum), torch.compile(predictor)
    x1, x2 = contender.views(options)

    def step():
        with contender.autocast(options):
            with torch.no_grad():
                torch._foreach_lerp_(averages, sources, 1 - MOMENTUM)
                k1, k2 = momentum(x1), momentum(x2)
            loss = contrast(predictor(base(x1)), k2) + contrast(predictor(base(x2)), k1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.detach()

    contender.measure(options, step)


main()
