#!/usr/bin/env bash
# Trains and scores the models of docs/results.md, each in a folder of OUT:
#
#   DATA=corpora OUT=runs docs/results/run.sh [RECIPE...]
#
# DATA holds multi30k/{train,val,test_2016_flickr}.{en,de}, enja/{train,dev}.{en,ja},
# ptb/ptb.{train,valid}.txt, glue/{SST-2,MRPC,RTE,STS-B,CoLA}/{train,dev}.tsv,
# xquad/xquad.en.json, ud-ewt/en_ewt-ud-dev.conllu, wikitext2/valid.txt, novels/{botchan,wagahaiwa_nekodearu}.txt
# and shakespeare/input.txt; results.md says where they come from. WEIGHTS, for recipes of
# BERT, is a folder of models/bert/testdata/fetch_weights.sh. A recipe that was stopped
# goes on where it was.
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
	grep valid_loss "$run/metrics.jsonl" > "$run/validations.jsonl" # as NAME.jsonl here
	score "$run" "$test" "$src" "$tgt" 4 "$@"
	if [[ $name == *-bahdanau ]]; then score "$run" "$test" "$src" "$tgt" 1 "$@"; fi
}

# score RUN TEST SOURCE TARGET BEAM [OPTION OF EVAL...]
score() {
	local out=$1/test.beam-$5.$4
	"$kotoba" translate "$1" --beam "$5" < "$2.$3" > "$out"
	"$kotoba" eval --ref "$2.$4" --hyp "$out" "${@:6}"
	"$kotoba" eval --ref "$2.$4" --hyp "$out" --lowercase "${@:6}"
}

# language NAME TRAIN [VALID]: without VALID, the last tenth of TRAIN validates.
language() {
	local run=$out/$1
	mkdir -p "$run"
	"$kotoba" train "$here/$1.yaml" --dir "$run" --text "$2" ${3:+--valid-text "$3"}
	grep valid_loss "$run/metrics.jsonl" > "$run/validations.jsonl"
	if [ -n "${3:-}" ]; then "$kotoba" eval "$run" --text "$3"; fi
}

# aozora writes the plain text of a novel from Aozora Bunko: without heads and notes,
# readings of characters, and marks of the editors.
aozora() {
	sed -e '1,/^-----/d' "$1" | sed -e '1,/^-----/d' -e '/^底本：/,$d' -e 's/\r$//' \
		-e 's/《[^》]*》//g' -e 's/［＃[^］]*］//g' -e 's/｜//g'
}

# finetune NAME PRESET WEIGHTS [OPTION OF TRAIN...]
finetune() {
	"$kotoba" train --preset "$2" --init "$3" --dir "$out/$1" "${@:4}"
	find "$out/$1" -name metrics.jsonl | sort | xargs grep -h valid_loss > "$out/$1/validations.jsonl" # of each seed
}

# classify NAME WEIGHTS [OPTION OF TRAIN...] learns the task that the name ends in.
classify() {
	finetune "$1" bert-classify "$2" --task "${1##*-}" --data "$DATA/glue" "${@:3}"
}

# pretrained is a BERT-tiny of what text there is, with a vocabulary of its own.
pretrained() {
	local run=$out/bert-tiny
	mkdir -p "$run/vocab"
	if [ ! -e "$run/vocab/vocab.txt" ]; then
		python3 "$here/documents.py" "$DATA" "$run/documents"
		cat "$run"/documents/*.txt | "$kotoba" tokenizer train --in - --model "$run/vocab/vocab.txt" --type wordpiece --vocab 8000
	fi
	if [ ! -e "$run/instances/part-00000.tfrecord" ]; then
		"$kotoba" pretrain-data --tokenizer "$run/vocab" --in "$run/documents/*.txt" --out "$run/instances" --copies 5 --max-length 48 --max-predictions 8
	fi
	"$kotoba" train "$here/bert-tiny.yaml" --data "$run/instances" --tokenizer "$run/vocab" --dir "$run/trained"
	grep valid_loss "$run/trained/metrics.jsonl" > "$run/validations.jsonl"
}

# with_dropout FROM TO makes an encoder that is fine-tuned with dropout of one that was
# trained without.
with_dropout() {
	mkdir -p "$2"
	cp "$1"/{model.safetensors,vocab.txt,tokenizer_config.json} "$2"
	sed 's/\(_dropout_prob": \)0,/\10.1,/' "$1/config.json" > "$2/config.json"
}

# paired teaches WEIGHTS to predict the masked words of two texts from both.
paired() {
	if [ ! -e "$out/pairs/part-00000.tfrecord" ]; then
		mkdir -p "$out"
		python3 "$here/pairs.py" "$DATA/glue" > "$out/pairs.txt"
		"$kotoba" pretrain-data --tokenizer "$1" --in "$out/pairs.txt" --out "$out/pairs" --copies 1 --random-next 0
	fi
	finetune bert-minilm-pairs bert-tiny "$1" --data "$out/pairs" --set data.next_sentence=false --set data.dynamic_masking=true \
		--set training.optimizer=adam --set training.schedule=linear --set training.warmup_share=0.1 --set training.rate=2e-4 \
		--set training.max_steps=2200 --set training.validate_every=275
}

# spoilt teaches WEIGHTS to tell sentences from spoilt ones.
spoilt() {
	if [ ! -e "$out/spoilt/valid.tsv" ]; then # which is written last
		mkdir -p "$out"
		cat "$DATA/enja/train.en" "$DATA/multi30k/train.en" > "$out/sentences.txt"
		python3 "$here/spoilt.py" "$out/sentences.txt" "$out/spoilt"
	fi
	finetune bert-minilm-spoilt bert-classify "$1" --train "$out/spoilt/fit.tsv" --dev "$out/spoilt/valid.tsv" \
		--text text --label label --set training.rate=1e-4 --set training.max_epochs=2
}

# cloze teaches WEIGHTS to find what a sentence leaves out in the rest of its paragraph.
cloze() {
	if [ ! -e "$out/cloze.json" ]; then
		mkdir -p "$out"
		python3 "$here/cloze.py" "$DATA/wikitext2/valid.txt" "$DATA/xquad/xquad.en.json" > "$out/cloze.part"
		mv "$out/cloze.part" "$out/cloze.json"
	fi
	finetune bert-minilm-cloze bert-qa "$1" --train "$out/cloze.json" --set data.valid_share=0.03 --set data.batch=16 \
		--set training.rate=1e-4 --set training.max_epochs=1 --set training.validate_every=200
}

# questions NAME WEIGHTS learns the questions of XQuAD, of which the last fifth of the articles
# validates.
questions() {
	finetune "$1" bert-qa "$2" --train "$DATA/xquad/xquad.en.json" --set data.valid_share=0.2 --set data.batch=16 \
		--set training.rate=1e-4 --set training.max_epochs=4 "${@:3}"
}

# bert NAME WEIGHTS runs what is fine-tuned from WEIGHTS/minilm, WEIGHTS/tiny, or from
# the BERT-tiny of pretrained and from its beginning.
bert() {
	local small=(--set training.rate=3e-4)
	case $1 in
	bert-minilm-cloze) cloze "$2/minilm" ;;
	bert-minilm-cloze-xquad)
		cloze "$2/minilm"
		questions "$1" "$out/bert-minilm-cloze"
		;;
	bert-minilm-xquad)
		questions "$1" "$2/minilm"
		python3 "$here/baselines.py" "$DATA/xquad/xquad.en.json" 0.2 1
		;;
	bert-minilm-ewt)
		finetune "$1" bert-label "$2/minilm" --train "$DATA/ud-ewt/en_ewt-ud-dev.conllu" \
			--set training.rate=2e-4 --set training.max_epochs=5
		;;
	bert-minilm-pairs) paired "$2/minilm" ;;
	bert-minilm-pairs-mrpc) # each pair in both orders
		paired "$2/minilm"
		python3 "$here/both_orders.py" "$DATA/glue" "$out/orders"
		finetune "$1" bert-classify "$out/bert-minilm-pairs" --task mrpc --data "$out/orders" --set training.max_epochs=3 --set training.ema=0.99 --seeds 3
		;;
	bert-minilm-pairs-*)
		paired "$2/minilm"
		classify "$1" "$out/bert-minilm-pairs" --set training.max_epochs=4 --seeds 3
		;;
	bert-minilm-spoilt) spoilt "$2/minilm" ;;
	bert-minilm-spoilt-*) # what a sentence is first, and then the task
		spoilt "$2/minilm"
		classify "$1" "$out/bert-minilm-spoilt" --set training.max_epochs=4 --seeds 3
		;;
	bert-minilm-sst2)
		classify "$1" "$2/minilm" --set training.ema=0.999 --set data.word_dropout=0.1 --set training.validate_every=500 --seeds 2
		;;
	bert-minilm-rte) classify "$1" "$2/minilm" --set training.max_epochs=6 ;;
	bert-minilm-stsb) classify "$1" "$2/minilm" --set training.rate=1e-4 --set training.max_epochs=4 --seeds 3 ;;
	bert-minilm-*) classify "$1" "$2/minilm" --set training.rate=1e-4 --set training.max_epochs=4 ;;
	bert-tiny-xquad) questions "$1" "$2/tiny" "${small[@]}" ;;
	bert-tiny-sst2) classify "$1" "$2/tiny" "${small[@]}" ;;
	bert-tiny-*) classify "$1" "$2/tiny" "${small[@]}" --set training.max_epochs=4 ;;
	bert-pretrained-*)
		pretrained
		with_dropout "$out/bert-tiny/trained" "$out/bert-tiny/encoder"
		classify "$1" "$out/bert-tiny/encoder" "${small[@]}" --seeds 4
		;;
	bert-random-*)
		pretrained
		"$kotoba" train "$here/bert-tiny.yaml" --data "$out/bert-tiny/instances" --tokenizer "$out/bert-tiny/vocab" --dir "$out/bert-random" \
			--set training.max_steps=1 --set training.warmup_share=0 --set training.rate=1e-9
		with_dropout "$out/bert-random" "$out/bert-random/encoder"
		classify "$1" "$out/bert-random/encoder" "${small[@]}" --seeds 4
		;;
	esac
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
	multi30k-de-en-bahdanau enja-en-ja-bahdanau ptb-{lstm,gru,rnn}-small ptb-lstm-tied \
	{shakespeare,neko}-lstm-char \
	bert-minilm-{sst2,stsb,mrpc,rte,cola,xquad,ewt} bert-minilm-pairs-{rte,mrpc} bert-minilm-spoilt-cola bert-minilm-cloze-xquad bert-tiny bert-tiny-{sst2,stsb,mrpc,rte,cola,xquad} bert-{pretrained,random}-sst2 \
	lstm97
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
	shakespeare-lstm-char) language "$name" "$DATA/shakespeare/input.txt" ;;
	neko-lstm-char)
		mkdir -p "$out"
		aozora "$DATA/novels/wagahaiwa_nekodearu.txt" > "$out/neko.txt"
		language "$name" "$out/neko.txt"
		;;
	bert-tiny) pretrained ;;
	bert-minilm-* | bert-tiny-* | bert-pretrained-* | bert-random-*)
		bert "$name" "${WEIGHTS:?set WEIGHTS to the folder of fetch_weights.sh}"
		;;
	lstm97)
		mkdir -p "$out"
		KOTOBA=$kotoba "$here/lstm97.sh" > "$out/lstm97.jsonl"
		;;
	*) echo "run.sh: no recipe is called $name" >&2 && exit 2 ;;
	esac
done
