package train

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/internal/atomicfile"
	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// AverageRuns makes the folder to of the mean of the best weights of several runs, and the
// configuration of the first: a uniform soup of models that began with the same weights
// (Wortsman et al. 2022, "Model soups"), or of one model trained in several ways. The runs
// must have the same model and vocabulary. Thresholds of no answer that the runs have found
// are averaged as well: the scores that they are of are nearly linear so close together.
func AverageRuns(to string, runs ...string) error {
	if len(runs) < 2 {
		return fmt.Errorf("train: %d runs to average; want two or more", len(runs))
	}
	weights, others, err := runFiles(runs[0])
	if err != nil {
		return err
	}
	for _, run := range runs[1:] {
		if err := cmp.Or(sameFiles(runs[0], run, others), sameModel(runs[0], run)); err != nil {
			return err
		}
	}
	var paths []string
	for _, run := range runs {
		paths = append(paths, filepath.Join(run, weights))
	}
	tensors, metadata, err := meanOf(paths)
	if err != nil {
		return err
	}
	kept, err := meanMetadata(metadata)
	if err != nil {
		return err
	}
	return atomicfile.Folder(to, func(tmp string) error {
		for _, name := range append(others, configFile) {
			if err := atomicfile.Write(filepath.Join(tmp, name), atomicfile.CopyOf(filepath.Join(runs[0], name))); err != nil {
				return fmt.Errorf("train: %w", err)
			}
		}
		return checkpoint.Write(filepath.Join(tmp, weights), tensors, kept)
	})
}

// modelFiles are the files of a run that its model is in, but for weights and configuration.
var modelFiles = []string{checkpoint.PiecesFile, checkpoint.WordsFile, "config.json", "tokenizer_config.json"}

// runFiles returns the files of a run that its model is in: that of the weights, and
// others but for the configuration.
func runFiles(dir string) (weights string, others []string, err error) {
	if _, err := os.Stat(filepath.Join(dir, configFile)); err != nil {
		return "", nil, fmt.Errorf("train: %s is no run: %w", dir, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", nil, fmt.Errorf("train: %w", err)
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case name == bestFile || name == checkpoint.WeightsFile:
			weights = name
		case slices.Contains(modelFiles, name):
			others = append(others, name)
		}
	}
	if weights == "" {
		return "", nil, fmt.Errorf("train: %s has neither %s nor %s; train it first", dir, bestFile, checkpoint.WeightsFile)
	}
	return weights, others, nil
}

// sameFiles says which of files, if any, is another in folder b than in a.
func sameFiles(a, b string, files []string) error {
	for _, name := range files {
		same, err := atomicfile.Same(filepath.Join(a, name), filepath.Join(b, name))
		if err != nil {
			return fmt.Errorf("train: %w", err)
		}
		if !same {
			return fmt.Errorf("train: %s is not the same in %s and %s; only runs of one model and one vocabulary have a mean", name, a, b)
		}
	}
	return nil
}

// sameModel says whether the runs a and b have learned different things or have different
// models: their preset, task, model and vocabulary tell, while data, rates, dropout and seeds
// may differ.
func sameModel(a, b string) error {
	x, errA := modelOf(a)
	y, errB := modelOf(b)
	if err := errors.Join(errA, errB); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	if key, was, is := firstDifference(x, y); key != "" {
		return fmt.Errorf("train: %s of %s is %v, and of %s %v; only runs of one model and one task have a mean", key, a, was, b, is)
	}
	return nil
}

// modelOf returns what of a run's configuration its model follows from.
func modelOf(dir string) (map[string]any, error) {
	text, err := os.ReadFile(filepath.Join(dir, configFile))
	if err != nil {
		return nil, err
	}
	var c map[string]any
	if err := yaml.Unmarshal(text, &c); err != nil {
		return nil, err
	}
	preset, _ := c["preset"].(string)
	preset, _, _ = strings.Cut(preset, "@")
	of := map[string]any{"preset": preset}
	if data, ok := c["data"].(map[string]any); ok && data["task"] != nil {
		of["data.task"] = data["task"]
	}
	for _, section := range []string{"model", "recurrent"} {
		if m, ok := c[section].(map[string]any); ok {
			maps.DeleteFunc(m, func(key string, _ any) bool { return strings.HasSuffix(key, "dropout") || key == "init" })
			of[section] = m
		}
	}
	return of, nil
}

// meanMetadata returns what of the metadata of several runs holds for their mean: the rest is
// of each run's own training.
func meanMetadata(runs []map[string]string) (map[string]string, error) {
	kept := maps.Clone(runs[0])
	maps.DeleteFunc(kept, func(key, _ string) bool { return key != "format" && key != checkpoint.VocabularyKey })
	sum, n := 0.0, 0
	for _, m := range runs {
		if text, ok := m[bert.NullThresholdKey]; ok {
			threshold, err := bert.ParseThreshold(text)
			if err != nil {
				return nil, fmt.Errorf("train: %w", err)
			}
			sum, n = sum+threshold, n+1
		}
	}
	if n > 0 {
		kept[bert.NullThresholdKey] = bert.FormatThreshold(sum / float64(n))
	}
	return kept, nil
}

// meanOf returns the mean of the tensors of files, and the metadata of each.
func meanOf(paths []string) (tensors []checkpoint.Tensor, metadata []map[string]string, err error) {
	var m mean
	for _, path := range paths {
		f, err := checkpoint.Open(path)
		if err != nil {
			return nil, nil, err
		}
		metadata = append(metadata, f.Metadata())
		if tensors == nil {
			for _, name := range f.Names() {
				shape, _ := f.Shape(name)
				tensors = append(tensors, checkpoint.Tensor{Name: name, Shape: shape})
			}
		}
		err = addFile(&m, f, tensors)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, nil, err
		}
	}
	for i := range tensors {
		tensors[i].Data = m.of(i)
	}
	return tensors, metadata, nil
}

// addFile adds what a file has under the names of tensors.
func addFile(m *mean, f *checkpoint.File, tensors []checkpoint.Tensor) error {
	if n := len(f.Names()); n != len(tensors) {
		return fmt.Errorf("train: %s has %d tensors and the first %d; only runs of one model have a mean", f.Path(), n, len(tensors))
	}
	for i, t := range tensors {
		data, err := f.Floats(t.Name, t.Shape...)
		if err != nil {
			return err
		}
		m.add(i, data)
	}
	m.n++
	return nil
}

// mean is the sum of n sets of arrays.
type mean struct {
	sums [][]float64
	n    int
}

// add adds array i of a set, arrays in order.
func (m *mean) add(i int, data []tensor.Float) {
	if i == len(m.sums) {
		m.sums = append(m.sums, make([]float64, len(data)))
	}
	for j, v := range data {
		m.sums[i][j] += float64(v)
	}
}

// of returns the mean of array i.
func (m *mean) of(i int) []tensor.Float {
	data := make([]tensor.Float, len(m.sums[i]))
	for j, sum := range m.sums[i] {
		data[j] = tensor.Float(sum / float64(m.n))
	}
	return data
}

// loadAverage sets params to the mean of checkpoints.
func loadAverage(paths []string, params []nn.Param) error {
	var m mean
	for _, path := range paths {
		if err := loadWeights(path, params); err != nil {
			return err
		}
		for i, p := range params {
			m.add(i, p.Tensor.Data)
		}
		m.n++
	}
	for i, p := range params {
		copy(p.Tensor.Data, m.of(i))
	}
	return nil
}
