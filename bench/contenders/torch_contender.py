"""What the PyTorch contenders share: arguments, the data and weights that all contenders read, the timing loop.

A contender runs in a process of its own and prints JSON, one object a line: {"event": "first step"} when its first step
is done, then {"event": "done", ...} with the seconds of each timed step, the peak resident memory and the first loss.
"""

import argparse
import json
import math
import resource
import time

import numpy as np
import torch


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--arch", required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--precision", choices=["f32", "bf16"], required=True)
    parser.add_argument("--mode", choices=["eager", "compiled"], required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--warmup", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--data", required=True, help="raw f32 [2, batch, 3, size, size]")
    parser.add_argument("--weights", required=True, help="safetensors")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    return options


def views(options):
    """The two batches, in the memory layout that PyTorch's convolutions like best."""
    shape = (2, options.batch, 3, options.size, options.size)
    data = torch.from_numpy(np.fromfile(options.data, dtype=np.float32).reshape(shape))
    return [view.contiguous(memory_format=torch.channels_last) for view in data]


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        body = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        assert entry["dtype"] == "F32", f"{name} is {entry['dtype']}, expected F32"
        array = np.frombuffer(body[begin:end], dtype=np.float32).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(array.copy())
    return tensors


def load(module, tensors, prefix):
    """Loads the tensors under `prefix`. Only step counters of batch norm may be missing."""
    state = {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
    missing, unexpected = module.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    assert not missing and not unexpected, f"under '{prefix}': missing {missing}, unexpected {unexpected}"


def backbone(arch, size):
    """The network and the name of its last layer, which a head replaces."""
    if arch.startswith("resnet"):
        import torchvision

        return torchvision.models.get_model(arch, weights=None), "fc"
    import timm

    model = timm.create_model(arch, img_size=size, pretrained=False)
    model.pos_embed.requires_grad_(False)  # fixed sin-cos positions, as in MoCo v3
    return model, "head"


def autocast(options):
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.precision == "bf16")


def measure(options, step):
    """Runs `step`, which returns the loss as a tensor, and prints what the harness reads."""
    seconds, first_loss = [], math.nan
    for index in range(1 + options.warmup + options.steps):
        started = time.perf_counter()
        loss = step().item()
        elapsed = time.perf_counter() - started
        if index == 0:
            first_loss = loss
            print(json.dumps({"event": "first step"}), flush=True)
        if index > options.warmup:
            seconds.append(elapsed)
    done = {
        "event": "done",
        "seconds": seconds,
        "firstLoss": first_loss,
        "peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "versions": {"torch": torch.__version__},
    }
    print(json.dumps(done), flush=True)
