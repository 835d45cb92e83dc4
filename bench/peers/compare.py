"""Compares kotoba with its peers on this machine, the two alternating.

    pip install -r requirements.txt
    python compare.py [--kotoba bin/kotoba] [--threads 2] [--rounds 3] [--model DIR --text FILE] [WORKLOAD...]

prints a table in Markdown: the best of all rounds of each side, their ratio,
and the share that kotoba reaches of what the machine can do at most. Workloads
are gemm, train, lstm, decode, bert, pretrain and embed; without a name all of
them run. embed wants a BERT model, in the layout of Hugging Face with its
tokenizer.json, and a file of sentences, and is left out without.
"""

import argparse
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# workload, and the options, which both sides take, of what one run of kotoba bench measures
CASES = (
    [("gemm", [("--shape", n) for n in ("512", "1024", "2048")])]
    + [("train", [("--shape", s)]) for s in ("d256", "d512")]
    + [("lstm", [("--shape", s)]) for s in ("d200", "d650", "d1000")]
    + [("decode", [("--shape", s, "--beam", beam)]) for s in ("d256", "d512") for beam in ("1", "4")]
    + [("bert", [("--shape", s, "--batch", batch)]) for s in ("base", "minilm") for batch in ("8", "1")]
    + [("pretrain", [("--shape", "base")])]
)


def objects(command):
    """The JSON objects that a command prints."""
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def kotoba(binary, threads, workload, cases):
    """What one run of kotoba reaches, by case."""
    command = [binary, "bench", workload, "--threads", threads, "--json"]
    if workload == "gemm":
        squares = {str(x["n"]): x for x in objects(command) if x["m"] == x["n"] == x["k"] and x["layout"] == "A·B"}
        return [squares[n] for _, n in cases]
    [options] = cases
    return objects([*command, *options])


def peer(threads, workload, options):
    """What its peer does."""
    script = os.path.join(HERE, "peers.py")
    [x] = objects([sys.executable, script, workload, *options, "--threads", threads])
    return x


def megabytes(x):
    return f"{x['rss_mib']:.0f} MiB" if x.get("rss_mib") else ""


def main():
    p = argparse.ArgumentParser()
    p.add_argument("workloads", nargs="*", metavar="WORKLOAD", help="those to measure; all by default")
    p.add_argument("--kotoba", default="bin/kotoba")
    p.add_argument("--threads", default="2")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--model", help="folder of a BERT model, for embed")
    p.add_argument("--text", help="a file of sentences, for embed")
    a = p.parse_args()
    cases = list(CASES)
    if a.model and a.text:
        cases.append(("embed", [("--model", a.model, "--text", a.text, "--batch", "32")]))
    print("| workload | kotoba | share of the limit | peak memory | peer | | peak memory | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for workload, measured in cases:
        if a.workloads and workload not in a.workloads:
            continue
        ours, theirs = [], []  # by round and case
        for _ in range(a.rounds):
            ours.append(kotoba(a.kotoba, a.threads, workload, measured))
            theirs.append([peer(a.threads, workload, options) for options in measured])
        for options, our, their in zip(measured, zip(*ours), zip(*theirs)):
            o, t = (max(side, key=lambda x: x["value"]) for side in (our, their))
            share = max(x["share"] for x in our)
            name = " ".join([workload, o.get("shape") or options[1]] + ([f"beam {options[3]}"] if workload == "decode" else []))
            print(
                f"| {name} | {o['value']:.0f} {o['unit']} | {100 * share:.0f} % | {megabytes(o)} "
                f"| {t['peer']} | {t['value']:.0f} | {megabytes(t)} | {o['value'] / t['value']:.2f} |",
                flush=True)


if __name__ == "__main__":
    main()
