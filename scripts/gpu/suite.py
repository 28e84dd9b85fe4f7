"""One run of the suite: what was run within the deadline, what failed, what was not run and why."""
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def torch_libraries(python):
    """cuDNN and cuBLASLt come with PyTorch; this finds them without importing it."""
    places = subprocess.run([python, "-c", "import sys; print('\\n'.join(sys.path))"], capture_output=True, text=True)
    folders = []
    for place in places.stdout.splitlines():
        for part in ["cu13/lib", "cudnn/lib"]:
            folder = Path(place) / "nvidia" / part
            if folder.is_dir():
                folders.append(str(folder))
    return folders


class Suite:
    def __init__(self, build, minutes, python=sys.executable):
        self.python = python
        self.build = Path(build).resolve()
        self.deadline = time.monotonic() + 60 * minutes
        self.results, self.not_run, self.failed, self.missed = [], [], [], []
        self.env = dict(os.environ, GYRUS_GOLDENS=str(ROOT / "test/goldens"), GYRUS_TEST_DEVICE="cuda",
                        LD_LIBRARY_PATH=f"{self.build}:{os.environ.get('LD_LIBRARY_PATH', '')}",
                        GYRUS_CUDA_LIBRARIES=":".join(torch_libraries(python)))

    def left(self):
        return self.deadline - time.monotonic()

    def skip(self, name, reason):
        self.not_run.append({"name": name, "reason": reason})
        print(f"not run  {name}: {reason}", flush=True)

    def run(self, name, command, seconds, reserve=0, env=None):
        """(status, output), or None where there was no time for it. `reserve`: seconds that later parts need."""
        seconds = min(seconds, self.left() - reserve)
        if seconds < 5:
            self.skip(name, "out of time")
            return None
        began = time.monotonic()
        try:
            done = subprocess.run([str(word) for word in command], env=dict(self.env, **(env or {})), cwd=ROOT,
                                  capture_output=True, text=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            self.skip(name, f"stopped after {seconds:.0f} s")
            return None
        except OSError as problem:
            self.skip(name, str(problem))
            return None
        self.results.append({"name": name, "status": done.returncode, "wall": round(time.monotonic() - began, 1)})
        return done.returncode, done.stdout + done.stderr

    def note(self, name, is_passed, text):
        """What came out of the last run()."""
        self.results[-1].update(passed=is_passed, text=text)
        if not is_passed:
            self.failed.append(name)
        print(f"{'passed' if is_passed else 'FAILED'}   {name}: {text}", flush=True)

    def status(self):
        if self.failed or self.missed:
            return 1
        return 3 if self.not_run else 0
