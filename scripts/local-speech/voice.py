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
            yield piece


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
            yield sound.resample(sound.from_pcm(done.stdout[44:]), rate, RATE)


def load():
    try:
        return Hibari()
    except ImportError:
        pass
    if shutil.which("espeak-ng"):
        return Espeak()
    raise SystemExit("error: neither hibari nor espeak-ng is installed, so nothing can be spoken")
