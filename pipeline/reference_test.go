package pipeline

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// reference is what testdata/pipelines.py writes.
var reference struct {
	Masked []struct {
		Text     string
		Clean    bool // clean_up_tokenization_spaces
		Fillings [][]Filling
	}
	Classes []struct {
		Folder string
		Texts  []string
		Labels [][]Label
	}
}

func readReference(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("testdata/pipelines.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &reference); err != nil || len(reference.Masked) < 12 || len(reference.Classes) != 4 {
		t.Fatalf("%+v, %v", reference, err)
	}
}

func TestFillingsAreThoseOfTransformers(t *testing.T) {
	readReference(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/masked")); err != nil {
		t.Fatal(err)
	}
	for _, c := range reference.Masked {
		write(t, dir, "tokenizer_config.json", fmt.Sprintf(`{"clean_up_tokenization_spaces": %v}`, c.Clean))
		e := mustOpen(t, dir)
		got, err := e.FillMask(c.Text, 3)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(c.Fillings, got, cmpopts.EquateApprox(0, 1e-5)); diff != "" {
			t.Errorf("%q, clean %v: %s", c.Text, c.Clean, diff)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestScoresAreThoseOfTransformers: labels that exclude each other, labels side by side, a
// number, and a single label.
func TestScoresAreThoseOfTransformers(t *testing.T) {
	readReference(t)
	for _, c := range reference.Classes {
		e := mustOpen(t, "testdata/"+c.Folder)
		var in []Input
		for _, text := range c.Texts {
			in = append(in, e.Text(text))
		}
		got, err := e.Classify(in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(c.Labels, got, cmpopts.EquateApprox(0, 1e-5)); diff != "" {
			t.Errorf("%s: %s", c.Folder, diff)
		}
	}
}
