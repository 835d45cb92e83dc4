"""Compares kotoba with its peers on this machine, the two alternating.

    pip install -r requirements.txt
    python compare.py [--kotoba bin/kotoba] [--threads 2] [--rounds 3] [WORKLOAD...]

prints a table in Markdown: the best of all rounds of each side, their ratio,
and the share that kotoba reaches of what the machine can do at most. Workloads
are gemm, train and decode; without a name all of them run.
"""

import argparse
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# workload, shape, beam
CASES = (
    [("gemm", str(n), 1) for n in (512, 1024, 2048)]
    + [("train", s, 1) for s in ("d256", "d512")]
    + [("decode", s, beam) for s in ("d256", "d512") for beam in (1, 4)]
)


def last_object(command, choose=lambda x: True):
    """The last JSON object that a command prints, of those chosen."""
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [x for x in map(json.loads, filter(lambda l: l.startswith("{"), out.splitlines())) if choose(x)][-1]


def kotoba(binary, threads, workload, shape, beam):
    command = [binary, "bench", workload, "--threads", str(threads), "--json"]
    if workload == "gemm":
        n = int(shape)
        return last_object(command, lambda x: (x["m"], x["n"], x["k"], x["layout"]) == (n, n, n, "A·B"))
    command += ["--shape", shape]
    if workload == "decode":
        command += ["--beam", str(beam)]
    return last_object(command)


def peer(threads, workload, shape, beam):
    script = os.path.join(HERE, "peers.py")
    return last_object([sys.executable, script, workload, "--shape", shape, "--beam", str(beam), "--threads", str(threads)])


def megabytes(x):
    return f"{x['rss_mib']:.0f} MiB" if x.get("rss_mib") else ""


def main():
    p = argparse.ArgumentParser()
    p.add_argument("workloads", nargs="*", metavar="WORKLOAD", help="gemm, train or decode; all by default")
    p.add_argument("--kotoba", default="bin/kotoba")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=3)
    a = p.parse_args()
    print("| workload | kotoba | share of the limit | peak memory | peer | | peak memory | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for workload, shape, beam in CASES:
        if a.workloads and workload not in a.workloads:
            continue
        ours, theirs = [], []
        for _ in range(a.rounds):
            ours.append(kotoba(a.kotoba, a.threads, workload, shape, beam))
            theirs.append(peer(a.threads, workload, shape, beam))
        o, t = (max(side, key=lambda x: x["value"]) for side in (ours, theirs))
        share = max(x["share"] for x in ours)
        name = " ".join([workload, shape] + ([f"beam {beam}"] if workload == "decode" else []))
        print(
            f"| {name} | {o['value']:.0f} {o['unit']} | {100 * share:.0f} % | {megabytes(o)} "
            f"| {t['peer']} | {t['value']:.0f} | {megabytes(t)} | {o['value'] / t['value']:.2f} |",
            flush=True)


if __name__ == "__main__":
    main()
