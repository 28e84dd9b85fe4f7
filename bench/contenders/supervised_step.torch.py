"""One supervised training step in PyTorch: forward, cross-entropy over 10 classes, backward, AdamW."""

import torch
import torch.nn.functional as F
from torch import nn

import torch_contender as contender

CLASSES = 10


def main():
    options = contender.arguments()
    model, head = contender.backbone(options.arch, options.size)
    setattr(model, head, nn.Linear(getattr(model, head).in_features, CLASSES))
    contender.load(model, contender.read_safetensors(options.weights), "")
    model = model.to(memory_format=torch.channels_last)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.1)
    if options.mode == "compiled":
        model = torch.compile(model)
    x, _ = contender.views(options)
    labels = torch.arange(options.batch) % CLASSES

    def step():
        with contender.autocast(options):
            loss = F.cross_entropy(model(x).float(), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.detach()

    contender.measure(options, step)


main()
