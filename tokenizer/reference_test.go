package tokenizer

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestReferenceReadsTrained has the reference load the models that Train makes
// and compares every id on hard strings and on the training text.
func TestReferenceReadsTrained(t *testing.T) {
	python := os.Getenv("KOTOBA_PYTHON")
	if python == "" {
		t.Skip("needs a Python with sentencepiece, named by $KOTOBA_PYTHON")
	}
	_, g := loadGolden(t, "unigram")
	text := sampleText(1000)
	var input []string
	for _, h := range g.Hard {
		input = append(input, string(h.Text))
	}
	input = append(input, text...)
	for _, a := range []Algorithm{Unigram, BPE} {
		for name, change := range map[string]func(*TrainOptions){
			"default": func(*TrainOptions) {},
			"bytes":   func(o *TrainOptions) { o.ByteFallback = true; o.VocabSize = 380; o.Normalization = "identity" },
			"symbols": func(o *TrainOptions) { o.UserDefined = []string{"<sep>", "猫", "dog"}; o.Control = []string{"<ctl>"} },
			"spaces": func(o *TrainOptions) {
				o.AddDummyPrefix, o.RemoveExtraWhitespaces, o.SplitByWhitespace = false, false, false
			},
			"ids":      func(o *TrainOptions) { o.Special = Special{Unknown: 2, Begin: None, End: 0, Pad: 1} },
			"casefold": func(o *TrainOptions) { o.Normalization = "nmt_nfkc_cf"; o.CharacterCoverage = 0.98 },
			"nfkc":     func(o *TrainOptions) { o.Normalization = "nfkc"; o.SplitDigits = true },
			"nfkc_cf":  func(o *TrainOptions) { o.Normalization = "nfkc_cf"; o.SplitByUnicodeScript = false },
		} {
			t.Run(fmt.Sprint(a, "/", name), func(t *testing.T) {
				opt := smallOptions(a)
				opt.HardVocabLimit = false
				change(&opt)
				m, err := Train(slices.Values(text), opt)
				if err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(t.TempDir(), "trained.model")
				if err := m.Save(path); err != nil {
					t.Fatal(err)
				}
				for i, want := range referenceIDs(t, python, path, input) {
					if got := string(formatIDs(m.Encode(input[i]))); got != want {
						t.Fatalf("%.80q: ids %.200s; the reference gives %.200s", input[i], got, want)
					}
				}
			})
		}
	}
}

func referenceIDs(t *testing.T, python, model string, input []string) []string {
	t.Helper()
	var in bytes.Buffer
	for _, s := range input {
		in.WriteString(base64.StdEncoding.EncodeToString([]byte(s)) + "\n")
	}
	cmd := exec.Command(python, filepath.Join("testdata", "encode_with_reference.py"), model)
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	ids := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(ids) != len(input) {
		t.Fatalf("the reference encoded %d strings of %d", len(ids), len(input))
	}
	return ids
}
