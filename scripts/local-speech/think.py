"""`POST /v1/chat/completions`: the responder behind the wire protocol of chat models, streamed and whole."""

import asyncio
import json
import os
import re
import time
import uuid

from aiohttp import web

import answers

# A model thinks before its first word and between words; milliseconds.
FIRST_TOKEN = int(os.environ.get("LOCAL_SPEECH_FIRST_TOKEN_MS", "120"))
EACH_TOKEN = int(os.environ.get("LOCAL_SPEECH_TOKEN_MS", "15"))


def fault(status, message, param=None):
    """An error as these services write it."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": None}
    return web.json_response({"error": error}, status=status)


async def completions(request):
    try:
        body = await request.json()
        messages = body["messages"]
        assert isinstance(messages, list)
    except (ValueError, KeyError, TypeError, AssertionError):
        return fault(400, "a JSON object with `messages` is needed", "messages")
    unanswered = _unanswered(messages)
    if unanswered:
        return fault(400, f"the tool call {unanswered} has no answer", "messages")
    tools = [] if body.get("tool_choice") == "none" else body.get("tools") or []
    move = answers.answer(messages, tools)
    head = {
        "id": f"chatcmpl-{uuid.uuid4().hex[:24]}",
        "created": int(time.time()),
        "model": body.get("model") or "rules",
    }
    asked = sum(len(json.dumps(one)) for one in messages) // 4
    if body.get("stream"):
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return await _stream(request, head, move, asked, with_usage)
    await asyncio.sleep(FIRST_TOKEN / 1000)
    message, finish = _whole(move)
    choice = {"index": 0, "message": message, "finish_reason": finish}
    used = _usage(asked, move)
    return web.json_response({**head, "object": "chat.completion", "choices": [choice], "usage": used})


async def _stream(request, head, move, asked, with_usage):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)

    async def send(choices, **more):
        chunk = {**head, "object": "chat.completion.chunk", "choices": choices, **more}
        await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")

    def choice(delta, finish=None):
        return [{"index": 0, "delta": delta, "finish_reason": finish}]

    try:
        await asyncio.sleep(FIRST_TOKEN / 1000)
        more = {"usage": None} if with_usage else {}
        if move[0] == "text":
            await send(choice({"role": "assistant", "content": ""}), **more)
            for piece in _pieces(move[1]):
                await send(choice({"content": piece}), **more)
                await asyncio.sleep(EACH_TOKEN / 1000)
            await send(choice({}, "stop"), **more)
        else:
            call = _call(move)
            first = {"index": 0, "id": call["id"], "type": "function"}
            first["function"] = {"name": move[1], "arguments": ""}
            await send(choice({"role": "assistant", "content": None, "tool_calls": [first]}), **more)
            text = call["function"]["arguments"]
            for at in range(0, len(text), 7):
                part = {"index": 0, "function": {"arguments": text[at : at + 7]}}
                await send(choice({"tool_calls": [part]}), **more)
                await asyncio.sleep(EACH_TOKEN / 1000)
            await send(choice({}, "tool_calls"), **more)
        if with_usage:
            await send([], usage=_usage(asked, move))
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
    except ConnectionResetError:
        # Interrupted: whoever asked has gone.
        pass
    return response


def _whole(move):
    if move[0] == "text":
        return {"role": "assistant", "content": move[1]}, "stop"
    return {"role": "assistant", "content": None, "tool_calls": [_call(move)]}, "tool_calls"


def _call(move):
    function = {"name": move[1], "arguments": json.dumps(move[2])}
    return {"id": f"call_{uuid.uuid4().hex[:24]}", "type": "function", "function": function}


def _pieces(text):
    return re.findall(r"\s*\S+", text)


def _usage(asked, move):
    made = len(_pieces(move[1])) if move[0] == "text" else len(json.dumps(move[2])) // 4
    return {
        "prompt_tokens": asked,
        "completion_tokens": made,
        "total_tokens": asked + made,
        "prompt_tokens_details": {"cached_tokens": 0},
    }


def _unanswered(messages):
    """The first announced tool call without a result; real services refuse such a history."""
    results = {one.get("tool_call_id") for one in messages if one.get("role") == "tool"}
    for one in messages:
        for call in one.get("tool_calls") or []:
            if call.get("id") not in results:
                return call.get("id")
    return None
