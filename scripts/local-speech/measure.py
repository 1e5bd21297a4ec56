"""Asks a running server everything once and says how long it took: `measure.py http://127.0.0.1:8090/v1`."""

import asyncio
import json
import sys
import time

import aiohttp
import numpy as np

import sound

SENTENCES = [
    "Hello, I am looking for a flat with three rooms.",
    "Yes, please.",
    "No.",
    "My number is zero five four, three two one, seven eight nine zero.",
    "Could you tell me how much the rent is, and when I could come to see it?",
    "I would like to book a viewing tomorrow at five.",
]
TOOL = {
    "type": "function",
    "function": {
        "name": "book_viewing",
        "parameters": {"type": "object", "properties": {"when": {"type": "string"}, "hour": {"type": "integer"}}},
    },
}


async def main(base):
    async with aiohttp.ClientSession() as http:
        spoken = []
        for text in SENTENCES:
            spoken.append(await speech(http, base, text))
        for text, samples in zip(SENTENCES, spoken):
            await transcribe(http, base, text, samples)
        await chat(http, base, [{"role": "user", "content": SENTENCES[0]}], None)
        await chat(http, base, [{"role": "user", "content": SENTENCES[5]}], [TOOL])
        for text, samples in zip(SENTENCES, spoken):
            await listen(http, base, text, samples, finalize_after=None)
            await listen(http, base, text, samples, finalize_after=0.2)


async def speech(http, base, text):
    began, first, data = time.monotonic(), None, b""
    body = {"model": "hibari", "input": text, "voice": "heart", "response_format": "pcm"}
    async with http.post(f"{base}/audio/speech", json=body) as answer:
        answer.raise_for_status()
        async for piece in answer.content.iter_any():
            first = first or time.monotonic() - began
            data += piece
    print(f"speech         first {ms(first)}, all {ms(time.monotonic() - began)}, {len(data) / 48000:.1f} s of sound")
    return sound.resample(sound.from_pcm(data), 24000, sound.LINE_RATE)


async def transcribe(http, base, text, samples):
    form = aiohttp.FormData()
    form.add_field("file", sound.wav(samples, sound.LINE_RATE), filename="a.wav", content_type="audio/wav")
    form.add_field("model", "tiny.en")
    began = time.monotonic()
    async with http.post(f"{base}/audio/transcriptions", data=form) as answer:
        heard = (await answer.json())["text"]
    print(f"transcription  {ms(time.monotonic() - began)}  {heard!r}  of {text!r}")


async def chat(http, base, messages, tools):
    body = {"model": "rules", "messages": messages, "stream": True, "stream_options": {"include_usage": True}}
    if tools:
        body["tools"] = tools
    began, first, text, arguments, usage, finish = time.monotonic(), None, "", "", None, None
    async with http.post(f"{base}/chat/completions", json=body) as answer:
        async for line in answer.content:
            if not line.startswith(b"data: {"):
                continue
            chunk = json.loads(line[6:])
            usage = chunk.get("usage") or usage
            for choice in chunk["choices"]:
                first = first or time.monotonic() - began
                finish = choice["finish_reason"] or finish
                text += choice["delta"].get("content") or ""
                for call in choice["delta"].get("tool_calls") or []:
                    arguments += call["function"].get("name", "") + " " * ("name" in call["function"])
                    arguments += call["function"].get("arguments", "")
    print(f"chat           first {ms(first)}, {finish}, {usage['total_tokens']} tokens  {text or arguments!r}")


async def listen(http, base, text, samples, finalize_after):
    """Speaks at the pace of a call, as mu-law, and measures from the true end of speech."""
    query = "encoding=mulaw&sample_rate=8000&interim_results=true&endpointing=" + ("300" if not finalize_after else "false")
    loud = np.flatnonzero(np.abs(samples) > 0.02)
    samples = samples[: loud[-1] + 1]
    data = to_mulaw(samples)
    silence = b"\xff" * 160
    frames = [silence] * 25 + [data[at : at + 160].ljust(160, b"\xff") for at in range(0, len(data), 160)]
    interims, final, ended = 0, None, None
    async with http.ws_connect(f"{base}/listen?{query}") as socket:

        async def say():
            nonlocal ended
            began = time.monotonic()
            for index in range(len(frames) + 100):
                await asyncio.sleep(max(0, began + index * 0.02 - time.monotonic()))
                if index == len(frames):
                    ended = time.monotonic()
                await socket.send_bytes(frames[index] if index < len(frames) else silence)
                if finalize_after and index == len(frames) + int(finalize_after * 50):
                    await socket.send_str(json.dumps({"type": "Finalize"}))

        talking = asyncio.create_task(say())
        words = []
        async for message in socket:
            result = json.loads(message.data)
            if result["type"] != "Results":
                continue
            if not result["is_final"]:
                interims += 1
                continue
            words.append(result["channel"]["alternatives"][0]["transcript"])
            if result["from_finalize"] if finalize_after else result["speech_final"] and ended:
                final = time.monotonic()
                break
        talking.cancel()
    how = f"Finalize {int(finalize_after * 1000)} ms" if finalize_after else "endpointing 300 ms"
    print(f"listen         final {ms(final - ended)} after the end ({how}), {interims} interims  {' '.join(words)!r}")


def to_mulaw(samples):
    table = sound.from_mulaw(bytes(range(256)))
    order = np.argsort(table)
    ranked = table[order]
    at = np.clip(np.searchsorted((ranked[1:] + ranked[:-1]) / 2, samples), 0, 255)
    return order[at].astype(np.uint8).tobytes()


def ms(seconds):
    return f"{round(seconds * 1000)} ms"


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8090/v1"))
