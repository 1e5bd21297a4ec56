"""A speech cloud on this machine: the wire protocols of the real ones, with small local engines inside.

    POST /v1/audio/transcriptions   as OpenAI      whisper tiny.en
    POST /v1/audio/speech           as OpenAI      hibari, else espeak-ng; `pcm` at 24 kHz and `wav`
    POST /v1/chat/completions       as OpenAI      rules
    WS   /v1/listen                 as Deepgram    whisper tiny.en
"""

import argparse
import asyncio
import functools
import io
import sys
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web
from faster_whisper.audio import decode_audio

import hearing
import listen
import sound
import think
import voice

# Sound goes out in pieces of so many bytes: a tenth of a second.
PIECE = 4800


class Server:
    def __init__(self):
        self.voice = voice.load()
        self.hearing = hearing.Hearing()
        # Who waits for a voice does not wait behind those who are listened to.
        self.speaking = ThreadPoolExecutor(max_workers=2)
        self.listening = ThreadPoolExecutor(max_workers=2)
        self.decoding = 0

    async def work(self, threads, function, *args):
        return await asyncio.get_running_loop().run_in_executor(threads, functools.partial(function, *args))

    async def decode(self, samples, rate, spare=False):
        """The words and how sure they are. What can be spared is left out while others wait."""
        if spare and self.decoding > 0:
            return "", 0.0
        self.decoding += 1
        try:
            return await self.work(self.listening, self.hearing.decode, samples, rate)
        finally:
            self.decoding -= 1

    async def transcriptions(self, request):
        if not request.content_type.startswith("multipart/"):
            return think.fault(400, "a multipart form is needed", "file")
        form, file = {}, None
        async for part in await request.multipart():
            if part.name == "file":
                file = await part.read()
            elif part.name:
                form[part.name] = await part.text()
        if not file:
            return think.fault(400, "there is no `file`", "file")
        try:
            samples = await self.work(self.listening, decode_audio, io.BytesIO(bytes(file)), sound.HEARING_RATE)
        except Exception as error:  # noqa: BLE001 - the decoder raises many kinds, all mean the same
            return think.fault(400, f"the file cannot be decoded: {error}", "file")
        text, _ = await self.decode(samples, sound.HEARING_RATE)
        if form.get("response_format", "json") == "text":
            return web.Response(text=text + "\n")
        seconds = round(len(samples) / sound.HEARING_RATE, 2)
        return web.json_response({"text": text, "usage": {"type": "duration", "seconds": seconds}})

    async def speech(self, request):
        try:
            body = await request.json()
            text, speed = str(body["input"]), float(body.get("speed") or 1.0)
        except (ValueError, KeyError, TypeError):
            return think.fault(400, "a JSON object with `input` is needed", "input")
        kind = body.get("response_format", "wav")
        if kind not in ("pcm", "wav"):
            return think.fault(400, f"`{kind}` is not made here; use pcm or wav", "response_format")
        if not 0 < len(text) <= 4096 or not 0.25 <= speed <= 4:
            return think.fault(400, "1 to 4096 characters at a speed of 0.25 to 4", "input")
        sentences = self.voice.sentences(text, min(max(speed, 0.5), 2.0))
        mime = "audio/wav" if kind == "wav" else "audio/pcm"
        response = web.StreamResponse(headers={"Content-Type": mime})
        response.enable_chunked_encoding()
        await response.prepare(request)
        try:
            if kind == "wav":
                await response.write(sound.wav_header(voice.RATE))
            while (samples := await self.work(self.speaking, next, sentences, None)) is not None:
                data = sound.to_pcm(samples)
                for at in range(0, len(data), PIECE):
                    await response.write(data[at : at + PIECE])
            await response.write_eof()
        except ConnectionResetError:
            # Interrupted: whoever asked has gone.
            pass
        return response

    async def listen(self, request):
        return await listen.listen(request, self.decode)

    async def models(self, _request):
        names = ("tiny.en", self.voice.name, "rules")
        return web.json_response({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})

    def app(self):
        app = web.Application(client_max_size=64 << 20)
        app.add_routes([
            web.post("/v1/audio/transcriptions", self.transcriptions),
            web.post("/v1/audio/speech", self.speech),
            web.post("/v1/chat/completions", think.completions),
            web.get("/v1/models", self.models),
            web.get("/v1/listen", self.listen),
        ])
        return app


async def serve(port):
    server = Server()
    runner = web.AppRunner(server.app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    try:
        await site.start()
    except OSError as error:
        print(f"error: port {port} cannot be had: {error.strerror}", file=sys.stderr)
        return 69
    if server.voice.name != "hibari":
        print(f"{server.voice.name} speaks: do not judge recognition by it", file=sys.stderr)
    port = runner.addresses[0][1]
    print(f"ready http://127.0.0.1:{port}/v1", flush=True)
    await asyncio.Event().wait()
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8090, help="the port on 127.0.0.1; 0 takes a free one")
    try:
        return asyncio.run(serve(parser.parse_args().port))
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
