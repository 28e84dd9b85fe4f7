"""Steps timed against torch.compile, and what the project promises of them."""
import json
import re

ARCHITECTURES = ["resnet50", "vit_small_patch16_224", "vit_base_patch16_224"]
BATCH = 256
LARGER = [1024, 512]  # the largest of these that fits is timed too, with the peer at the same batch
# Dense bf16 FLOP/s and bytes/s of the whole GPU, from NVIDIA's data sheets (SXM; first match counts).
PEAKS = [("H200", 989e12, 4.8e12), ("H100 PCIe", 756e12, 2.0e12), ("H100", 989e12, 3.35e12), ("A100", 312e12, 2.0e12)]
MATRIX_KINDS = ("conv2d", "linear", "attention")  # what counts for MFU: work of the tensor cores
# What is promised. Ratios are torch.compile's seconds over ours, at batch 256.
RATIOS = {"resnet50": 1.25, "vit_small_patch16_224": 1.25, "vit_base_patch16_224": 1.1}
MFU = {"vit_small_patch16_224": 0.45}
MEMORY_RATIO, FIRST_STEP_SECONDS = 0.75, 5


def matrix_flops(step):
    return sum(kind["flops"] for name, kind in step.get("kinds", {}).items() if name.startswith(MATRIX_KINDS))


def refused_ways(step):
    """Convolutions and attentions that were to be cuDNN's and are not, with cuDNN's words."""
    return [f"{way['count']} {way['kind']} by {way['way']}: {way['why']}" for way in step.get("ways", [])
            if way["isRefused"]]


def is_cudnn_used(step):
    """Or was timed and found slower: of a ViT, whose patches are columns, attention is all that is cuDNN's."""
    return any(way["way"] == "cudnn" or way.get("isTimed") for way in step.get("ways", []))


def timed_ways(step):
    """What was taken because it was the faster of two, in one line a kind of operation."""
    return [f"{way['kind']} by {way['way']}: {way['why']}" for way in step.get("ways", []) if way.get("isTimed")]


def target(name, found, wanted, is_at_least):
    """`found` is None where it could not be measured."""
    state = "not measured"
    if found is not None:
        state = "reached" if (found >= wanted if is_at_least else found <= wanted) else "missed"
    return {"name": name, "found": found, "wanted": wanted, "state": state}


def judge_targets(own, peers, warm, flops_peak):
    """`own`, `peers`, `warm` (the second run's): steps at batch 256 by architecture; missing or None where not run."""
    targets = []
    for arch in ARCHITECTURES:
        step, peer, second = own.get(arch), peers.get(arch), warm.get(arch)
        ratio = peer["seconds"] / step["seconds"] if step and peer else None
        targets.append(target(f"{arch}: times torch.compile's speed", ratio, RATIOS[arch], True))
        if arch in MFU:
            flops = matrix_flops(step) if step else 0
            share = flops / step["seconds"] / flops_peak if flops and flops_peak else None
            targets.append(target(f"{arch}: share of the dense bf16 peak", share, MFU[arch], True))
        memory = step["peakDeviceBytes"] / 2**30 / peer["peakGiB"] if step and peer else None
        targets.append(target(f"{arch}: of torch.compile's memory", memory, MEMORY_RATIO, False))
        first = second["firstStepSeconds"] if second else None
        targets.append(target(f"{arch}: seconds of the first step, plans cached", first, FIRST_STEP_SECONDS, False))
    return targets


def time_step(suite, arch, batch, *, label="", options=(), may_not_fit=False, reserve=0):
    name = f"step gyrus {arch} batch {batch}{label}"
    command = [suite.build / "gyrus_moco_step", arch, batch, "bf16", "cuda", *options]
    done = suite.run(name, command, 100, reserve=reserve)
    if done is None:
        return None
    if done[0] == 4:
        suite.note(name, may_not_fit, "does not fit: " + done[1].strip()[-200:])
        return None
    if done[0] != 0:
        suite.note(name, False, done[1].strip()[-300:])
        return None
    step = json.loads(done[1].strip().splitlines()[-1])
    suite.results[-1]["step"] = step
    refused = refused_ways(step)
    text = (f"{step['seconds'] * 1000:.1f} ms, {step['peakDeviceBytes'] / 2**30:.1f} GiB, first step "
            f"{step['firstStepSeconds']:.1f} s")
    if not is_cudnn_used(step):
        refused.append("cuDNN computes nothing")
    suite.note(name, not refused, "; ".join([text, *refused, *timed_ways(step)]))
    return step


def time_peer(suite, peer_script, arch, batch, reserve=0):
    name = f"step torch.compile {arch} batch {batch}"
    if peer_script is None:
        suite.skip(name, "there is no shared/peers/moco_step.py")
        return None
    done = suite.run(name, [suite.python, peer_script, arch, batch, "bf16", "c", "cuda"], 120, reserve=reserve)
    if done is None:
        return None
    found = re.search(r"img/s ([\d.]+) peak GiB ([\d.]+)", done[1])
    if done[0] != 0 or not found:
        suite.note(name, "OutOfMemoryError" in done[1] and batch > BATCH, done[1].strip()[-300:])
        return None
    peer = {"seconds": batch / float(found[1]), "peakGiB": float(found[2])}
    suite.results[-1]["step"] = peer
    suite.note(name, True, f"{peer['seconds'] * 1000:.1f} ms, {peer['peakGiB']:.1f} GiB")
    return peer


def time_all(suite, peer_script, gpu):
    """Rows of the table, and the targets. The judged batch first; what is left of the time goes to larger ones."""
    own, peers, warm, rows = {}, {}, {}, []
    for arch in ARCHITECTURES:
        own[arch] = time_step(suite, arch, BATCH, options=["--profile"])
        if own[arch] is not None:
            warm[arch] = time_step(suite, arch, BATCH, label=", again", options=["--steps", 3])
    for arch in ARCHITECTURES:
        peers[arch] = time_peer(suite, peer_script, arch, BATCH)
        rows.append((arch, own[arch], peers[arch]))
    for arch in ARCHITECTURES:
        for batch in LARGER:
            step = time_step(suite, arch, batch, options=["--steps", 10], may_not_fit=True)
            if step is None:
                continue
            rows.append((arch, step, time_peer(suite, peer_script, arch, batch)))
            break
    peak = peaks_of(gpu)
    return rows, judge_targets(own, peers, warm, peak[0] if peak else None)


def peaks_of(gpu):
    return next(((flops, bandwidth) for name, flops, bandwidth in PEAKS if name in gpu), None)


def table(gpu, rows, targets):
    peak = peaks_of(gpu)
    lines = ["| step, bf16, 224 px | gyrus | torch.compile | ratio | MFU | memory bandwidth | peak memory |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for arch, own, peer in rows:
        if own is None:
            continue
        cells = [f"{arch}, batch {own['batch']}", f"{own['seconds'] * 1000:.1f} ms"]
        cells += [f"{peer['seconds'] * 1000:.1f} ms", f"{peer['seconds'] / own['seconds']:.2f}"] if peer else ["-", "-"]
        flops = matrix_flops(own)
        cells.append(f"{flops / own['seconds'] / peak[0]:.0%}" if peak and flops else "-")
        cells.append(f"{own['bytes'] / own['seconds'] / peak[1]:.0%}" if peak else "-")
        memory = own["peakDeviceBytes"] / 2**30
        cells.append(f"{memory:.1f} GiB" + (f", {memory / peer['peakGiB']:.2f} of its" if peer else ""))
        lines.append("| " + " | ".join(cells) + " |")
    timed = [f"| {own['arch']}, batch {own['batch']} | {way} |" for _, own, _ in rows if own for way in timed_ways(own)]
    if timed:
        lines += ["", "| the faster of two ways | |", "| --- | --- |", *timed]
    lines += ["", "| promised | wanted | found | |", "| --- | ---: | ---: | --- |"]
    for one in targets:
        found = "-" if one["found"] is None else f"{one['found']:.2f}"
        lines.append(f"| {one['name']} | {one['wanted']} | {found} | {one['state']} |")
    return "\n".join(lines)


def planned():
    names = []
    for arch in ARCHITECTURES:
        names += [f"step gyrus {arch} batch {BATCH}", f"step gyrus {arch} batch {BATCH}, again",
                  f"step torch.compile {arch} batch {BATCH}",
                  f"step gyrus and torch.compile {arch}, the largest batch that fits"]
    return names
