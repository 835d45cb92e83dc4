"""Compares kotoba with its peers on this machine, the two alternating.

    pip install -r requirements.txt
    python compare.py [--kotoba bin/kotoba] [--threads 2] [--rounds 3] [WORKLOAD...]

prints a table in Markdown: the best of all rounds of each side, their ratio,
and the share that kotoba reaches of what the machine can do at most. Workloads
are gemm, train, decode and lstm; without a name all of them run.
"""

import argparse
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# workload, shapes that one run of kotoba bench measures, beam
CASES = (
    [("gemm", ("512", "1024", "2048"), 1)]
    + [("train", (s,), 1) for s in ("d256", "d512")]
    + [("lstm", (s,), 1) for s in ("d200", "d650", "d1000")]
    + [("decode", (s,), beam) for s in ("d256", "d512") for beam in (1, 4)]
)


def objects(command):
    """The JSON objects that a command prints."""
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def kotoba(binary, threads, workload, shapes, beam):
    """What kotoba reaches, by shape."""
    command = [binary, "bench", workload, "--threads", str(threads), "--json"]
    if workload == "gemm":
        return {str(x["n"]): x for x in objects(command) if x["m"] == x["n"] == x["k"] and x["layout"] == "A·B"}
    command += ["--shape", *shapes]
    if workload == "decode":
        command += ["--beam", str(beam)]
    return {x["shape"]: x for x in objects(command)}


def peer(threads, workload, shape, beam):
    script = os.path.join(HERE, "peers.py")
    [x] = objects([sys.executable, script, workload, "--shape", shape, "--beam", str(beam), "--threads", str(threads)])
    return x


def megabytes(x):
    return f"{x['rss_mib']:.0f} MiB" if x.get("rss_mib") else ""


def main():
    p = argparse.ArgumentParser()
    p.add_argument("workloads", nargs="*", metavar="WORKLOAD", help="gemm, train, decode or lstm; all by default")
    p.add_argument("--kotoba", default="bin/kotoba")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=3)
    a = p.parse_args()
    print("| workload | kotoba | share of the limit | peak memory | peer | | peak memory | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for workload, shapes, beam in CASES:
        if a.workloads and workload not in a.workloads:
            continue
        ours, theirs = {s: [] for s in shapes}, {s: [] for s in shapes}
        for _ in range(a.rounds):
            run = kotoba(a.kotoba, a.threads, workload, shapes, beam)
            for shape in shapes:
                ours[shape].append(run[shape])
                theirs[shape].append(peer(a.threads, workload, shape, beam))
        for shape in shapes:
            o, t = (max(side[shape], key=lambda x: x["value"]) for side in (ours, theirs))
            share = max(x["share"] for x in ours[shape])
            name = " ".join([workload, shape] + ([f"beam {beam}"] if workload == "decode" else []))
            print(
                f"| {name} | {o['value']:.0f} {o['unit']} | {100 * share:.0f} % | {megabytes(o)} "
                f"| {t['peer']} | {t['value']:.0f} | {megabytes(t)} | {o['value'] / t['value']:.2f} |",
                flush=True)


if __name__ == "__main__":
    main()
