"""Human speech for the caller: prompts of Debian's asterisk-core-sounds-en-wav, whole or with a measured pause within."""

import array
import math
import os
import wave

FOLDER = "/usr/share/asterisk/sounds/en_US_f_Allison"
RATE = 8000
STEP = RATE // 100
# What is softer is silence, as `engine score` has it (dBFS).
AUDIBLE = -45.0
# The edges of a cut are faded over so many samples, or it would click.
FADE = 40

# Sentences of one speaker, said in one go.
PROMPTS = {
    "cannot-complete-as-dialed": "Your call cannot be completed as dialed.",
    "conf-leaderhasleft": "The leader has left the conference.",
    "conf-onlyone": "There is currently one other participant in the conference.",
    "conf-getconfno": "Please enter your conference number followed by the pound key.",
    "conf-waitforleader": "The conference will begin when the leader arrives.",
    "conf-onlyperson": "You are currently the only person in this conference.",
    "demo-nomatch": "I'm sorry, there are no matches for those keywords.",
    "dir-nomore": "There are no more compatible entries in the directory.",
    "enter-num-blacklist": "Please enter the number to be blacklisted.",
    "feature-not-avail-line": "That feature is not available on this line.",
    "please-try-call-later": "Please try your call again later.",
    "privacy-unident": "The party you are trying to reach does not accept unidentified calls.",
    "something-terribly-wrong": "Something is terribly wrong.",
    "speed-dial-empty": "The speed dial entry you have accessed is empty.",
    "tt-monkeysintro": "They have been carried away by monkeys.",
    "tt-weasels": "Weasels have eaten our phone system.",
    "vm-enter-num-to-call": "Please enter the number you wish to call.",
    "conf-kicked": "You have been kicked from this conference.",
}


def is_here():
    return all(os.path.exists(f"{FOLDER}/{name}.wav") for name in PROMPTS)


def read(name):
    """A prompt without its quiet edges."""
    with wave.open(f"{FOLDER}/{name}.wav") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        samples = array.array("h", file.readframes(file.getnframes()))
    heard = [at for at in range(0, len(samples) - STEP, STEP) if level(samples[at : at + STEP]) > AUDIBLE]
    return samples[heard[0] : heard[-1] + STEP]


def paused(samples, pause):
    """The same with a pause of so many milliseconds where it is quietest near the middle: between two words, mostly."""
    middle = range(len(samples) * 35 // 100 // STEP * STEP, len(samples) * 70 // 100, STEP)
    cut = min(middle, key=lambda at: level(samples[at - STEP : at + STEP]))
    before, after = cut, cut
    while level(samples[before - STEP : before]) <= AUDIBLE:
        before -= STEP
    while level(samples[after : after + STEP]) <= AUDIBLE:
        after += STEP
    left, right = samples[:before], samples[after:]
    for at in range(FADE):
        left[-1 - at] = left[-1 - at] * at // FADE
        right[at] = right[at] * at // FADE
    return left + array.array("h", bytes(2 * pause * RATE // 1000)) + right


def write(path, samples):
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


def level(samples):
    power = sum(sample * sample for sample in samples) / max(len(samples), 1) / 32768.0**2
    return 10 * math.log10(power) if power > 1e-10 else -100.0
