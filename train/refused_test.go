package train

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/pretraining"
)

func TestOptionsThatCannotBe(t *testing.T) {
	for want, change := range map[string]func(o *Options){
		"clip is -1":                 func(o *Options) { o.Clip = -1 },
		"learning rate NaN":          func(o *Options) { o.Rate = math.NaN() },
		"weight_decay is +Inf":       func(o *Options) { o.WeightDecay = math.Inf(1) },
		"ema is NaN":                 func(o *Options) { o.EMA = math.NaN() },
		"label_smoothing is 1":       func(o *Options) { o.Smoothing = 1 },
		"beta1 is 1":                 func(o *Options) { o.Beta1 = 1 },
		"max_epochs is -1":           func(o *Options) { o.MaxEpochs = -1 },
		"average is -1":              func(o *Options) { o.Average = -1 },
		"epsilon is 0 and beta2 0.9": func(o *Options) { o.Epsilon, o.Beta2 = 0, 0.9 },
		"nothing ends the run":       func(o *Options) { o.MaxSteps, o.MaxEpochs, o.MaxMinutes, o.Patience = 0, 0, 0, 0 },
		"optimizer is \"adamw\"":     func(o *Options) { o.Optimizer = "adamw" },
		"the optimizer sgd has none": func(o *Options) { o.Optimizer, o.WeightDecay = "sgd", 0.01 },
		"staircase has no warm-up":   func(o *Options) { o.Schedule, o.Every, o.Factor = "staircase", 1, 0.5 },
		"warmup_share 0.1, and the sch": func(o *Options) {
			o.Schedule, o.Every, o.Factor, o.Warmup, o.WarmupShare = "staircase", 1, 0.5, 0, 0.1
		},
		"warmup_share is 1; want at le": func(o *Options) { o.WarmupShare = 1 },
	} {
		o := smallConfig().Training
		change(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one with %q", err, want)
		}
	}
	if err := smallConfig().Training.Validate(); err != nil {
		t.Error(err)
	}
}

// TestWhatValidationCannotDoIsRefusedBeforeTheFirstStep leaves no folder behind either.
func TestWhatValidationCannotDoIsRefusedBeforeTheFirstStep(t *testing.T) {
	for want, change := range map[string]func(c *Config){
		"bleu_tokenize":        func(c *Config) { c.Data.Tokenize = "moses" },
		"unknown length":       func(c *Config) { c.Decoding.LengthPenalty = "log" },
		"decoding.beam is -1":  func(c *Config) { c.Decoding.Beam = -1 },
		"beam is 1001; want 1": func(c *Config) { c.Decoding.Beam = 1001 },
		"valid_lines is -1":    func(c *Config) { c.Data.ValidLines = -1 },
		"which is for languag": func(c *Config) { c.Tokenizer.Type = "characters" },
		"more than":            func(c *Config) { c.Model.Dim, c.Model.FFN = 1<<20, 1<<20 },
		"the model's vocab is": func(c *Config) { c.Model.Vocab = 5000 },
	} {
		dir := filepath.Join(t.TempDir(), "run")
		if _, err := trainSmall(context.Background(), dir, change); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one with %q", err, want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%q: a folder was left behind", want)
		}
	}
}

// TestFoldersOfOthersAreLeftAlone trains into folders that have files of a model and no
// configuration of a run.
func TestFoldersOfOthersAreLeftAlone(t *testing.T) {
	for _, name := range []string{checkpoint.WeightsFile, checkpoint.WordsFile, bestFile} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := trainSmall(context.Background(), dir, nil); err == nil || !strings.Contains(err.Error(), name+" and is not the folder of a run") {
			t.Errorf("error %v; want one that names %s", err, name)
		}
		if text, err := os.ReadFile(path); string(text) != "mine" {
			t.Errorf("%s is %q, %v", name, text, err)
		}
	}
}

// TestOtherDataAreRefused goes on with two lines of the training text exchanged.
func TestOtherDataAreRefused(t *testing.T) {
	dir := t.TempDir()
	trainSteps(t, dir, 5)
	fit, valid := smallTexts()
	for _, side := range [][]string{fit.Source, fit.Target} {
		side[0], side[1] = side[1], side[0]
	}
	run, err := NewRunOf(dir, smallConfig(), fit, valid)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Train(context.Background(), func(Progress, *Validation) {}); err == nil || !strings.Contains(err.Error(), "was trained on other data") {
		t.Errorf("error %v; want one that says that the data are others", err)
	}
	if _, err := trainSmall(context.Background(), dir, nil); err != nil {
		t.Errorf("%v with the data of the run", err)
	}
}

// TestEveryTaskKnowsItsData: each has a fingerprint.
func TestEveryTaskKnowsItsData(t *testing.T) {
	for _, task := range []Task{&Translation{}, &LMTask{}, &ClassifyTask{}, &LabelTask{}, &AnswerTask{}, &PretrainTask{instances: &pretraining.Set{}}} {
		if fingerprint(task) == "" {
			t.Errorf("%T has none", task)
		}
	}
}

func TestTheDifferenceOfConfigurationsIsNamed(t *testing.T) {
	dir := t.TempDir()
	if _, err := trainSmall(context.Background(), dir, func(c *Config) { c.Training.MaxSteps = 12 }); err != nil {
		t.Fatal(err)
	}
	if _, err := trainSmall(context.Background(), dir, nil); err == nil || !strings.Contains(err.Error(), "its training.max_steps is 12, and 40 is asked for") {
		t.Errorf("error %v; want one that names training.max_steps", err)
	}
}

// TestWideBeamsAreRefused opens a run whose configuration was changed by hand.
func TestWideBeamsAreRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, configFile)
	if err := os.WriteFile(path, []byte("decoding: {beam: 1001}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), path+": decoding.beam is 1001; want 1 to 1000") {
		t.Errorf("error %v; want one that names the beam", err)
	}
}

// TestRunsWithoutAValidationAreNotOpened breaks a run off before it has a best model.
func TestRunsWithoutAValidationAreNotOpened(t *testing.T) {
	dir := t.TempDir()
	trainSteps(t, dir, 2)
	if err := os.Remove(filepath.Join(dir, bestFile)); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), dir+" has no best.safetensors: the run has not been validated yet, or the file was taken away; train on") {
		t.Errorf("error %v; want one that says that a validation is missing", err)
	}
}

// TestAFolderIsOfOneConfiguration: also where two processes have found it free.
func TestAFolderIsOfOneConfiguration(t *testing.T) {
	dir := t.TempDir()
	begin := func(format, words string) error {
		return beginFolder(dir, format, lastFile, func() error { return os.WriteFile(filepath.Join(dir, checkpoint.WordsFile), []byte(words), 0o600) })
	}
	if err := begin("preset: a@1\n", "first"); err != nil {
		t.Fatal(err)
	}
	if err := begin("preset: b@1\n", "second"); err == nil || !strings.Contains(err.Error(), "another configuration: its preset is a@1") {
		t.Errorf("error %v; want one of another configuration", err)
	}
	unlock, err := lockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := begin("preset: a@1\n", "second"); err == nil || !strings.Contains(err.Error(), "is being trained by another process") {
		t.Errorf("error %v; want one of another process", err)
	}
	unlock()
	if words, err := os.ReadFile(filepath.Join(dir, checkpoint.WordsFile)); err != nil || string(words) != "first" {
		t.Errorf("the vocabulary is %q, %v; want that of the first", words, err)
	}
}
