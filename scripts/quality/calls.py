"""The calls that are placed: what the caller does in each, as `engine simulate --caller` reads it, and with which noise."""

import material

STORY = "Tell me a long story."

PLAIN = [
    [
        "Hello, I am looking for a flat with three rooms.",
        "What does it cost?",
        "Where is it?",
        "My name is Daniel Green.",
        "When are you open?",
        "Could you send me some pictures?",
        "No, thank you. That is all. Goodbye.",
    ],
    [
        "Good morning. I saw your advertisement in the paper.",
        "How much is the rent, please?",
        "Is there a balcony?",
        "We would move in at the end of June.",
        "What is the address?",
        "We have two children and a small dog.",
    ],
]

SIGNS = [
    ["Yeah.", "Okay.", "Mm-hm.", "I see."],
    ["Mm-hm.", "Right.", "Yeah.", "Sure."],
    ["Uh huh.", "Yes.", "Okay.", "Mm-hm."],
    ["Right.", "I see.", "Mm-hm.", "Yeah."],
]

INTERRUPTIONS = [
    [(1000, "Wait, please. How much is the rent?"), (2500, "Stop. Where is the flat?"), (1700, "Sorry, when are you open?")],
    [(2000, "Excuse me, I have a question."), (800, "No, wait. What is the address?"), (3000, "That is too expensive for me.")],
    [(1300, "But how much does it cost?"), (2200, "I already know that. Is there a garden?"), (900, "Hold on, one moment.")],
    [(1500, "Can I come and see it tomorrow?"), (2700, "Wait. Wait, please."), (1900, "How many rooms does it have?")],
]


def turns(sentences):
    return [step for words in sentences for step in ("wait turn", f"speak {words}")]


def signs(words):
    """Signs of listening, spread over a long answer."""
    steps = ["wait turn", f"speak {STORY}", "wait speaking 1200ms"]
    for word in words:
        steps += [f"backchannel {word}", "wait 2500ms", "wait speaking 400ms"]
    # The last wait would make the next words an interruption.
    return steps[:-2]


def interruptions(moments):
    return [step for at, words in moments for step in ("wait turn", f"speak {STORY}", f"interrupt after {at}ms", f"speak {words}")]


def human(names, folder, pause):
    """Turns spoken by a person; with a pause within each of them, where `pause` gives one."""
    steps = []
    for index, name in enumerate(names):
        millis = pause(index)
        sound = material.read(name)
        path = f"{folder}/{name}-{millis}.wav"
        material.write(path, material.paused(sound, millis) if millis else sound)
        steps += ["wait turn", f"speak {path} as {material.PROMPTS[name]}"]
    return steps


def all_calls(folder):
    """`(kind, steps, noise)` of every call."""
    calls = [("interruptions", interruptions(one), None) for one in INTERRUPTIONS]
    calls += [("backchannels", signs(one), None) for one in SIGNS]
    calls += [("plain", turns(one), None) for one in PLAIN]
    calls += [("noise", turns(PLAIN[0]), "pink:15db"), ("noise", turns(PLAIN[1]), "15db")]
    if material.is_here():
        names = sorted(material.PROMPTS)
        thirds = [names[at::3] for at in range(3)]
        calls += [("plain", human(one, folder, lambda _: 0), None) for one in thirds[:2]]
        # 300 to 450 ms.
        calls += [
            ("pauses", human(one, folder, lambda index, by=by: 300 + (index * 50 + by * 25) % 151), None)
            for by, one in enumerate(thirds)
        ]
        calls += [("noise", human(thirds[2], folder, lambda index: 300 + 30 * index), "pink:15db")]
    return calls
