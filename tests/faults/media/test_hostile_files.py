"""No file harms the shop: each becomes READY or REJECTED, quickly, and gives nothing away."""

import io
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
from PIL import Image

from chalicelib.media.findings import Undecodable
from chalicelib.media.inspection import inspect
from chalicelib.media.renditions import render, tint
from tests.faults.media.hostile_files import SECRET, Hostile, hostile_files

ROOT: Final = Path(__file__).parents[3]
FILES_MIN: Final = 2900
SECONDS_MAX: Final = 2.0
MEMORY_MB_MAX: Final = 512
WORKERS: Final = 2
LEFT_OVERS: Final = {"exif", "xmp", "icc_profile", "comment", "photoshop", "XML:com.adobe.xmp"}


def judged(file: Hostile) -> str:
    """What becomes of one file, as in the pipeline; every leak is a word of its own."""
    verdict = inspect(file.raw, file.declared)
    if verdict.reason is not None:
        return str(verdict.reason)
    try:
        made = list(render(file.raw, file.declared))
        tint(file.raw, file.declared)
    except Undecodable:
        return "corrupt"
    for one in made:
        image = Image.open(io.BytesIO(one.content))
        if SECRET in one.content or image.getexif() or LEFT_OVERS & set(image.info):
            return f"LEAK in {one.name} {one.format}"
    return "READY" if len(made) == 12 else "INCOMPLETE"


def work(part: int) -> dict[str, Any]:
    """Judge every file of one part in this process; figures and complaints."""
    outcomes: Counter[str] = Counter()
    complaints: list[str] = []
    slowest = 0.0
    for number, file in enumerate(hostile_files()):
        if number % WORKERS != part:
            continue
        started = time.process_time()
        try:
            outcome = judged(file)
        except Exception as error:  # noqa: BLE001 - any exception is the finding
            outcome = f"EXCEPTION {type(error).__name__}: {error}"
        seconds = time.process_time() - started
        slowest = max(slowest, seconds)
        outcomes[outcome] += 1
        if seconds > SECONDS_MAX:
            complaints.append(f"{file.name}: {seconds:.1f} s")
        if outcome.startswith(("LEAK", "EXCEPTION", "INCOMPLETE")):
            complaints.append(f"{file.name}: {outcome}")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"outcomes": outcomes, "complaints": complaints, "s": slowest, "mb": peak_mb}


@pytest.mark.timeout(600)
@pytest.mark.covers(17)
def test_every_hostile_file_gets_a_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """At least 2,900 files: READY or REJECTED within 2 s and 512 MB, no exception, no leak."""
    command = [sys.executable, "-m", "tests.faults.media.test_hostile_files"]
    running = [
        subprocess.Popen([*command, str(part)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for part in range(WORKERS)
    ]
    parts = [json.loads(one.communicate()[0]) for one in running]
    outcomes: Counter[str] = Counter()
    for part in parts:
        outcomes.update(part["outcomes"])
    slowest, peak_mb = max(part["s"] for part in parts), max(part["mb"] for part in parts)
    with capsys.disabled():
        told = ", ".join(f"{name} {count}" for name, count in outcomes.most_common())
        sys.stdout.write(f"\n{outcomes.total()} hostile files: {told}; ")
        sys.stdout.write(f"slowest {slowest:.2f} s CPU, peak {peak_mb:.0f} MB\n")
    assert [complaint for part in parts for complaint in part["complaints"]] == []
    assert outcomes.total() >= FILES_MIN
    assert peak_mb <= MEMORY_MB_MAX


if __name__ == "__main__":
    sys.stdout.write(json.dumps(work(int(sys.argv[1]))))
