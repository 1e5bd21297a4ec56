"""Text to speech: hibari where it is installed, else espeak-ng. Both give 24 kHz, a sentence at a time."""

import io
import re
import shutil
import subprocess
import threading
import wave

import numpy as np

import sound

RATE = 24000
# What is left of the silence around a sentence, in seconds: together the 350 ms that speakers leave between two.
BEFORE, AFTER = 0.05, 0.30
# What is softer in 10 ms is silence, in dBFS.
AUDIBLE = -50.0


def trimmed(samples):
    """A sentence without the silence that a synthesiser puts around it: twice 300 ms would end any turn."""
    step = RATE // 100
    heard = [at for at in range(0, len(samples), step) if sound.level(samples[at : at + step]) > AUDIBLE]
    if not heard:
        return samples
    spoken = samples[max(heard[0] - int(BEFORE * RATE), 0) : heard[-1] + step]
    return np.concatenate([spoken, np.zeros(int(AFTER * RATE), np.float32)])


class Hibari:
    name = "hibari"

    def __init__(self):
        import hibari

        self._tts = hibari.Hibari()
        self._lock = threading.Lock()
        # The first words load dictionaries; callers must not wait for that.
        self._tts("Hello.")

    def sentences(self, text, speed):
        with self._lock:
            phonemes = self._tts.phonemize(text)
        for one in phonemes:
            with self._lock:
                piece = self._tts.from_ids(self._tts.ids(one), speed, np.random.default_rng(0))
            yield trimmed(piece)


class Espeak:
    name = "espeak-ng"

    def sentences(self, text, speed):
        for one in re.split(r"(?<=[.!?])\s+", text.strip()):
            if not one:
                continue
            done = subprocess.run(
                ["espeak-ng", "-s", str(int(165 * speed)), "--stdout", "--", one], capture_output=True, check=True
            )
            # The header claims a length that is not true; the bytes are what there is.
            with wave.open(io.BytesIO(done.stdout)) as file:
                rate = file.getframerate()
            yield trimmed(sound.resample(sound.from_pcm(done.stdout[44:]), rate, RATE))


def load():
    try:
        return Hibari()
    except ImportError:
        pass
    if shutil.which("espeak-ng"):
        return Espeak()
    raise SystemExit("error: neither hibari nor espeak-ng is installed, so nothing can be spoken")
