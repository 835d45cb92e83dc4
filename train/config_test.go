package train

import (
	"strings"
	"testing"
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
	for _, want := range []string{"3:3", `"label_smothing"`, `"label_smoothing"`} {
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
	} {
		if err := Set(&c, test.key, test.value); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s=%s: error %v; want one with %s", test.key, test.value, err, test.want)
		}
	}
}

func TestUnknownPreset(t *testing.T) {
	if _, err := Translations.Preset("transformer-huge"); err == nil || !strings.Contains(err.Error(), "transformer-tiny@1") {
		t.Errorf("error %v; want the presets listed", err)
	}
}
