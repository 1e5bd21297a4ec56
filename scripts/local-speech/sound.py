"""Sound as numbers: mu-law, levels, and the few changes of rate that telephony needs. Samples are float32 in -1..1."""

import io
import struct
import wave

import numpy as np

LINE_RATE = 8000
HEARING_RATE = 16000


def _mulaw_table():
    codes = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((codes & 0x0F) << 3) + 0x84) << ((codes >> 4) & 7)) - 0x84
    return np.where(codes & 0x80, -magnitude, magnitude).astype(np.float32) / 32768.0


_MULAW = _mulaw_table()


def from_mulaw(data):
    return _MULAW[np.frombuffer(data, np.uint8)]


def from_pcm(data):
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / 32768.0


def to_pcm(samples):
    return (np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()


def level(samples):
    """The level of a piece in dBFS, -100 for silence."""
    power = float(np.mean(np.square(samples))) if len(samples) else 0.0
    return 10 * np.log10(power) if power > 1e-10 else -100.0


def _lowpass(cutoff, taps=63):
    """A windowed sinc; `cutoff` as a share of the rate it runs at."""
    at = np.arange(taps) - (taps - 1) / 2
    kernel = 2 * cutoff * np.sinc(2 * cutoff * at) * np.hamming(taps)
    return (kernel / kernel.sum()).astype(np.float32)


def resample(samples, old, new):
    """From one rate to another, filtered to what both can carry and without a shift in time."""
    if old == new or len(samples) == 0:
        return samples.astype(np.float32)
    divisor = np.gcd(old, new)
    up, down = new // divisor, old // divisor
    if up * down > 1000:
        # An unusual pair of rates: filter first, then read between the samples.
        if new < old:
            samples = np.convolve(samples, _lowpass(0.46 * new / old), "same")
        at = np.arange(int(len(samples) * new / old)) * (old / new)
        return np.interp(at, np.arange(len(samples)), samples).astype(np.float32)
    spread = np.zeros(len(samples) * up, np.float32)
    spread[::up] = samples * up
    kernel = _lowpass(0.46 / max(up, down), 20 * max(up, down) + 1)
    # The shorter of the two decides how long "same" is; a tiny piece must not grow.
    filtered = np.convolve(spread, kernel, "full")[len(kernel) // 2 :][: len(spread)]
    return filtered[::down].astype(np.float32)


def wav(samples, rate):
    """A whole mono WAV file of 16 bits."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(to_pcm(samples))
    return file.getvalue()


def wav_header(rate):
    """The header of a WAV file whose length is not known yet."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 0xFFFFFFFF, b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16, b"data", 0xFFFFFFFF - 36),
    )
