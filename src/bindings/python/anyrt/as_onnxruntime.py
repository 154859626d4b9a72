"""python -m anyrt.as_onnxruntime SCRIPT [ARGUMENT]...: runs a program written for onnxruntime on anyrt."""
import runpy
import sys

import anyrt


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return 0 if len(sys.argv) > 1 else 2
    anyrt.install_as_onnxruntime()
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())
