#!/usr/bin/env python3
"""Writes the seeds of weight_file_fuzz below fuzz/corpus: files of build/*/anyrt for the digits example, and parts of them."""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main(anyrt):
    out = ROOT / "fuzz" / "corpus" / "weight_file"
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        model = ROOT / "examples" / "digits" / "digits.onnx"
        subprocess.run([anyrt, "explain", model, "--weight-cache", "--cache-dir", folder], check=True, stdout=subprocess.DEVNULL)
        (file,) = pathlib.Path(folder, "weights").glob("*.weights")
        data = file.read_bytes()
    (out / "digits").write_bytes(data)
    (out / "cut").write_bytes(data[:600])
    (out / "header").write_bytes(data[:40])


if __name__ == "__main__":
    main(sys.argv[1])
