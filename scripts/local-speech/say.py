"""Says something into a file, as a telephone carries it: 8 kHz, mono, nothing above 4 kHz."""

import sys

import numpy as np

import sound
import voice


def main():
    if len(sys.argv) != 3:
        print('usage: speak "text" out.wav', file=sys.stderr)
        return 2
    text, path = sys.argv[1:]
    pieces = [np.zeros(0, np.float32), *voice.load().sentences(text, 1.0)]
    samples = sound.resample(np.concatenate(pieces), voice.RATE, sound.LINE_RATE)
    with open(path, "wb") as file:
        file.write(sound.wav(samples, sound.LINE_RATE))
    return 0


if __name__ == "__main__":
    sys.exit(main())
