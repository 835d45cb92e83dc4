package train

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestFormatIsReadBack(t *testing.T) {
	for _, name := range Translations.names() {
		want, err := Translations.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		want.Data.Source, want.Training.Clip, want.Model.PreNorm = "a b.txt", 0.25, true
		got, err := Translations.Parse([]byte(Format(want)))
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: read back\n%+v\nwant\n%+v", name, got, want)
		}
	}
}

func TestLMFormatIsReadBack(t *testing.T) {
	for _, name := range LanguageModels.names() {
		want, err := LanguageModels.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		want.Data.Text, want.Model.Tied = "a b.txt", true
		got, err := LanguageModels.Parse([]byte(Format(want)))
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: read back\n%+v\nwant\n%+v", name, got, want)
		}
	}
}

func TestUnknownKeysAreLocated(t *testing.T) {
	_, err := Translations.Parse([]byte("training:\n  max_steps: 5\n  label_smothing: 0.1\n"))
	if err == nil {
		t.Fatal("no error for an unknown key")
	}
	for _, want := range []string{"3:3", `"label_smothing"`, `"training.label_smoothing"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %s", err, want)
		}
	}
	if _, err := Translations.Parse([]byte("training:\n  max_steps: many\n")); err == nil || !strings.Contains(err.Error(), "2:") {
		t.Errorf("error %v for a word in place of a number; want its line", err)
	}
}

func TestSet(t *testing.T) {
	c, err := Translations.Preset("transformer-base")
	if err != nil {
		t.Fatal(err)
	}
	before := c
	if err := Set(&c, "training.rate", "0.25"); err != nil || c.Training.Rate != 0.25 {
		t.Errorf("rate is %v, error %v", c.Training.Rate, err)
	}
	before.Training.Rate = 0.25
	if c != before {
		t.Error("setting one value changed another")
	}
	for _, test := range []struct{ key, value, want string }{
		{"training.rates", "1", `"training.rate"`},
		{"training.epochs", "1", `"training.`},
		{"trainin", "1", `"training"`},
		{"training", "1", "training is a section"},
		{"training.rate.x", "1", "training.rate is a value"},
		{"training.seed", "x", "training.seed takes a whole number"},
		{"training.per_sentence", "x", "takes true or false"},
		{"training.seed", "1.9", "training.seed takes a whole number of 0 or more"},
		{"training.seed", "-1", "training.seed takes a whole number of 0 or more"},
		{"training.seed", "18446744073709551616", "training.seed takes a whole number of 0 or more"},
		{"training.max_steps", "010", "training.max_steps takes a whole number"},
		{"training.max_steps", "0x10", "training.max_steps takes a whole number"},
		{"training.max_steps", "1e300", "training.max_steps takes a whole number"},
		{"training.max_steps", "", "training.max_steps takes a whole number"},
		{"training.rate", "", "training.rate takes a number"},
	} {
		if err := Set(&c, test.key, test.value); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s=%s: error %v; want one with %s", test.key, test.value, err, test.want)
		}
	}
}

func TestWholeNumbers(t *testing.T) {
	c, err := Translations.Preset("transformer-base")
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]int{"1e3": 1000, "16.0": 16, "20": 20, "0": 0, "+7": 7} {
		if err := Set(&c, "training.max_steps", value); err != nil || c.Training.MaxSteps != want {
			t.Errorf("%s is read as %d, %v; want %d", value, c.Training.MaxSteps, err, want)
		}
	}
	if err := Set(&c, "training.seed", "18446744073709551615"); err != nil || c.Training.Seed != 1<<64-1 {
		t.Errorf("the seed is %d, %v", c.Training.Seed, err)
	}
	c.Data.Source = "a"
	if err := Set(&c, "data.source", ""); err != nil || c.Data.Source != "" {
		t.Errorf("the source is %q, %v; want none", c.Data.Source, err)
	}
	for text, want := range map[string]string{
		"model:\n  dim: 16.7\n":                "2:8: the value is 16.7; want a whole number",
		"training: {max_steps: 010}\n":         "1:23: the value is 010",
		"training:\n  max_steps: # no value\n": "2:",
		"model: {dim: &dim 1.5, ffn: *dim}\n":  "the value is 1.5",
		"training:\n  seed: [1]\n":             "2:",
		"training:\n  max_steps: \"10.5\"\n":   "10.5",
	} {
		if _, err := Translations.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v; want one with %q", text, err, want)
		}
	}
}

func TestUnknownPreset(t *testing.T) {
	if _, err := Translations.Preset("transformer-huge"); err == nil || !strings.Contains(err.Error(), "transformer-tiny@1") {
		t.Errorf("error %v; want the presets listed", err)
	}
}

// TestPresetsAreThePapersRecipes: Zaremba et al. 2014, section 4.1, whose loss is the sum over
// the steps of a batch where ours is the mean, and Sutskever et al. 2014, section 3.4.
func TestPresetsAreThePapersRecipes(t *testing.T) {
	type recipe struct {
		Layers, Hidden, Steps, Epochs   int
		Dropout, Init, Rate, Clip       float64
		Hold, Every, Factor, BatchLines float64
	}
	for name, want := range map[string]recipe{
		"lstm-zaremba-small":  {2, 200, 20, 13, 0, 0.1, 1, 5, 4, 1, 1. / 2, 20},
		"lstm-zaremba-medium": {2, 650, 35, 39, 0.5, 0.05, 1, 5, 6, 1, 1 / 1.2, 20},
	} {
		c, err := LanguageModels.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		o, n := c.Training, float64(c.Data.Steps)
		got := recipe{
			c.Model.Layers, c.Model.Hidden, c.Data.Steps, o.MaxEpochs, c.Model.Dropout, c.Model.Init, o.Rate / n, o.Clip * n,
			o.Hold, o.Every, o.Factor, float64(c.Data.Streams),
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-12, 0)); diff != "" || o.Optimizer != "sgd" || o.Schedule != "staircase" {
			t.Errorf("%s, %s and %s: %s", name, o.Optimizer, o.Schedule, diff)
		}
	}
	c, err := Translations.Preset("seq2seq-sutskever")
	if err != nil {
		t.Fatal(err)
	}
	o, m := c.Training, c.Recurrent
	got := recipe{Layers: m.Layers, Hidden: m.Hidden, Epochs: o.MaxEpochs, Dropout: m.Dropout, Init: m.Init, Rate: o.Rate, Clip: o.Clip, Hold: o.Hold, Every: o.Every, Factor: o.Factor}
	want := recipe{Layers: 4, Hidden: 1000, Epochs: 8, Init: 0.08, Rate: 0.7, Clip: 5, Hold: 5, Every: 0.5, Factor: 0.5} // 7.5 epochs in the paper
	if got != want || !m.Reverse || m.Attention != "" || !o.PerSentence || o.Optimizer != "sgd" || o.Schedule != "staircase" {
		t.Errorf("seq2seq-sutskever: %+v, %+v", m, o)
	}
}
