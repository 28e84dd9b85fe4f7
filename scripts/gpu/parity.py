"""What the GPU computes against the reference backend, PyTorch's goldens, PyTorch on the same GPU and the CPU backend,
and small cases under NVIDIA's checkers."""
import json
import re
import shutil
import tempfile
from pathlib import Path

from suite import ROOT

OPERATIONS = ["conv2d/", "linear/", "fused/", "batch_norm/", "layer_norm/", "elementwise/", "pooling/", "attention/",
              "tokens/", "loss/", "optimizer/"]
MODELS = ["golden_ops/", "golden_heads/", "golden_optimizers/", "golden_models/", "sessions/", "device_views/",
          "training_state/", "micro_step/", "classifier/", "golden_finetune/"]
STEPS = ["golden_contrastive/"]
# Of two ways a machine takes the faster: both must be right.
WAYS = ["own", "cudnn"]
WAY_OF_ATTENTION = "GYRUS_CUDA_ATTENTION"
# Under compute-sanitizer: own kernels whole, and of the libraries' operations one small case each.
CHECKED = ["elementwise/", "batch_norm/", "layer_norm/", "pooling/", "tokens/", "loss/", "optimizer/",
           "conv2d/3x3: oracle", "conv2d/patches with bias: oracle", "linear/odd with bias: oracle",
           "fused/[2, 5, 6, 8] to 16, 3x3 stride 1 batch_norm residual relu: oracle",
           "fused/[2, 48, 48, 8] to 16, 1x1 training batch_norm, running: oracle",
           "attention/two heads: oracle"]
RACED = ["batch_norm/", "layer_norm/", "loss/", "optimizer/", "attention/two heads: oracle"]  # shared memory
CHECKS = [("memcheck", prefix) for prefix in CHECKED] + [("racecheck", prefix) for prefix in RACED]
ON_TENSOR_CORES = "attention/prime tokens: oracle bf16"  # own kernels, whatever is the faster here
CHECKS += [(tool, ON_TENSOR_CORES) for tool in ("memcheck", "racecheck")]
TIMING_SECONDS = 270  # what the timings need after the checkers
# (architecture, precision on the GPU, how far a step's loss may be from the CPU's in f32, relative)
TWENTY = [("resnet18", "f32", 1e-3), ("resnet18", "bf16", 3e-2), ("vit_tiny_patch16_224", "f32", 1e-3),
          ("vit_tiny_patch16_224", "bf16", 3e-2)]
FIRST_LOSS = 1e-4  # of f32's first step, before updates spread what rounding began


def filter_name(prefix):
    return prefix.rstrip("/")


def judge_tests(status, output):
    """Whether gyrus_tests ran something, all of it passed and nothing was skipped; and what to say."""
    counts = re.findall(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", output, re.M)
    if not counts:
        return False, output.strip()[-300:]
    passed, failed, skipped = (int(count or 0) for count in counts[-1])
    bad = re.findall(r"^not ok .*$", output, re.M)
    skips = re.findall(r"^ok .*# SKIP.*$", output, re.M | re.I)
    text = "; ".join([f"{passed} passed, {failed} failed, {skipped} skipped", *bad[:5], *skips[:3]])
    return status == 0 and passed > 0 and failed == 0 and skipped == 0, text


def check_parity(suite, title, filters):
    for prefix in filters:
        name = f"{title} {filter_name(prefix)}"
        done = suite.run(name, [suite.build / "gyrus_tests", "--device", "cuda", "--filter", "^" + prefix], 120)
        if done is not None:
            suite.note(name, *judge_tests(*done))


def check_ways(suite):
    for way in WAYS:
        name = f"operation attention by {way}"
        done = suite.run(name, [suite.build / "gyrus_tests", "--device", "cuda", "--filter", "^attention/"], 120,
                         env={WAY_OF_ATTENTION: way})
        if done is not None:
            suite.note(name, *judge_tests(*done))


def check_torch(suite):
    """PyTorch computes the goldens' operations on this GPU, and gyrus is compared with that."""
    name = "operation against PyTorch on this GPU"
    with tempfile.TemporaryDirectory() as folder:
        made = suite.run(name, [suite.python, ROOT / "scripts/gpu/torch_ops.py", folder, "cuda"], 60)
        if made is None:
            return
        if made[0] != 0:
            suite.note(name, False, made[1].strip()[-300:])
            return
        suite.results.pop()
        done = suite.run(name, [suite.build / "gyrus_tests", "--device", "cuda", "--filter", "^golden_ops/"], 60,
                         env={"GYRUS_GOLDENS": folder})
        if done is not None:
            is_passed, text = judge_tests(*done)
            suite.note(name, is_passed, f"{made[1].strip()}; {text}")


def judge_losses(found, expected, tolerance, first):
    """Whether two series of losses agree, and how far apart they are."""
    if len(found) != len(expected) or not found:
        return False, f"{len(found)} losses and {len(expected)}"
    apart = [abs(a - b) / abs(b) if a == a else float("inf") for a, b in zip(found, expected)]
    text = f"the first loss is {apart[0]:.1e} from the CPU's, the farthest {max(apart):.1e} (allowed {tolerance:.0e})"
    return apart[0] <= first and max(apart) <= tolerance, text


def check_twenty_steps(suite):
    """The same twenty steps by the CPU backend, in f32, computed here."""
    records = {}
    for arch, precision, tolerance in TWENTY:
        name = f"twenty steps against the CPU {arch} {precision}"

        def losses(device, how):
            command = [suite.build / "gyrus_moco_step", arch, 16, how, device, "--image", 64, "--losses", 20]
            done = suite.run(name, command, 60)
            if done is None:
                return None
            if done[0] != 0:
                suite.note(name, False, f"on {device}: {done[1].strip()[-300:]}")
                return None
            return json.loads(done[1].strip().splitlines()[-1])["losses"]

        if arch not in records:
            records[arch] = losses("cpu", "f32")
            if records[arch] is not None:
                suite.results.pop()
        found = losses("cuda", precision) if records[arch] is not None else None
        if found is not None:
            suite.note(name, *judge_losses(found, records[arch], tolerance,
                                           FIRST_LOSS if precision == "f32" else tolerance))


def check_memory(suite):
    tool = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
    for check, prefix in CHECKS:
        name = f"{check} {filter_name(prefix)}"
        if not Path(tool).is_file():
            suite.skip(name, "there is no compute-sanitizer")
            continue
        command = [tool, "--tool", check, "--error-exitcode", "9", suite.build / "gyrus_tests", "--device", "cuda",
                   "--filter", "^" + prefix]
        done = suite.run(name, command, 25, reserve=TIMING_SECONDS, env={WAY_OF_ATTENTION: "own"})
        if done is not None:
            summary = re.findall(r"=+ (?:ERROR|RACECHECK) SUMMARY: .*", done[1])
            is_passed, text = judge_tests(*done)
            suite.note(name, is_passed, "; ".join([*summary[-1:], text]))


def planned():
    names = [f"operation {filter_name(p)}" for p in OPERATIONS] + [f"operation attention by {way}" for way in WAYS]
    names += ["operation against PyTorch on this GPU"]
    names += [f"model {filter_name(p)}" for p in MODELS] + [f"twenty steps {filter_name(p)}" for p in STEPS]
    names += [f"twenty steps against the CPU {arch} {precision}" for arch, precision, _ in TWENTY]
    return names + [f"{check} {filter_name(prefix)}" for check, prefix in CHECKS]
