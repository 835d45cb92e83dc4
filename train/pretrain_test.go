package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/internal/tfrecord"
	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/pretraining"
	"github.com/kotoba-nlp/kotoba/tensor"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// smallPretrain is a run on documents in which every letter stands beside itself.
func smallPretrain(t *testing.T) PretrainConfig {
	t.Helper()
	c, err := Pretrainings.Preset("bert-tiny")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for i := range 80 {
		letter := string(rune('a' + i%8))
		text.WriteString(strings.Repeat(strings.Repeat(letter+" ", 6)+"\n", 3) + "\n")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "text")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Data.Tokenizer, c.Data.Dir = smallEncoder(t), dir
	tok, err := tokenizer.LoadWordPiece(c.Data.Tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	o := pretraining.DefaultOptions()
	o.MaxLength, o.MaxPredictions, o.Copies = 20, 3, 5
	o.ValidShare = 0.2
	var train, valid []byte
	_, err = pretraining.Make(context.Background(), []string{path}, o, tok, 1, func(some, held []byte) error {
		train, valid = append(train, some...), append(valid, held...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, records := range map[string][]byte{"x.tfrecord": train, "valid-0.tfrecord": valid} {
		if err := os.WriteFile(filepath.Join(dir, name), records, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.Data.Batch = 8
	c.Model = bert.Config{
		Dim: 32, Layers: 2, Heads: 2, FFN: 64, MaxLength: 20, Types: 2, Activation: "gelu", Epsilon: 1e-12, Init: 0.1, Dropout: 0.05,
	}
	c.Training.MaxSteps, c.Training.ValidateEvery, c.Training.Rate, c.Training.WarmupShare = 500, 100, 1e-3, 0.1
	return c
}

func pretrain(ctx context.Context, t *testing.T, dir string, c PretrainConfig, progress func(Progress, *Validation)) (Validation, error) {
	t.Helper()
	run, err := NewPretrainRun(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	return run.Train(ctx, progress)
}

// TestPretrainingLearnsBothTasks trains on text where a masked word is its neighbour, and a
// segment follows the other where it has the same letters.
func TestPretrainingLearnsBothTasks(t *testing.T) {
	dir, c := t.TempDir(), smallPretrain(t)
	v, err := pretrain(context.Background(), t, dir, c, func(Progress, *Validation) {})
	if err != nil {
		t.Fatal(err)
	}
	task, e, err := OpenPretraining(dir, c.Data.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if again := validated(t, task, e); !maps.Equal(again.Scores, v.Scores) {
		t.Errorf("%v; want what training had, %v", again.Scores, v.Scores)
	}
	if v.Scores["masked_words"] < 0.9 || v.Scores["next_sentence"] < 0.8 {
		t.Errorf("%v; want 0.9 of masked words and 0.8 of next sentences at least", v.Scores)
	}
}

func TestPretrainingGoesOnBitForBit(t *testing.T) {
	for name, change := range map[string]func(c *PretrainConfig){
		"masks of the files": func(*PretrainConfig) {},
		"masks of the epoch": func(c *PretrainConfig) {
			c.Data.DynamicMasking, c.Data.WholeWords, c.Data.Batch = true, true, 64 // several epochs
			c.Training.Optimizer = "lamb"
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := smallPretrain(t)
			c.Training.MaxSteps, c.Training.ValidateEvery = 24, 6
			change(&c)
			goesOnBitForBit(t, 9, checkpoint.WeightsFile, func(ctx context.Context, dir string, progress func(Progress, *Validation)) error {
				_, err := pretrain(ctx, t, dir, c, progress)
				return err
			})
		})
	}
}

// TestValidationIsOnFilesOfItsOwn, or, where there are none, on the last instances.
func TestValidationIsOnFilesOfItsOwn(t *testing.T) {
	c := smallPretrain(t)
	c.Data.ValidShare = 0.5
	sizes := func() (train, valid int) {
		t.Helper()
		run, err := NewPretrainRun(t.TempDir(), c)
		if err != nil {
			t.Fatal(err)
		}
		return run.Task.train, run.Task.valid
	}
	train, valid := sizes()
	if err := os.Remove(filepath.Join(c.Data.Dir, "valid-0.tfrecord")); err != nil {
		t.Fatal(err)
	}
	if half, rest := sizes(); valid == 0 || valid >= train || half+rest != train || half-rest > 1 {
		t.Errorf("%d and %d instances, without files for validation %d and %d", train, valid, half, rest)
	}
}

// TestOtherInstancesOfTheSameSizesAreOtherData.
func TestOtherInstancesOfTheSameSizesAreOtherData(t *testing.T) {
	c := smallPretrain(t)
	hash := func() string {
		t.Helper()
		run, err := NewPretrainRun(t.TempDir(), c)
		if err != nil {
			t.Fatal(err)
		}
		return run.data
	}
	was := hash()
	path := filepath.Join(c.Data.Dir, "x.tfrecord")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var records [][]byte
	for r := bytes.NewReader(text); r.Len() > 0; {
		record, err := tfrecord.Read(r)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, record)
	}
	second := slices.IndexFunc(records, func(b []byte) bool { return len(b) == len(records[0]) && !bytes.Equal(b, records[0]) })
	if second < 0 || hash() != was {
		t.Fatal("no other instance of the size of the first, or other data at once")
	}
	records[0], records[second] = records[second], records[0]
	var swapped []byte
	for _, record := range records {
		swapped = tfrecord.Append(swapped, record)
	}
	if err := os.WriteFile(path, swapped, 0o600); err != nil {
		t.Fatal(err)
	}
	if hash() == was {
		t.Error("two instances have changed places, and the data are the same")
	}
}

// TestDynamicMasksFollowTheEpoch reads the batches of two epochs, and of the first one again
// with a task of its own.
func TestDynamicMasksFollowTheEpoch(t *testing.T) {
	c := smallPretrain(t)
	c.Data.DynamicMasking = true
	read := func(task *PretrainTask, epoch int) (all []pretraining.Instance) {
		t.Helper()
		for b := range task.Epoch(epoch) {
			task.fill(task.batches[b], task.instance)
		}
		for i := range task.train {
			all = append(all, task.instance(i))
		}
		return all
	}
	open := func() *PretrainTask {
		t.Helper()
		run, err := NewPretrainRun(t.TempDir(), c)
		if err != nil {
			t.Fatal(err)
		}
		return run.Task
	}
	task := open()
	first := read(task, 0)
	before, err := task.Validate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	second := read(task, 1)
	after, err := task.Validate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("validation has other masks in another epoch:\n%s", diff)
	}
	if diff := cmp.Diff(first, read(open(), 0)); diff != "" {
		t.Errorf("the same epoch has other masks:\n%s", diff)
	}
	differ := 0
	for i, in := range first {
		if !slices.Equal(in.Unmasked(), second[i].Unmasked()) {
			t.Fatalf("instance %d is of other tokens in another epoch", i)
		}
		if !slices.Equal(in.Places, second[i].Places) {
			differ++
		}
	}
	if differ < len(first)*3/4 {
		t.Errorf("%d of %d instances have masks at other places in another epoch; want most", differ, len(first))
	}
}

// TestDynamicMasksCountAsTargets draws more masks than the files have.
func TestDynamicMasksCountAsTargets(t *testing.T) {
	c := smallPretrain(t)
	run, err := NewPretrainRun(t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.LoadWordPiece(c.Data.Tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	o := pretraining.DefaultOptions()
	o.MaskShare = 0.5
	task := run.Task
	task.Epoch(0)
	before := task.Targets(0)
	if task.masks, err = pretraining.NewMasks(o, tok); err != nil {
		t.Fatal(err)
	}
	task.fill(task.batches[0], task.instance)
	if got := task.Targets(0); got != len(task.words) || got < 2*before {
		t.Errorf("%d targets, %d words to be predicted; want the same, and more than twice %d", got, len(task.words), before)
	}
}

func TestPretrainingsThatCannotBe(t *testing.T) {
	for want, change := range map[string]func(c *PretrainConfig){
		"data.dynamic_masking is not": func(c *PretrainConfig) { c.Data.WholeWords = true },
		"model.types is 1":            func(c *PretrainConfig) { c.Model.Types = 1 },
		"lower model.dim":             func(c *PretrainConfig) { c.Model.Dim, c.Model.Heads = 1<<20, 1<<10 },
		"want the vocabulary that it was made with": func(c *PretrainConfig) {
			c.Data.Tokenizer = t.TempDir()
			vocab := "x\n[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n" + strings.Repeat("##y", 20) + "\n"
			for i := range 40 {
				vocab += fmt.Sprintf("w%d\n", i)
			}
			if err := os.WriteFile(filepath.Join(c.Data.Tokenizer, "vocab.txt"), []byte(vocab), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		c := smallPretrain(t)
		change(&c)
		if _, err := NewPretrainRun(t.TempDir(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one with %q", err, want)
		}
	}
}

// TestPretrainingGoesOnFromAnEncoder begins where another run ended, whose sizes are not
// those of the preset, and with an encoder without heads.
func TestPretrainingGoesOnFromAnEncoder(t *testing.T) {
	c := smallPretrain(t)
	c.Training.MaxSteps = 200
	first := t.TempDir()
	best, err := pretrain(context.Background(), t, first, c, func(Progress, *Validation) {})
	if err != nil {
		t.Fatal(err)
	}
	preset, err := Pretrainings.Preset("bert-tiny")
	if err != nil {
		t.Fatal(err)
	}
	c.Init, c.Data.Tokenizer, c.Model = first, "", preset.Model
	c.Model.Dropout = 0
	open := func() (*PretrainRun, Validation) {
		t.Helper()
		run, err := NewPretrainRun(t.TempDir(), c)
		if err != nil {
			t.Fatal(err)
		}
		v, err := run.Task.Validate(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return run, v
	}
	run, v := open()
	if diff := cmp.Diff(best.Scores, v.Scores); diff != "" {
		t.Errorf("where it begins, and the run before (-want +got):\n%s", diff)
	}
	if m := run.Config.Model; m.Dim != 32 || m.Dropout != 0 || run.Task.Network.Encoder.Config != m {
		t.Errorf("the model is %+v and its configuration %+v; want the sizes of the encoder and no dropout", run.Task.Network.Encoder.Config, m)
	}

	c.Model.Layers = 3
	if _, err := NewPretrainRun(t.TempDir(), c); err == nil || !strings.Contains(err.Error(), "of model only init, dropout and attention_dropout") {
		t.Errorf("with other layers than the encoder's: %v", err)
	}
	c.Model.Layers = preset.Model.Layers

	bare := run.Task.Network
	bare.Predictions, bare.NextSentence, bare.Encoder.Pooler = nil, nil, nil
	c.Init = t.TempDir()
	tok, err := tokenizer.LoadWordPiece(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join((&bert.Folder{Network: bare}).Save(c.Init), tok.SaveFolder(c.Init, 0)); err != nil {
		t.Fatal(err)
	}
	if run, v := open(); !run.NoHead || len(v.Scores) != 2 || v.Scores["masked_words"] >= best.Scores["masked_words"] {
		t.Errorf("without heads it begins with %v, with them %v", v.Scores, best.Scores)
	}
}

// TestBothTasksCountAsMuch: the loss is the mean over masked words and that over pairs.
func TestBothTasksCountAsMuch(t *testing.T) {
	run, err := NewPretrainRun(t.TempDir(), smallPretrain(t))
	if err != nil {
		t.Fatal(err)
	}
	task := run.Task
	task.Epoch(0)
	task.fill(task.batches[0], task.instance)
	loss, words, pairs := task.losses(bert.Pass{Tape: tensor.NewInferenceTape()}, 1/float64(len(task.words)))
	want := -words.LogProb/float64(words.Tokens) - pairs.LogProb/float64(pairs.Tokens)
	if got := float64(loss.Data[0]); math.Abs(got-want) > 1e-4 || pairs.Tokens != 8 {
		t.Errorf("the loss is %v of %d pairs; want %v of 8", got, pairs.Tokens, want)
	}
}

// TestTheLabelOfAPairIsZeroWhereItFollows, as in the authors' code.
func TestTheLabelOfAPairIsZeroWhereItFollows(t *testing.T) {
	task := &PretrainTask{}
	task.fill([]int{0, 1}, func(i int) pretraining.Instance {
		return pretraining.Instance{IDs: []int32{1, 2, 3, 4}, First: 2, Random: i == 0}
	})
	if !slices.Equal(task.label, []int32{1, 0}) {
		t.Errorf("labels %v; want 1 of a random sentence, and 0", task.label)
	}
}
