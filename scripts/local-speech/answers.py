"""The responder: rules instead of a language model, so that a conversation costs nothing and goes the same way every time."""

import json
import re

RULES = [
    (r"\brepeat after me[:,]?\s*(?P<words>.+)", "{words}"),
    (r"\b(long story|tell me (more|everything))\b",
     "Gladly. The house was built in nineteen thirty. It has four floors and a garden behind it. "
     "The rooms are high and bright. The kitchen was renewed last year. There is a lift, and a cellar for every flat. "
     "The tram stops at the corner. A school and two shops are close by. The neighbours are quiet people. "
     "You can see it on any weekday after four."),
    (r"\b(human|person|agent|somebody real|operator)\b", "Of course. I will put you through to a colleague."),
    (r"\b(bye|goodbye|that'?s all|no,? thank|no thanks)\b", "Thank you for calling. Goodbye."),
    (r"\bthank(s| you)\b", "You are welcome. Is there anything else?"),
    (r"\b(price|cost|rent|how much)\b", "The rent is one thousand two hundred a month, with heating included."),
    (r"\b(open|hours|when are you)\b", "We are here from nine to five, Sunday to Thursday."),
    (r"\b(where|address|located)\b", "The flat is at twelve Garden Street, close to the station."),
    (r"\b(flat|apartment|room|house|looking for)\b", "We have two flats with three rooms. Which part of town would you like?"),
    (r"\b(hello|hi|good (morning|evening|afternoon))\b", "Hello! How can I help you today?"),
    (r"^\W*(yes|yeah|sure|ok(ay)?)\b", "Very well. What else should I know?"),
    (r"^\W*no\b", "All right. Is there anything else I can do for you?"),
]
# In turns: a caller who says many things that no rule knows is not told the same each time.
OTHERWISE = (
    "I see. Could you tell me a little more about that?",
    "Good to know. What else matters to you?",
    "I have written that down. When would you like to move in?",
)
NOTHING = "I am sorry, I did not hear that. Could you say it again?"
# Words that say nothing about which tool is meant.
COMMON = set("a an the to of for in on and or with by as is it its this that caller user call their your when use".split())


def answer(messages, tools):
    """The next move: `("text", words)` or `("tool", name, arguments)`."""
    last = messages[-1] if messages else {}
    if last.get("role") == "tool":
        return ("text", _after_tool(_text(last)))
    said = next((_text(one) for one in reversed(messages) if one.get("role") == "user"), "").strip()
    for tool in tools or []:
        function = tool.get("function") or {}
        if _asked_for(function, said):
            return ("tool", function.get("name", ""), _arguments(function.get("parameters") or {}, said))
    if not said:
        return ("text", NOTHING if any(one.get("role") == "assistant" for one in messages) else "Hello! How can I help you?")
    for pattern, reply in RULES:
        found = re.search(pattern, said, re.IGNORECASE)
        if found:
            return ("text", reply.format(**found.groupdict()))
    turns = sum(one.get("role") == "user" for one in messages)
    return ("text", OTHERWISE[turns % len(OTHERWISE)])


def _text(message):
    content = message.get("content") or ""
    if isinstance(content, list):
        return " ".join(part.get("text", "") for part in content if isinstance(part, dict))
    return str(content)


def _asked_for(function, said):
    """A tool is asked for where the caller says every telling word of its name, or its name as it stands."""
    spoken = set(re.findall(r"[a-z]+", said.lower()))
    name = function.get("name", "").lower()
    telling = [word for word in re.split(r"[^a-z]+", name) if word and word not in COMMON]
    return bool(telling) and (name in said.lower() or all(_among(word, spoken) for word in telling))


def _among(word, spoken):
    return any(one.startswith(word) or (len(one) > 4 and word.startswith(one)) for one in spoken)


def _arguments(schema, said):
    """One value for every property, as far as the caller's words hold one."""
    numbers = re.findall(r"\d+(?:\.\d+)?", said)
    found = {}
    for name, kind in (schema.get("properties") or {}).items():
        options = kind.get("enum")
        if options:
            found[name] = next((one for one in options if str(one).lower() in said.lower()), options[0])
        elif kind.get("type") in ("integer", "number"):
            number = numbers.pop(0) if numbers else "0"
            found[name] = int(float(number)) if kind["type"] == "integer" else float(number)
        elif kind.get("type") == "boolean":
            found[name] = not re.search(r"\b(no|not)\b", said, re.IGNORECASE)
        elif kind.get("type") == "array":
            found[name] = []
        elif kind.get("type") == "object":
            found[name] = {}
        else:
            found[name] = said
    return found


def _after_tool(result):
    try:
        value = json.loads(result)
    except ValueError:
        value = result
    if isinstance(value, dict):
        if value.get("error"):
            return "I am sorry, that did not work. Shall I try something else?"
        spoken = value.get("say") or value.get("message") or value.get("result")
        if isinstance(spoken, str):
            return spoken
    return "That is done. Is there anything else?"
