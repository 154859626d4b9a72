#!/usr/bin/env python3
"""Runs real models on pictures, sound and bytes with the anyrt command and says in words what came out.

usage: demo.py ANYRT   (in a Python that has the packages of scripts/requirements-*.txt)
"""
import importlib.util
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import wave

import numpy as np

ANYRT = sys.argv[1]
ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = pathlib.Path(tempfile.mkdtemp(prefix="anyrt-demo-"))


def package(name):
    spec = importlib.util.find_spec(name)
    return pathlib.Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def run(model, inputs):
    """Runs `model` on arrays; returns outputs by name and prints time, memory and the difference from onnxruntime."""
    command = [ANYRT, "run", str(model), "--json", "--elements", "0", "-o", str(WORK / "out.npz")]
    for name, array in inputs.items():
        np.save(WORK / f"{len(command)}.npy", array)
        command += ["-i", f"{name}={WORK / f'{len(command)}.npy'}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"demo: {' '.join(command)}\n{done.stderr}")
    stats = json.loads(done.stdout)
    outputs = dict(np.load(WORK / "out.npz"))
    line = f"   {pathlib.Path(model).name}: {stats['run_seconds'] * 1e3:.1f} ms, loaded in {stats['load_seconds'] * 1e3:.1f} ms, "
    line += f"peak memory {stats['peak_bytes'] / 2**20:.1f} MiB"
    try:
        import onnxruntime
        onnxruntime.set_default_logger_severity(3)
        session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        names = [o.name for o in session.get_outputs()]
        peer = dict(zip(names, session.run(names, inputs)))
        difference = max(float(np.max(np.abs(peer[n].astype(np.float64) - outputs[n]), initial=0)) for n in names)
        line += f", largest difference from onnxruntime {difference:.1e}"
    except ImportError:
        line += " (onnxruntime is not installed: no comparison)"
    print(line)
    return outputs


def text_lines(probability):
    """Boxes (top, bottom, left, right) of text lines in the detector's map: bands of rows, then runs of columns."""
    on = probability > 0.3
    boxes = []
    rows = np.flatnonzero(on.any(axis=1))
    for band in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if rows.size else []:
        columns = np.flatnonzero(on[band[0]:band[-1] + 1].any(axis=0))
        if len(band) < 4 or not columns.size:
            continue
        for part in np.split(columns, np.flatnonzero(np.diff(columns) > len(band)) + 1):
            grow = int(0.5 * len(band)) + 1
            boxes.append((band[0] - grow, band[-1] + grow, part[0] - grow, part[-1] + grow))
    return boxes


def vision():
    folder = package("rapidocr_onnxruntime")
    if not folder or not package("PIL"):
        return False
    from PIL import Image, ImageDraw, ImageFont
    print("1. Reading text in a picture (PP-OCRv4 detection and recognition, package rapidocr-onnxruntime)")
    lines = ["Any ONNX model on any device", "Invoice 2041: 3 cameras, 1 hub", "TOTAL 1,299.00 EUR"]
    picture = Image.new("RGB", (640, 256), (236, 232, 220))
    pen = ImageDraw.Draw(picture)
    for k, line in enumerate(lines):
        pen.text((30 + 12 * k, 28 + 70 * k), line, fill=(30, 34, 60), font=ImageFont.load_default(size=32))
    picture = picture.rotate(0.6, fillcolor=(236, 232, 220), resample=Image.BICUBIC)
    bgr = np.asarray(picture)[:, :, ::-1].astype(np.float32)

    def chw(pixels):
        return ((pixels / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None].astype(np.float32)

    models = folder / "models"
    detected = run(models / "ch_PP-OCRv4_det_infer.onnx", {"x": chw(bgr)})
    boxes = text_lines(next(iter(detected.values()))[0, 0])
    recogniser = models / "ch_PP-OCRv4_rec_infer.onnx"
    metadata = json.loads(subprocess.run([ANYRT, "info", str(recogniser), "--json"], capture_output=True, text=True, check=True).stdout)["metadata"]
    letters = [""] + metadata["character"].split("\n") + [" "]
    read = []
    for top, bottom, left, right in boxes:
        cut = picture.crop((max(left, 0), max(top, 0), min(right, 640), min(bottom, 256)))
        cut = cut.resize((max(48, cut.width * 48 // cut.height), 48), Image.BILINEAR)
        scores = next(iter(run(recogniser, {"x": chw(np.asarray(cut)[:, :, ::-1].astype(np.float32))}).values()))[0]
        best = scores.argmax(axis=1)
        kept = [i for k, i in enumerate(best) if i and (k == 0 or best[k - 1] != i)]
        read.append("".join(letters[i] if i < len(letters) else "?" for i in kept))
    for text in read:
        print(f'   reads: "{text}"')
    if not read:
        sys.exit("demo: no text was found")
    return True


def speech():
    folder = package("silero_vad")
    if not folder:
        return False
    print("2. Finding speech in sound (silero-vad)")
    path = WORK / "speech.wav"
    if not shutil.which("espeak-ng"):
        print("!!! SKIPPED: espeak-ng is not installed, so there is no speech to listen to")
        return True
    subprocess.run(["espeak-ng", "-w", str(path), "any model, on any device, right and fast"], check=True)
    with wave.open(str(path)) as w:
        rate = w.getframerate()
        sound = np.frombuffer(w.readframes(w.getnframes()), np.int16).astype(np.float32) / 32768
    wanted = np.arange(0, len(sound) * 16000 // rate) * (rate / 16000)
    sound = np.interp(wanted, np.arange(len(sound)), sound).astype(np.float32)
    quiet = np.zeros(16000, np.float32)
    sound = np.concatenate([quiet, sound, quiet])
    sound = np.pad(sound, (64, -len(sound) % 512))
    windows = np.stack([sound[k:k + 576] for k in range(0, len(sound) - 575, 512)])
    state = np.zeros((1, 1, 128), np.float32)
    out = run(folder / "data" / "silero_vad_16k_sequence.onnx", {"input": windows, "h": state, "c": state})
    speaking = np.flatnonzero(out["speech_probs"].reshape(-1) > 0.5)
    if not speaking.size:
        sys.exit("demo: no speech was found")
    print(f"   {len(windows) * 512 / 16000:.1f} s of sound with 1 s of silence at each end: "
          f"speech from {speaking[0] * 512 / 16000:.2f} s to {(speaking[-1] + 1) * 512 / 16000:.2f} s")
    return True


def bytes_of_files():
    folder = package("magika")
    if not folder:
        return False
    print("3. Telling file types from bytes (magika)")
    folder = folder / "models" / "standard_v3_3"
    labels = json.loads((folder / "config.min.json").read_text())["target_labels_space"]
    files = [ROOT / "README.md", ROOT / "Makefile", ROOT / "scripts" / "demo.py", ROOT / "src" / "base" / "status.cc", pathlib.Path(ANYRT)]

    def tokens(data):
        head, tail = list(data[:4096].lstrip()[:1024]), list(data[-4096:].rstrip()[-1024:])
        return head + [256] * (1024 - len(head)) + [256] * (1024 - len(tail)) + tail

    batch = np.array([tokens(f.read_bytes()) for f in files], np.int32)
    scores = run(folder / "model.onnx", {"bytes": batch})["target_label"]
    for file, row in zip(files, scores):
        print(f"   {file.name}: {labels[int(row.argmax())]} ({row.max():.0%})")
    return True


def digits():
    print("0. Reading drawn digits (in-tree model examples/digits)")
    folder = ROOT / "examples" / "digits"
    scores = run(folder / "digits.onnx", {"picture": np.load(folder / "pictures.npy")})["probabilities"]
    found, drawn = " ".join(map(str, scores.argmax(axis=1))), (folder / "labels.txt").read_text().strip()
    print(f"   drawn: {drawn}\n   read:  {found}")
    if found != drawn:
        sys.exit("demo: a digit was misread")


def main():
    digits()
    for part, name in ((vision, "rapidocr-onnxruntime and pillow"), (speech, "silero-vad"), (bytes_of_files, "magika")):
        if not part():
            print(f"!!! SKIPPED: the PyPI package {name} is not installed", file=sys.stderr)
    shutil.rmtree(WORK)


main()
