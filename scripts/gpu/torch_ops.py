"""Every operation of test/goldens/ops.py by PyTorch on the device, written as the goldens are: what gyrus_tests then
compares gyrus on that device with.

usage: torch_ops.py FOLDER [cuda|cpu]"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "test/goldens"))

import torch  # noqa: E402

import ops  # noqa: E402
import tensor_file  # noqa: E402


def main():
    folder, device = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "cuda"
    torch.set_default_device(device)
    tensors, metadata = ops.run_all()
    folder.mkdir(parents=True, exist_ok=True)
    made_with = f"torch {torch.__version__} {device}"
    tensor_file.write(folder / "ops.safetensors", tensors, metadata | {"made_with": made_with})
    print(f"{len(metadata)} cases by torch {torch.__version__} on {device}")


main()
