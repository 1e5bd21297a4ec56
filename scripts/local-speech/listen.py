"""`WS /v1/listen`: streaming speech to text as Deepgram's first version speaks it, with whisper behind.

What is said is decoded anew every 0.8 s for interim results. Once 96 ms are silent it is decoded at a venture: if the
caller has really finished, the words are at hand when the pause is long enough or `Finalize` comes.
"""

import asyncio
import contextlib
import json
import time
import uuid

import numpy as np
from aiohttp import WSMsgType, web

import sound

FRAME = 0.032
MARGIN, LEAST, HIGHEST_FLOOR = 10.0, -42.0, -30.0
AGAIN_AFTER = 0.8
VENTURE_AFTER = 0.096
LEAD = 0.3
LONGEST = 25.0
IDLE = 10.0


class Session:
    def __init__(self, socket, query, decode):
        self.socket = socket
        self.decode = decode
        self.rate = int(query.get("sample_rate", "8000"))
        self.read = {"mulaw": sound.from_mulaw, "linear16": sound.from_pcm}[query.get("encoding", "linear16")]
        self.interim = query.get("interim_results") == "true"
        self.events = query.get("vad_events") == "true"
        endpointing = query.get("endpointing", "300")
        self.endpointing = None if endpointing == "false" else max(int(endpointing) / 1000, VENTURE_AFTER)
        end = query.get("utterance_end_ms")
        self.utterance_end = int(end) / 1000 if end else None
        self.id = str(uuid.uuid4())
        self.frame = int(self.rate * FRAME)
        self.rest = np.zeros(0, np.float32)
        self.frames = []
        self.heard = 0.0
        self.segment_at = 0.0
        self.floors = [-60.0]
        self.speaking = False
        self.silence = 0.0
        self.last_word_end = 0.0
        self.utterance_open = False
        self.decoded_at = 0.0
        self.interim_task = None
        # The decoding at a venture and the moment up to which it heard.
        self.venture = None
        self.working = asyncio.Lock()

    async def take(self, data):
        """Hears some more sound."""
        samples = np.concatenate([self.rest, self.read(data)])
        whole = len(samples) // self.frame * self.frame
        self.rest = samples[whole:]
        for at in range(0, whole, self.frame):
            await self.hear(samples[at : at + self.frame])

    async def hear(self, frame):
        level = sound.level(frame)
        self.floors = (self.floors + [level])[-100:]
        floor = min(float(np.percentile(self.floors, 10)), HIGHEST_FLOOR)
        loud = level > max(floor + MARGIN, LEAST)
        self.frames.append(frame)
        self.heard += FRAME
        if loud:
            self.silence = 0.0
            self.last_word_end = self.heard
            if not self.speaking:
                self.speaking = True
                self.utterance_open = True
                self.decoded_at = self.heard
                if self.events:
                    await self.send({"type": "SpeechStarted", "channel": [0], "timestamp": round(self.heard - FRAME, 3)})
            self.venture = None
        else:
            self.silence += FRAME
        if not self.speaking:
            self.forget()
            if self.utterance_end and self.utterance_open and self.heard - self.last_word_end >= self.utterance_end:
                self.utterance_open = False
                end = {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": round(self.last_word_end, 3)}
                await self.send(end)
            return
        if self.silence >= VENTURE_AFTER and self.venture is None:
            self.venture = asyncio.create_task(self.decode(self.sound(), self.rate))
        if self.endpointing is not None and self.silence >= self.endpointing:
            await self.finish(speech_final=True)
        elif self.heard - self.segment_at > LONGEST:
            await self.finish()
        elif self.interim and loud and self.heard - self.decoded_at >= AGAIN_AFTER and self.interim_idle():
            self.decoded_at = self.heard
            self.interim_task = asyncio.create_task(self.tell_interim(self.sound(), self.segment_at, self.heard))

    def interim_idle(self):
        return self.interim_task is None or self.interim_task.done()

    async def tell_interim(self, samples, at, until):
        text, sure = await self.decode(samples, self.rate, spare=True)
        # Meanwhile the segment may have become final; late words would be said twice.
        if text and at == self.segment_at and self.speaking:
            await self.tell(text, sure, at, until)

    async def finish(self, speech_final=False, from_finalize=False):
        """Makes what was heard final."""
        async with self.working:
            at, until, text, sure = self.segment_at, self.heard, "", 0.0
            if self.speaking:
                work = self.venture or asyncio.create_task(self.decode(self.sound(), self.rate))
                self.speaking = False
                self.venture = None
                self.frames = []
                self.segment_at = self.heard
                text, sure = await work
            await self.tell(text, sure, at, until, final=True, speech_final=speech_final, from_finalize=from_finalize)

    def forget(self):
        """Between utterances only the last moments are kept: the begin of a word is often below the threshold."""
        keep = int(LEAD / FRAME)
        if len(self.frames) > keep:
            self.frames = self.frames[-keep:]
        self.segment_at = self.heard - len(self.frames) * FRAME

    def sound(self):
        return np.concatenate(self.frames) if self.frames else np.zeros(0, np.float32)

    async def tell(self, text, sure, at, until, final=False, speech_final=False, from_finalize=False):
        spoken = text.split()
        each = (until - at) / len(spoken) if spoken else 0.0
        words = [
            {
                "word": word.strip(".,!?").lower(),
                "start": round(at + each * index, 3),
                "end": round(at + each * (index + 1), 3),
                "confidence": round(sure, 3),
                "punctuated_word": word,
            }
            for index, word in enumerate(spoken)
        ]
        await self.send({
            "type": "Results",
            "channel_index": [0, 1],
            "start": round(at, 3),
            "duration": round(until - at, 3),
            "is_final": final,
            "speech_final": speech_final,
            "from_finalize": from_finalize,
            "channel": {"alternatives": [{"transcript": text, "confidence": round(sure, 3), "words": words}]},
            "metadata": {"request_id": self.id, "model_info": {"name": "tiny.en"}},
        })

    async def send(self, message):
        if not self.socket.closed:
            # A caller who has hung up does not hear the rest.
            with contextlib.suppress(ConnectionResetError):
                await self.socket.send_str(json.dumps(message))

    async def close(self):
        if self.speaking:
            await self.finish(speech_final=True)
        await self.send({"type": "Metadata", "request_id": self.id, "duration": round(self.heard, 3), "channels": 1})


async def listen(request, decode):
    query = request.query
    if query.get("encoding", "linear16") not in ("mulaw", "linear16"):
        return web.json_response({"err_code": "Bad Request", "err_msg": "encoding must be mulaw or linear16"}, status=400)
    try:
        session = Session(web.WebSocketResponse(max_msg_size=1 << 20), query, decode)
    except ValueError:
        return web.json_response({"err_code": "Bad Request", "err_msg": "a number cannot be read"}, status=400)
    await session.socket.prepare(request)
    last = time.monotonic()
    while True:
        try:
            message = await session.socket.receive(timeout=max(last + IDLE - time.monotonic(), 0.01))
        except asyncio.TimeoutError:
            await session.socket.close(code=1011, message=b"NET-0001: no sound and no KeepAlive")
            break
        if message.type == WSMsgType.BINARY:
            last = time.monotonic()
            if not message.data:
                await session.close()
                await session.socket.close()
                break
            await session.take(message.data)
        elif message.type == WSMsgType.TEXT:
            last = time.monotonic()
            if await _obey(session, message.data):
                break
        else:
            break
    return session.socket


async def _obey(session, text):
    """Follows a control message; true where it was the last."""
    try:
        kind = json.loads(text).get("type")
    except (ValueError, AttributeError):
        kind = None
    if kind == "Finalize":
        await session.finish(from_finalize=True)
    elif kind == "CloseStream":
        await session.close()
        await session.socket.close()
        return True
    elif kind != "KeepAlive":
        await session.socket.close(code=1008, message=b"DATA-0000: not a control message")
        return True
    return False
