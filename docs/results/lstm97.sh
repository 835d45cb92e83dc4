#!/usr/bin/env bash
# Repeats the experiments of docs/papers/lstm97.md and prints, for each of its rows, the
# options and the summary as a line of JSON, as lstm97.jsonl here has them:
#
#   docs/results/lstm97.sh [PART OF THE OPTIONS] > lstm97.jsonl
#
# THREADS is how many trials run at a time. All rows take some hour on two cores.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kotoba=${KOTOBA:-$here/../../bin/kotoba}

grep -F -e "${1:-}" <<'ROWS' | while read -r options; do
--task adding --trials 10
--task adding --trials 10 --squash table
--task adding --trials 10 --squash wide
--task adding --trials 1 --output logistic --max-sequences 300000
--task adding --lag 10 --trials 2 --max-sequences 100000
--task adding --lag 500 --trials 2
--task adding --lag 500 --trials 2 --squash wide
--task temporal-order --trials 20
--task temporal-order --trials 20 --output linear
--task two-sequence --trials 10
--task two-sequence --lag 1000 --trials 2
--task multiplication --trials 2 --max-sequences 1500000
--task multiplication --trials 2 --max-sequences 1500000 --squash table
--task multiplication --trials 2 --max-sequences 1500000 --output linear
--task lag-distractors --lag 50 --trials 4
--task lag-distractors --lag 50 --trials 4 --squash table
--task lag-distractors --lag 50 --trials 4 --squash wide
--task lag-distractors --trials 3 --max-sequences 1000000
--task lag-distractors --trials 3 --max-sequences 1000000 --squash table
--task noise-free-lag --trials 3 --max-sequences 10000
--task noise-free-lag --lag 10 --trials 4
--task noise-free-lag --lag 10 --trials 5 --squash table
--task noise-free-lag --lag 30 --trials 5 --squash table
--task noise-free-lag --lag 50 --trials 5 --squash table
--task noise-free-lag --trials 5 --max-sequences 60000 --squash table
--task reber --trials 20 --max-sequences 200000
--task reber --trials 20 --max-sequences 200000 --squash table
--task reber --trials 20 --max-sequences 200000 --squash wide
--mode modern --task adding --trials 10
--mode modern --task adding --lag 500 --trials 5
--mode modern --task adding --lag 1000 --trials 5
--mode modern --task temporal-order --trials 20
--mode modern --task two-sequence --trials 10
--mode modern --task two-sequence --lag 1000 --trials 5 --max-sequences 100000
--mode modern --task multiplication --trials 2 --max-sequences 300000
--mode modern --task multiplication --trials 4 --max-sequences 300000 --output linear
--mode modern --task lag-distractors --lag 50 --trials 10
--mode modern --task lag-distractors --trials 10
--mode modern --task lag-distractors --lag 500 --trials 5
--mode modern --task lag-distractors --lag 1000 --trials 5
--mode modern --task noise-free-lag --lag 10 --trials 5 --max-sequences 50000
--mode modern --task noise-free-lag --trials 2 --max-sequences 50000
--mode modern --task reber --trials 20 --max-sequences 200000
--learner rnn-bptt --task reber --trials 20
--learner rnn-rtrl --task reber --trials 5
--learner rnn-rtrl --task noise-free-lag --lag 4 --trials 18 --max-sequences 5000000
--learner rnn-bptt --task noise-free-lag --lag 10 --trials 10 --max-sequences 50000
--learner rnn-rtrl --task noise-free-lag --lag 10 --trials 2 --max-sequences 5000000
--learner rnn-bptt --task noise-free-lag --trials 3 --max-sequences 50000
--learner rnn-rtrl --task noise-free-lag --trials 1 --max-sequences 50000
--learner rnn-bptt --task lag-distractors --lag 50 --trials 3
--learner rnn-rtrl --task lag-distractors --lag 50 --trials 1
--learner rnn-bptt --task two-sequence --trials 5
--learner rnn-rtrl --task two-sequence --trials 1
--learner rnn-bptt --task adding --lag 10 --trials 2 --max-sequences 740000
--learner rnn-rtrl --task adding --lag 10 --trials 2 --max-sequences 100000
--learner rnn-bptt --task adding --trials 2
--learner rnn-rtrl --task adding --trials 1
--learner rnn-bptt --task temporal-order --trials 5
--learner rnn-rtrl --task temporal-order --trials 1
--learner rnn-bptt --task multiplication --trials 1 --max-sequences 482000
--learner rnn-rtrl --task multiplication --trials 1 --max-sequences 482000
--mode modern --learner rnn-bptt --task adding --trials 2 --max-sequences 50000
--mode modern --learner rnn-bptt --task temporal-order --trials 2 --max-sequences 50000
--mode modern --learner rnn-bptt --task two-sequence --trials 2 --max-sequences 50000
--mode modern --learner rnn-bptt --task lag-distractors --trials 2 --max-sequences 50000
ROWS
	# shellcheck disable=SC2086 # options are words
	summary=$("$kotoba" reproduce lstm97 $options --json ${THREADS:+--threads "$THREADS"} < /dev/null | tail -n 1)
	printf '{"options":"%s","summary":%s}\n' "$options" "$summary"
done
