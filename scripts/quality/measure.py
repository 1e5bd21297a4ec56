"""Places whole spoken calls and judges them at the caller's ear; fails where the conversation is not good enough."""

import argparse
import concurrent.futures
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import calls
import material

KINDS = ["plain", "pauses", "backchannels", "interruptions", "noise"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="target/debug/engine")
    parser.add_argument("--service", default="http://127.0.0.1:8090/v1", help="the local speech server")
    parser.add_argument("--flow", default="examples/local-agent.yaml")
    parser.add_argument("--only", choices=KINDS, action="append", help="calls of this kind alone")
    parser.add_argument("--rounds", type=int, default=1, help="how often all calls are placed")
    parser.add_argument("--at-once", type=int, default=5, help="how many calls are on the line together")
    parser.add_argument("--keep", help="a folder for recordings, labels, logs and judgements")
    args = parser.parse_args()

    began = time.monotonic()
    folder = args.keep or tempfile.mkdtemp(prefix="engine-quality-")
    os.makedirs(folder, exist_ok=True)
    if not material.is_here():
        print("skipped: human speech (the Debian package asterisk-core-sounds-en-wav is not installed)")
    wanted = [one for one in calls.all_calls(folder) if not args.only or one[0] in args.only] * args.rounds
    flow = project(args, folder)
    with concurrent.futures.ThreadPoolExecutor(args.at_once) as pool:
        judged = list(pool.map(lambda item: place(args, folder, flow, item), enumerate(wanted)))
    tell_table([one for one in judged if one])
    wrong = missed([one for one in judged if one])
    if None in judged:
        wrong.append(f"{judged.count(None)} calls failed")
    print(f"{len(wanted)} calls in {time.monotonic() - began:.0f} s")
    for one in wrong:
        print(f"missed: {one}")
    if not args.keep and not wrong:
        shutil.rmtree(folder)
    elif wrong:
        print(f"recordings, labels and logs: {folder}")
    return 1 if wrong else 0


def project(args, folder):
    """The flow where its providers are those of the service that was named."""
    root = os.path.join(folder, "project")
    os.makedirs(root, exist_ok=True)
    for name in ("static", "templates", "schemas"):
        link = os.path.join(root, name)
        if os.path.isdir(name) and not os.path.exists(link):
            os.symlink(os.path.abspath(name), link)
    os.makedirs(os.path.join(root, "flows"), exist_ok=True)
    path = os.path.join(root, "flows", os.path.basename(args.flow))
    address = args.service.split("//")[1].split("/")[0]
    with open(args.flow, encoding="utf-8") as file, open(path, "w", encoding="utf-8") as copy:
        copy.write(file.read().replace("127.0.0.1:8090", address))
    return path


def place(args, folder, flow, item):
    """Places one call and has it judged; nothing where it fails."""
    number, (kind, steps, noise) = item
    base = os.path.join(folder, f"{number:02}-{kind}")
    script = "\n".join([*steps, "wait turn", "hangup"])
    command = [args.engine, "simulate", "--flow", flow, "--voice", args.service, "--caller", script]
    command += ["--out", f"{base}.wav", "--labels", f"{base}.json", "--linger", "0s", "--verbose"]
    command += ["--noise", noise] if noise else []
    # What it keeps is kept apart: two calls may have the same number.
    temporary = tempfile.mkdtemp(prefix="call-", dir=folder)
    with open(f"{base}.log", "w", encoding="utf-8") as log:
        code = subprocess.run(command, stdout=log, stderr=log, env={**os.environ, "TMPDIR": temporary}, check=False).returncode
    shutil.rmtree(temporary, ignore_errors=True)
    if code != 0:
        with open(f"{base}.log", encoding="utf-8") as log:
            print(f"call {base}: exit code {code}", *log.readlines()[-15:], sep="\n  ")
        return None
    told = subprocess.run(
        [args.engine, "score", f"{base}.wav", "--labels", f"{base}.json", "--json"], capture_output=True, text=True, check=False
    )
    if told.returncode != 0:
        print(f"call {base}: {told.stderr}")
        return None
    with open(f"{base}.score.json", "w", encoding="utf-8") as file:
        file.write(told.stdout)
    return kind, os.path.basename(base), json.loads(told.stdout)


def numbers(judged):
    """The sums over some calls."""
    turns = [turn for _, _, call in judged for turn in call["turns"]]
    signs = [sign["reaction"]["kind"] for _, _, call in judged for sign in call["backchannels"]]
    return {
        "turns": len(turns),
        "cut_ins": sum(turn["cut_in_ms"] is not None for turn in turns),
        "missed": sum(turn["response"]["kind"] == "unanswered" for turn in turns),
        "responses": sorted(turn["response"]["after_ms"] for turn in turns if turn["response"]["kind"] == "answered"),
        "yields": sorted(turn["yielded"]["after_ms"] for turn in turns if turn["yielded"]),
        "signs": len(signs),
        "paused": sum(kind == "resumed" for kind in signs),
        "stopped": sum(kind == "stopped" for kind in signs),
    }


def tell_table(judged):
    print(
        f"{'':14}{'calls':>6}{'turns':>6}{'cut-ins':>8}{'missed':>7}  {'response ms':<18}{'yield ms':<18}{'nods':>5}{'paused':>7}{'stopped':>8}"
    )
    for kind in [*KINDS, "all"]:
        some = [one for one in judged if kind in (one[0], "all")]
        if not some:
            continue
        sums = numbers(some)
        print(
            f"{kind:14}{len(some):6}{sums['turns']:6}{sums['cut_ins']:8}{sums['missed']:7}  "
            f"{spread(sums['responses']):<18}{spread(sums['yields']):<18}{sums['signs']:5}{sums['paused']:7}{sums['stopped']:8}"
        )


def spread(times):
    """Median and slowest."""
    return f"{statistics.median(times):.0f} (≤ {times[-1]})" if times else "–"


def missed(judged):
    """What is not good enough, in words. The bounds leave room for two busy cores."""
    sums = numbers(judged)
    wrong = []
    for kind in ("cut_ins", "missed"):
        if sums[kind] * 20 >= max(sums["turns"], 20):
            wrong.append(f"{kind}: {sums[kind]} in {sums['turns']} turns; fewer than one in 20 are allowed")
    if sums["responses"] and statistics.median(sums["responses"]) > 2000:
        wrong.append(f"response: the median is {statistics.median(sums['responses'])} ms; 2000 are allowed")
    if sums["yields"] and statistics.median(sums["yields"]) > 1000:
        wrong.append(f"yield: the median is {statistics.median(sums['yields'])} ms; 1000 are allowed")
    # The small recogniser writes a hum down as a word now and then, and a word ends an answer.
    if sums["stopped"] * 10 > max(sums["signs"], 10):
        wrong.append(f"wrong yields: {sums['stopped']} of {sums['signs']} signs of listening; one in 10 is allowed")
    if not judged:
        wrong.append("nothing was judged")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
