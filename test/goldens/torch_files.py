"""Files that PyTorch itself writes, for what reads them: test/goldens/torch/*.

    python test/goldens/torch_files.py

lightning.ckpt has the shape of a checkpoint of solo-learn's linear evaluation, as the paper's authors released theirs:
a ResNet-18 under `backbone.` with a classifier of six classes beside it, settings of a class that is not installed, an
optimizer's state, callbacks and loops. resnet18.pth is torchvision's state dict, resnet18_legacy.pth the same in the
form before PyTorch 1.6. To keep them small, every tensor is a view with overlapping rows of a storage of its own; the
files say so, as torch.save keeps strides. logits.safetensors holds what torch computes from a wave of two images."""

import sys
import types
from collections import OrderedDict
from pathlib import Path

import torch
import torchvision

import tensor_file

FOLDER = Path(__file__).parent / "torch"
CLASSES, SIZE = 6, 64


def overlapping(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> torch.Tensor:
    """Uniform values from low to high; rows of a matrix or of filters share most of theirs."""
    strides = {0: (), 1: (1,), 2: (3, 1), 4: (2, 1, 5, 3)}[len(shape)]
    last = sum((extent - 1) * stride for extent, stride in zip(shape, strides))
    storage = torch.rand(last + 1, generator=generator) * (high - low) + low
    return torch.as_strided(storage, shape, strides)


def small_state(model: torch.nn.Module) -> "OrderedDict[str, torch.Tensor]":
    generator = torch.Generator().manual_seed(5)
    state = OrderedDict()
    for name, tensor in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(17)
        elif name.endswith("running_var") or (tensor.dim() == 1 and name.endswith("weight")):
            state[name] = overlapping(tuple(tensor.shape), 0.5, 1.5, generator)
        else:
            fan_in = tensor[0].numel() if tensor.dim() > 1 else 100
            bound = (6 / fan_in) ** 0.5
            state[name] = overlapping(tuple(tensor.shape), -bound, bound, generator)
    return state


def foreign_settings() -> object:
    """An object of a library that is not there, as omegaconf's settings are where only the checkpoint is."""
    module = types.ModuleType("omegaconf.dictconfig")
    module.DictConfig = type("DictConfig", (), {"__module__": "omegaconf.dictconfig"})
    sys.modules["omegaconf"] = types.ModuleType("omegaconf")
    sys.modules["omegaconf.dictconfig"] = module
    settings = module.DictConfig()
    settings.__dict__.update({"method": "mocov3", "backbone": {"name": "resnet18"}, "lr": 0.3})
    return settings


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    model = torchvision.models.resnet18(num_classes=CLASSES)
    state = small_state(model)
    torch.save(state, FOLDER / "resnet18.pth")
    torch.save(state, FOLDER / "resnet18_legacy.pth", _use_new_zipfile_serialization=False)
    parts = OrderedDict()
    for name, tensor in state.items():
        part = "classifier." + name[3:] if name.startswith("fc.") else f"backbone.{name}"
        parts[part] = torch.nn.Parameter(tensor) if name.startswith("fc.") else tensor
    momentum = {"momentum_buffer": state["fc.bias"].clone()}
    checkpoint = {
        "epoch": 99,
        "global_step": 2200,
        "pytorch-lightning_version": "1.9.5",
        "state_dict": parts,
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"current": {"completed": 99}}}},
        "callbacks": {"ModelCheckpoint{'monitor': None}": {"best_model_score": torch.tensor(0.76), "last": None}},
        "optimizer_states": [{"state": {0: momentum}, "param_groups": [{"lr": 0.0, "params": [0, 1]}]}],
        "lr_schedulers": [{"milestones": {60: 1, 80: 1}, "_last_lr": [0.003]}],
        "hyper_parameters": foreign_settings(),
        "hparams_name": "cfg",
    }
    torch.save(checkpoint, FOLDER / "lightning.ckpt")

    model.load_state_dict(state)
    model.double().eval()
    count = 2 * 3 * SIZE * SIZE
    x = torch.sin(torch.arange(count, dtype=torch.float64) * 0.37).reshape(2, 3, SIZE, SIZE)
    with torch.no_grad():
        logits = model(x)
    tensor_file.write(FOLDER / "logits.safetensors", {"logits": logits.float().numpy()}, {})
    for path in sorted(FOLDER.iterdir()):
        print(f"{path.name}: {path.stat().st_size} bytes")
    print(logits)


if __name__ == "__main__":
    main()
