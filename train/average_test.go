package train

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// fakeRun makes a folder of the files of a run, with one tensor.
func fakeRun(t *testing.T, name, vocabulary string, shape []int, data ...tensor.Float) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{configFile: "# " + name, checkpoint.WordsFile: vocabulary, metricsFile: name, eventsPrefix + name: name} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	weights := []checkpoint.Tensor{{Name: "w", Shape: shape, Data: data}}
	if err := checkpoint.Write(filepath.Join(dir, bestFile), weights, map[string]string{checkpoint.VocabularyKey: "hash", "step": "3", bert.NullThresholdKey: "1.5"}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAverageRuns(t *testing.T) {
	a, b := fakeRun(t, "a", "x", []int{1, 2}, 1, -3), fakeRun(t, "b", "x", []int{1, 2}, 2, 5)
	c := fakeRun(t, "c", "x", []int{1, 2}, 6, 1)
	// What is no part of a model, and how it was trained, may differ.
	for file, text := range map[string]string{
		filepath.Join(a, configFile): "model: {dropout: 0.1}", filepath.Join(b, configFile): "model: {dropout: 0.5, init: 0.1}", filepath.Join(c, configFile): "model: {}",
		filepath.Join(b, "train.log"): "of b",
	} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	to := filepath.Join(t.TempDir(), "mean")
	if err := AverageRuns(to, a, b, c); err != nil {
		t.Fatal(err)
	}
	f, err := checkpoint.Open(filepath.Join(to, bestFile))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	w, err := f.Floats("w", 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{checkpoint.VocabularyKey: "hash", bert.NullThresholdKey: "1.5"}; w[0] != 3 || w[1] != 1 || !maps.Equal(f.Metadata(), want) {
		t.Errorf("the mean is %v with %v; want 3 and 1, with %v", w, f.Metadata(), want)
	}
	entries, err := os.ReadDir(to)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got, want := strings.Join(names, " "), "best.safetensors config.yaml vocab.txt"; got != want {
		t.Errorf("the folder has %s; want %s", got, want)
	}
}

func TestAveragesKeepOfRunsWhatHoldsForTheirMean(t *testing.T) {
	run := func(threshold string) map[string]string {
		m := map[string]string{"format": "pt", checkpoint.VocabularyKey: "v", "step": "7"}
		if threshold != "" {
			m[bert.NullThresholdKey] = threshold
		}
		return m
	}
	for _, test := range []struct{ a, b, want string }{{"", "", ""}, {"1.5", "-4.5", "-1.5"}, {"", "2", "2"}} {
		got, err := meanMetadata([]map[string]string{run(test.a), run(test.b)})
		want := run(test.want)
		delete(want, "step")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("thresholds %q and %q: %v%s", test.a, test.b, err, diff)
		}
	}
	if _, err := meanMetadata([]map[string]string{run("1"), run("high")}); err == nil || !strings.Contains(err.Error(), `"high"; want a number`) {
		t.Errorf("a threshold that is no number: %v", err)
	}
}

func TestAverageRunsRefuses(t *testing.T) {
	a := fakeRun(t, "a", "x", []int{1, 2}, 1, -3)
	empty := t.TempDir()
	untrained := fakeRun(t, "untrained", "x", []int{1}, 1)
	if err := os.Remove(filepath.Join(untrained, bestFile)); err != nil {
		t.Fatal(err)
	}
	configured := func(text string) string {
		dir := fakeRun(t, "configured", "x", []int{1, 2}, 1, 1)
		if err := os.WriteFile(filepath.Join(dir, configFile), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	mrpc := "preset: bert-classify@1\ndata:\n  task: mrpc\n"
	lstm := "preset: lstm-zaremba-small@1\nmodel:\n  cell: lstm\n  dropout: 0.5\n"
	for name, x := range map[string]struct {
		runs []string
		want string
	}{
		"one run":            {[]string{a}, "1 runs to average; want two or more"},
		"another vocabulary": {[]string{a, fakeRun(t, "b", "y", []int{1, 2}, 1, 1)}, "vocab.txt is not the same"},
		"another shape":      {[]string{a, fakeRun(t, "b", "x", []int{2, 1}, 1, 1)}, `tensor "w" has shape [2 1]; expected [1 2]`},
		"another task":       {[]string{configured(mrpc), configured(strings.ReplaceAll(mrpc, "mrpc", "rte"))}, "data.task of "},
		"another preset":     {[]string{configured(mrpc), configured(strings.ReplaceAll(mrpc, "classify", "qa"))}, "preset of "},
		"another cell":       {[]string{configured(lstm), configured(strings.ReplaceAll(lstm, "cell: lstm", "cell: lstm-coupled"))}, "model.cell of "},
		"no run":             {[]string{empty, a}, "is no run"},
		"no weights":         {[]string{untrained, a}, "train it first"},
		"no weights, second": {[]string{a, untrained}, bestFile},
	} {
		to := filepath.Join(t.TempDir(), "mean")
		err := AverageRuns(to, x.runs...)
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: error %v; want one with %q", name, err, x.want)
		}
		if _, err := os.Stat(to); err == nil {
			t.Errorf("%s: there is a folder", name)
		}
	}
}
