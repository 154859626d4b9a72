#!/usr/bin/env python3
"""Writes the seeds of the codec fuzzers below fuzz/corpus: one small file for each form of each format.

Needs numpy for .npy and .npz and Pillow for pictures; what is missing is named and left as it is.
"""
import io
import pathlib
import struct
import sys

CORPUS = pathlib.Path(__file__).resolve().parent.parent / "fuzz" / "corpus"


def put(kind, name, data):
    folder = CORPUS / kind
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def numpy_seeds():
    import numpy as np

    x = np.arange(6).reshape(2, 3)
    arrays = {
        "f4": x.astype("<f4"), "i2_big": x.astype(">i2"), "fortran": np.asfortranarray(x.astype("u1")),
        "bool": x > 2, "c16": x.astype("c16"), "unicode": np.array(["a\u00e9", "\u20ac"]), "bytes": np.array([b"ab", b"c"]),
        "scalar": np.array(1.5), "empty": np.zeros((0, 3), "f2"), "void": np.zeros(2, "V1"), "object": np.array([None]),
    }
    for name, array in arrays.items():
        file = io.BytesIO()
        np.save(file, array)
        put("npy", name + ".npy", file.getvalue())
    file = io.BytesIO()
    np.lib.format.write_array(file, x.astype("u1"), version=(2, 0))
    put("npy", "version2.npy", file.getvalue())
    for name, save in (("stored", np.savez), ("deflated", np.savez_compressed)):
        file = io.BytesIO()
        save(file, x=x.astype("f4"), y=np.array(["s"]))
        put("npz", name + ".npz", file.getvalue())


def picture_seeds():
    from PIL import Image

    width, height = 13, 9
    rgb = Image.new("RGB", (width, height))
    rgb.putdata([(x * 19, y * 28, (x * y * 7) % 256) for y in range(height) for x in range(width)])
    gray, few = rgb.convert("L"), rgb.convert("P", palette=Image.ADAPTIVE, colors=7)
    rgba = rgb.copy()
    rgba.putalpha(gray)
    turned = Image.Exif()
    turned[0x0112] = 6
    forms = [
        ("base.jpg", rgb, {}), ("progressive.jpg", rgb, {"progressive": True}), ("gray.jpg", gray, {}),
        ("full.jpg", rgb, {"subsampling": 0, "quality": 95}), ("cmyk.jpg", rgb.convert("CMYK"), {}),
        ("turned.jpg", rgb, {"exif": turned}), ("rgb.png", rgb, {}), ("rgba.png", rgba, {}), ("palette.png", few, {}),
        ("one.png", gray.convert("1"), {}), ("deep.png", gray.convert("I;16"), {}), ("turned.png", rgb, {"exif": turned}),
        ("lossy.webp", rgb, {}), ("lossless.webp", rgb, {"lossless": True}), ("alpha.webp", rgba, {}),
        ("anim.webp", rgb, {"save_all": True, "append_images": [rgb.rotate(180)]}),
        ("rgb.bmp", rgb, {}), ("gray.bmp", gray, {}), ("one.bmp", gray.convert("1"), {}), ("rgba.bmp", rgba, {}),
        ("plain.tif", rgb, {}), ("lzw.tif", rgb, {"compression": "tiff_lzw"}), ("packed.tif", few, {"compression": "packbits"}),
        ("deflate.tif", rgba, {"compression": "tiff_adobe_deflate"}), ("jpeg.tif", rgb, {"compression": "jpeg"}),
        ("fax.tif", gray.convert("1"), {"compression": "group4"}), ("turned.tif", rgb, {"exif": turned}),
        ("lossless.jp2", rgb, {}), ("lossy.jp2", gray, {"irreversible": True}), ("alpha.jp2", rgba, {}),
        ("p4.pbm", gray.convert("1"), {}), ("p5.pgm", gray, {}), ("p6.ppm", rgb, {}),
    ]
    for name, image, options in forms:
        file = io.BytesIO()
        image.save(file, {"jpg": "JPEG", "tif": "TIFF", "jp2": "JPEG2000", "pbm": "PPM", "pgm": "PPM", "ppm": "PPM"}.get(
            name.split(".")[1], name.split(".")[1].upper()), **options)
        put("image", name, file.getvalue())


def hand_made_seeds():
    palette = b"".join(bytes(c) for c in ((0, 0, 0, 0), (255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0)))

    def bmp(bits, compression, table, data):
        head = struct.pack("<IiiHHIIiiII", 40, 6, 2, 1, bits, compression, 0, 0, 0, len(table) // 4 if bits <= 8 else 0, 0)
        return b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + len(table)) + head + table + data

    put("image", "rle8.bmp", bmp(8, 1, palette, b"\2\1\0\2\1\1\0\3\1\2\3\0\0\1"))
    put("image", "rle4.bmp", bmp(4, 2, palette, b"\3\x12\0\0\0\3\x12\x30\0\1"))
    put("image", "fields.bmp", bmp(16, 3, struct.pack("<III", 0xF800, 0x7E0, 0x1F), bytes(range(24))))
    put("image", "p1.pbm", b"P1 # text\n3 2\n101\n010\n")
    put("image", "p2.pgm", b"P2 2 2 15 0 5 10 15\n")
    put("image", "p3.ppm", b"P3 1 2 255 1 2 3 4 5 6\n")

    def wav(tag, bits, data, channels=1, extra=b"", riff=b"RIFF", before=b""):
        block = bits // 8 * channels
        fmt = struct.pack("<HHIIHH", tag, channels, 16000, 16000 * block, block, bits) + extra
        body = b"WAVE" + before + b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(data)) + data
        return riff + struct.pack("<I", len(body)) + body

    guid = struct.pack("<HHIH", 22, 16, 4, 1) + b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
    put("wav", "pcm8.wav", wav(1, 8, bytes(range(0, 256, 8))))
    put("wav", "pcm16.wav", wav(1, 16, struct.pack("<8h", *range(-4000, 4000, 1000)), 2))
    put("wav", "pcm24.wav", wav(1, 24, bytes(range(24))))
    put("wav", "pcm32.wav", wav(1, 32, bytes(range(16))))
    put("wav", "float32.wav", wav(3, 32, struct.pack("<4f", 0, 0.5, -1, 2)))
    put("wav", "float64.wav", wav(3, 64, struct.pack("<2d", 0.25, -0.5)))
    put("wav", "alaw.wav", wav(6, 8, bytes(range(0, 256, 16))))
    put("wav", "mulaw.wav", wav(7, 8, bytes(range(0, 256, 16))))
    put("wav", "extensible.wav", wav(0xFFFE, 16, bytes(8), extra=guid))
    put("wav", "rf64.wav", wav(1, 8, b"\x80\xc0", riff=b"RF64", before=b"ds64" + struct.pack("<IQQQI", 28, 60, 2, 2, 0)))

    texts = {
        "header.csv": "a,b\n1,2\n3,4\n", "floats.csv": "1.5, -2e3\nnan,\n", "quotes.csv": '"a ""b""",x\n"line\nbreak",y\n',
        "tabs.csv": "# note\n1\t2\n", "nested.json": "[[1, 2], [3.5, null]]", "named.json": '{"x": [true], "y": ["nan", 1]}',
        "typed.json": '{"dtype": "int32", "shape": [2, 1], "data": [1, 2]}', "ragged.json": "[[1], [2, 3]]",
        "strings.json": '["a\\u20ac", "b"]',
    }
    for name, text in texts.items():
        put("text_input", name, text.encode())


def main():
    for seeds in (hand_made_seeds, numpy_seeds, picture_seeds):
        try:
            seeds()
        except ImportError as error:
            print(f"{seeds.__name__}: {error}; left as they are", file=sys.stderr)


if __name__ == "__main__":
    main()
