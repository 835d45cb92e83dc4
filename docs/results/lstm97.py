"""Prints the tables of docs/papers/lstm97.md from lstm97.jsonl, which lstm97.sh writes."""
import json
import pathlib


def number(x):
    return f"{round(x):,}"


def measured(s):
    """Sequences until each stage, and how many of the test were wrong after the last."""
    parts = []
    for stage in s["stages"]:
        name = stage["name"] + " " if len(s["stages"]) > 1 else ""
        if stage["reached"] == 0:
            text = name + "not reached" if name else ""
        else:
            text = name + number(stage["mean"])
            if stage["reached"] > 1:
                text += " ± " + number(stage["deviation"])
            if len(s["stages"]) > 1 and stage["reached"] < s["trials"]:
                text += f" in {stage['reached']}"
        if text:
            parts.append(text)
    text = ", ".join(parts)
    if s["tested"] and s["solved"] and not s["task"].startswith(("reber", "noise")):
        text += f"; {'at most ' + str(s['most_wrong']) if s['most_wrong'] else 'none'} of {number(s['tested'])} wrong"
    return text


def published(s):
    for row in s["published"]:
        if row["learner"] == "lstm" and row.get("lag", 0) == s.get("lag", 0):
            return ", ".join(number(n) for n in row["sequences"]), row["table"]
    return "", ""


def main():
    here = pathlib.Path(__file__).parent
    rows = [json.loads(line) for line in open(here / "lstm97.jsonl", encoding="utf-8")]
    tables = {
        "The LSTM of 1997": lambda s: s["learner"] == "lstm" and s["mode"] == "faithful",
        "Modern mode": lambda s: s["learner"] == "lstm" and s["mode"] == "modern",
    }
    for title, belongs in tables.items():
        print(f"\n{title}\n\n| options | measured | trials solved | published | table |\n|---|---|---|---|---|")
        for row in rows:
            s = row["summary"]
            if belongs(s):
                print(f"| `{row['options']}` | {measured(s)} | {s['solved']} of {s['trials']} | {' | '.join(published(s))} |")
    print("\nPlain networks\n\n| options | trials solved | sequences of a trial at most |\n|---|---|---|")
    for row in rows:
        s = row["summary"]
        if s["learner"] != "lstm":
            after = f", after {measured(s)}" if s["solved"] else ""
            print(f"| `{row['options']}` | {s['solved']} of {s['trials']}{after} | {number(s['max_sequences'])} |")


if __name__ == "__main__":
    main()
