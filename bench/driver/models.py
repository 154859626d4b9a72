"""The model set: what is measured, in which family, with which inputs."""
import importlib.util
import json
import os
import pathlib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Families of the targets. int8 models are listed but stay out of the f32 means.
FAMILIES = {
    "cnn": "classifiers: 1x1, depthwise and residual convolution",
    "3x3": "3x3-heavy detectors, segmentation, super-resolution",
    "fusion": "fusion-bound: OCR, YOLOX, segmentation, SiLU and HardSwish nets",
    "transformer": "encoders",
    "llm": "decoders with a key-value cache",
    "recurrent": "LSTM and GRU",
    "3d": "3-D convolution",
    "audio": "sound",
    "tiny": "under 100 us",
    "trees": "tree ensembles",
    "int8": "quantised (not in the f32 means)",
}

ZOO_FAMILY = {
    "aml_xgboost": "trees", "basic_pitch": "audio", "brainseg_meshnet": "3d", "bytesb_bidilstm": "recurrent",
    "deeplab_v3_mnv2": "fusion", "dtln_1": "recurrent", "dtln_2": "recurrent", "fsanet_headpose": "fusion",
    "go1_joystick_policy": "tiny", "magika_v3_3": "fusion", "mlperf_tiny_ad_int8": "int8", "mlsd_tiny_320": "3x3",
    "mobilenetv2_qdq_int8": "int8", "mobilenetv2_qoperator_int8": "int8", "oww_embedding": "audio", "oww_marvin": "tiny",
    "oww_melspectrogram": "audio", "ppocr_cls": "fusion", "ppocrv3_det": "fusion", "ppocrv4_rec": "fusion",
    "silero_vad_v6": "recurrent", "stories260k_kv": "llm", "superres_3x": "3x3", "yolox_nano": "fusion", "yunet_n_dynamic": "cnn",
}


class Model:
    """One line of the table: a file and its inputs, made when they are asked for."""

    def __init__(self, name, family, origin, path, inputs, build=None):
        self.name, self.family, self.origin = name, family, origin
        self.path, self.inputs, self.build = pathlib.Path(path), inputs, build

    def prepare(self):
        """The model file; seeded ones are written when missing."""
        if self.build and not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part = self.path.with_suffix(f".{os.getpid()}.part")
            self.build(part)
            part.rename(self.path)
        return self.path

    def input_arrays(self):
        return self.inputs()


def rng(name):
    return np.random.default_rng(sum(ord(c) * (k + 1) for k, c in enumerate(name)))


def normal(**shapes):
    """Inputs of standard normal numbers."""
    def make():
        r = rng("".join(shapes))
        return {name: r.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}
    return make


def tokens(length, vocab=30522):
    def make():
        ids = rng("tokens").integers(5, vocab, (1, length))
        return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    return make


def decoder(length, past, layers=8, groups=4, size=64, vocab=8192):
    def make():
        r = rng("decoder")
        out = {"input_ids": r.integers(5, vocab, (1, length)), "position_ids": np.arange(past, past + length)[None]}
        for i in range(layers):
            for kind in ("key", "value"):
                out[f"past_key_values.{i}.{kind}"] = r.standard_normal((1, groups, past, size), dtype=np.float32)
        return out
    return make


def seeded(folder):
    from bench.zoo import cnn, small, text
    picture = normal(input=(1, 3, 224, 224))
    rows = [
        ("resnet50", "cnn", cnn.resnet50, picture),
        ("mobilenetv2", "cnn", cnn.mobilenetv2, picture),
        ("mobilenetv2_tf", "cnn", cnn.mobilenetv2_tf, normal(input_1=(1, 224, 224, 3))),
        ("mobilenetv3_large", "fusion", cnn.mobilenetv3_large, picture),
        ("mobilenetv3_small", "fusion", cnn.mobilenetv3_small, picture),
        ("efficientnet_b0", "fusion", cnn.efficientnet_b0, picture),
        ("yolov8n", "3x3", cnn.yolov8n, normal(images=(1, 3, 640, 640))),
        ("unet", "3x3", cnn.unet, normal(image=(1, 3, 256, 256))),
        ("edsr_x2", "3x3", cnn.edsr_x2, normal(low=(1, 3, 96, 96))),
        ("conv3d", "3d", cnn.conv3d, normal(clip=(1, 3, 16, 112, 112))),
        ("vit_b16", "transformer", text.vit_b16, picture),
        ("bert_base_s128", "transformer", text.bert_base, tokens(128)),
        ("minilm_s64", "transformer", text.minilm, tokens(64)),
        ("minilm_s512", "transformer", text.minilm, tokens(512)),
        ("whisper_tiny_encoder", "transformer", text.whisper_tiny_encoder, normal(input_features=(1, 80, 3000))),
        ("llama_prefill", "llm", text.llama_small, decoder(128, 0)),
        ("llama_decode", "llm", text.llama_small, decoder(1, 256)),
        ("lstm_tagger", "recurrent", small.lstm_tagger, lambda: {"tokens": rng("lstm").integers(0, 5000, (1, 64))}),
        ("lstm_keras", "recurrent", small.lstm_keras, normal(input_1=(1, 48, 16))),
        ("gru_tagger", "recurrent", small.gru_tagger, normal(frames=(1, 100, 80))),
        ("trees_small", "trees", small.trees_small, normal(X=(1, 20))),
        ("trees_large", "trees", small.trees_large, normal(X=(256, 64))),
        ("tiny_mlp", "tiny", small.tiny_mlp, normal(observation=(1, 24))),
        ("tiny_chain", "tiny", small.tiny_chain, normal(x=(1, 16))),
        ("tiny_conv", "tiny", small.tiny_conv, normal(features=(1, 16, 32))),
        ("tiny_attention", "tiny", small.tiny_attention, normal(x=(1, 8, 32))),
        ("tiny_scaler", "tiny", small.tiny_scaler, normal(X=(1, 13))),
    ]
    return [Model(name, family, "seeded", folder / f"{build.__name__}.onnx", inputs, build) for name, family, build, inputs in rows]


def zoo(shared, say):
    folder = shared / "models"
    if not folder.is_dir():
        say(f"!!! {folder} is not there (set ANYRT_SHARED): the recorded real models are NOT measured")
        return []
    out = []
    for path in sorted(folder.iterdir()):
        if not (path / "model.onnx").is_file():
            continue
        case = json.loads((path / "meta.json").read_text())["cases"][0]
        files = {i["name"]: path / case["dir"] / i["file"] for i in case["inputs"]}
        out.append(Model(path.name, ZOO_FAMILY.get(path.name, "fusion"), "zoo", path / "model.onnx",
                         lambda files=files: {name: np.load(file) for name, file in files.items()}))
    return out


def packages(say):
    """Models inside PyPI packages that this Python has."""
    def folder(package):
        spec = importlib.util.find_spec(package)
        if spec and spec.submodule_search_locations:
            return pathlib.Path(spec.submodule_search_locations[0])
        say(f"!!! the PyPI package {package} is not installed: its models are NOT measured")
        return None

    out = []

    def add(name, family, path, inputs):
        if path.is_file():
            out.append(Model(name, family, "package", path, inputs))
        else:
            say(f"!!! {path} is not there: {name} is NOT measured")

    if ocr := folder("rapidocr_onnxruntime"):
        add("pkg_ppocrv4_det", "fusion", ocr / "models" / "ch_PP-OCRv4_det_infer.onnx", normal(x=(1, 3, 480, 640)))
        add("pkg_ppocrv4_rec", "fusion", ocr / "models" / "ch_PP-OCRv4_rec_infer.onnx", normal(x=(1, 3, 48, 320)))
        add("pkg_ppocr_cls", "fusion", ocr / "models" / "ch_ppocr_mobile_v2.0_cls_infer.onnx", normal(x=(1, 3, 48, 192)))
    if vad := folder("silero_vad"):
        add("pkg_silero_sequence", "recurrent", vad / "data" / "silero_vad_16k_sequence.onnx",
            normal(input=(16, 576), h=(1, 1, 128), c=(1, 1, 128)))
    if magika := folder("magika"):
        add("pkg_magika_b4", "fusion", magika / "models" / "standard_v3_3" / "model.onnx",
            lambda: {"bytes": rng("magika").integers(0, 257, (4, 2048)).astype(np.int32)})
    return out


def all_models(cache, shared, say):
    return zoo(shared, say) + seeded(cache) + packages(say)
