#!/usr/bin/env bash
# Trains and scores the models of docs/results.md, each in a folder of OUT:
#
#   DATA=corpora OUT=runs docs/results/run.sh [RECIPE...]
#
# DATA holds multi30k/{train,val,test_2016_flickr}.{en,de} and
# enja/{train,dev}.{en,ja} and ptb/ptb.{train,valid}.txt; results.md says where they
# come from. A recipe that was stopped goes on where it was.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kotoba=${KOTOBA:-$here/../../bin/kotoba}
out=${OUT:-runs}
: "${DATA:?set DATA to the folder of the corpora}"

# The corpus enja has no text for validation: the last 500 pairs for training
# become it.
split_enja() {
	mkdir -p "$out/enja"
	for lang in en ja; do
		head -n -500 "$DATA/enja/train.$lang" > "$out/enja/train.$lang"
		tail -n 500 "$DATA/enja/train.$lang" > "$out/enja/valid.$lang"
	done
}

# recipe NAME SOURCE TARGET TRAIN VALID TEST [OPTION OF EVAL...]
recipe() {
	local name=$1 src=$2 tgt=$3 train=$4 valid=$5 test=$6 run=$out/$1
	shift 6
	mkdir -p "$run"
	"$kotoba" train "$here/$name.yaml" --dir "$run" \
		--src "$train.$src" --tgt "$train.$tgt" --valid-src "$valid.$src" --valid-tgt "$valid.$tgt"
	"$kotoba" translate "$run" < "$test.$src" > "$run/test.$tgt"
	grep valid_loss "$run/metrics.jsonl" > "$run/validations.jsonl" # as NAME.jsonl here
	"$kotoba" eval --ref "$test.$tgt" --hyp "$run/test.$tgt" "$@"
	"$kotoba" eval --ref "$test.$tgt" --hyp "$run/test.$tgt" --lowercase "$@"
}

# language NAME TRAIN VALID
language() {
	local run=$out/$1
	mkdir -p "$run"
	"$kotoba" train "$here/$1.yaml" --dir "$run" --text "$2" --valid-text "$3"
	grep valid_loss "$run/metrics.jsonl" > "$run/validations.jsonl"
	"$kotoba" eval "$run" --text "$3"
}

# Published figures of Multi30k are of text in lower case, tokenised as by Moses.
lower_multi30k() {
	mkdir -p "$out/lower"
	for lang in en de; do
		for part in train val test_2016_flickr; do
			python3 "$here/moses.py" "$lang" < "$DATA/multi30k/$part.$lang" > "$out/lower/$part.$lang"
		done
	done
}

[ $# -gt 0 ] || set -- multi30k-en-de multi30k-de-en multi30k-en-de-lower enja-en-ja \
	multi30k-de-en-bahdanau enja-en-ja-bahdanau ptb-lstm-small ptb-lstm-tied
for name; do
	printf '== %s\n' "$name"
	case $name in
	multi30k-en-de) recipe "$name" en de "$DATA"/multi30k/{train,val,test_2016_flickr} ;;
	multi30k-de-en | multi30k-de-en-bahdanau) recipe "$name" de en "$DATA"/multi30k/{train,val,test_2016_flickr} ;;
	multi30k-en-de-lower)
		lower_multi30k
		recipe "$name" en de "$out"/lower/{train,val,test_2016_flickr} --tokenize none
		;;
	enja-en-ja | enja-en-ja-bahdanau)
		split_enja
		recipe "$name" en ja "$out"/enja/{train,valid} "$DATA/enja/dev" --tokenize none
		;;
	ptb-*) language "$name" "$DATA"/ptb/ptb.{train,valid}.txt ;;
	*) echo "run.sh: no recipe is called $name" >&2 && exit 2 ;;
	esac
done
