"""Softmax regression on standardised features in memory with PyTorch: the best of three passes.

lbfgs: the whole set at every evaluation, to where the gradient is 1e-5 of the first one's, as gyrus does.
sgd: a hundred epochs of batches of 256, momentum 0.9, cosine schedule, as linear probes of features are commonly run.
"""

import argparse
import json
import time

import numpy
import torch
import torch.nn.functional as F

L2 = 1e-3


class Vanished(Exception):
    pass


def objective(rows, labels, weight, bias):
    return F.cross_entropy(torch.addmm(bias, rows, weight.T), labels) + 0.5 * L2 * weight.square().sum()


def with_lbfgs(rows, labels, classes):
    weight = torch.zeros(classes, rows.shape[1], requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=1000, tolerance_grad=0, tolerance_change=0, line_search_fn="strong_wolfe"
    )
    first = None

    def closure():
        nonlocal first
        optimizer.zero_grad()
        loss = objective(rows, labels, weight, bias)
        loss.backward()
        norm = torch.sqrt(weight.grad.square().sum() + bias.grad.square().sum()).item()
        first = norm if first is None else first
        if norm <= 1e-5 * first:
            raise Vanished
        return loss

    try:
        optimizer.step(closure)
    except Vanished:
        pass
    return weight.detach(), bias.detach()


def with_sgd(rows, labels, classes, epochs=100, batch=256):
    linear = torch.nn.Linear(rows.shape[1], classes)
    optimizer = torch.optim.SGD(linear.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        order = torch.randperm(len(rows))
        for start in range(0, len(rows), batch):
            taken = order[start : start + batch]
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(linear(rows[taken]), labels[taken]).backward()
            optimizer.step()
        schedule.step()
    return linear.weight.detach(), linear.bias.detach()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--features", required=True)
    parser.add_argument("--labels", required=True)
    parser.add_argument("--by", choices=["lbfgs", "sgd"], required=True)
    for name in ["images", "classes", "width", "threads"]:
        parser.add_argument(f"--{name}", type=int, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    features = torch.from_numpy(numpy.fromfile(options.features, numpy.float32).reshape(-1, options.width))
    labels = torch.from_numpy(numpy.fromfile(options.labels, numpy.int32)).long()
    train, test = features[: options.images], features[options.images :]
    known, asked = labels[: options.images], labels[options.images :]
    solve = with_lbfgs if options.by == "lbfgs" else with_sgd
    seconds = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        deviation, mean = torch.std_mean(train, 0, correction=0)
        rows, tests = (train - mean) / deviation, (test - mean) / deviation
        weight, bias = solve(rows, known, options.classes)
        logits = torch.addmm(bias, tests, weight.T)
        seconds = min(seconds, time.perf_counter() - start)
    loss = objective(rows, known, weight, bias).item()
    accuracy = (logits.argmax(1) == asked).float().mean().item()
    message = {"event": "done", "seconds": seconds, "loss": loss, "accuracy": accuracy}
    print(json.dumps({**message, "versions": {"torch": torch.__version__}}))


if __name__ == "__main__":
    main()
