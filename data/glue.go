package data

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// GLUETask is a task of the General Language Understanding Evaluation (Wang et al. 2018).
type GLUETask struct {
	Name    string
	Folder  string   // as the download script of GLUE calls it
	Labels  []string // in the order of ids; nil where a number is to be predicted
	Metrics []string // the official ones; by the first runs are compared
	// Header and Bare are the columns of files with the official header line and without.
	Header, Bare Columns
	Dev          string // file of the development set, dev.tsv where it is ""
	// Broken says that some lines of the published files are broken in two, which are left
	// out.
	Broken bool
}

var yesOrNo = []string{"0", "1"}

// GLUETasks are the tasks of GLUE.
var GLUETasks = []GLUETask{
	{Name: "cola", Folder: "CoLA", Labels: yesOrNo, Metrics: []string{"matthews"}, Header: Columns{"sentence", "", "label"}, Bare: Columns{"3", "", "1"}},
	{Name: "sst2", Folder: "SST-2", Labels: yesOrNo, Metrics: []string{"accuracy"}, Header: Columns{"sentence", "", "label"}, Bare: Columns{"0", "", "1"}},
	{Name: "mrpc", Folder: "MRPC", Labels: yesOrNo, Metrics: []string{"f1", "accuracy"}, Header: Columns{"#1 String", "#2 String", "Quality"}, Bare: Columns{"3", "4", "0"}},
	{Name: "stsb", Folder: "STS-B", Metrics: []string{"pearson", "spearman"}, Header: Columns{"sentence1", "sentence2", "score"}, Bare: Columns{"7", "8", "9"}},
	{Name: "qqp", Folder: "QQP", Labels: yesOrNo, Metrics: []string{"f1", "accuracy"}, Header: Columns{"question1", "question2", "is_duplicate"}, Bare: Columns{"3", "4", "5"}, Broken: true},
	{
		Name: "mnli", Folder: "MNLI", Labels: []string{"entailment", "neutral", "contradiction"}, Metrics: []string{"accuracy"},
		Header: Columns{"sentence1", "sentence2", "gold_label"}, Dev: "dev_matched.tsv",
	},
	{
		Name: "qnli", Folder: "QNLI", Labels: []string{"entailment", "not_entailment"}, Metrics: []string{"accuracy"},
		Header: Columns{"question", "sentence", "label"}, Bare: Columns{"1", "2", "3"},
	},
	{
		Name: "rte", Folder: "RTE", Labels: []string{"entailment", "not_entailment"}, Metrics: []string{"accuracy"},
		Header: Columns{"sentence1", "sentence2", "label"}, Bare: Columns{"1", "2", "3"},
	},
	{Name: "wnli", Folder: "WNLI", Labels: yesOrNo, Metrics: []string{"accuracy"}, Header: Columns{"sentence1", "sentence2", "label"}, Bare: Columns{"1", "2", "3"}},
}

// GLUE returns a task by name: sst2, or SST-2.
func GLUE(name string) (GLUETask, error) {
	var names []string
	for _, t := range GLUETasks {
		if strings.EqualFold(name, t.Name) || strings.EqualFold(name, t.Folder) {
			return t, nil
		}
		names = append(names, t.Name)
	}
	return GLUETask{}, fmt.Errorf("data: there is no task %q in GLUE; want one of %s, or swag", name, strings.Join(names, ", "))
}

// Read reads train.tsv and the development set of a folder, or of its folder named after
// the task.
func (t GLUETask) Read(dir string) (train, dev []Labelled, err error) {
	if dir == "" {
		return nil, nil, errors.New("data: the folder of the data is not given; name one with train.tsv and dev.tsv, or with a folder " + t.Folder + " of them")
	}
	if info, err := os.Stat(filepath.Join(dir, t.Folder)); err == nil && info.IsDir() {
		dir = filepath.Join(dir, t.Folder)
	}
	if train, err = t.ReadFile(filepath.Join(dir, "train.tsv")); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w; want the files of the task there, or in a folder %s", err, t.Folder)
	}
	if err != nil {
		return nil, nil, err
	}
	name := t.Dev
	if name == "" {
		name = "dev.tsv"
	}
	dev, err = t.ReadFile(filepath.Join(dir, name))
	return train, dev, err
}

// ReadFile reads a file of the task, with its header line or without, and checks the
// labels.
func (t GLUETask) ReadFile(path string) ([]Labelled, error) { return readFile(path, t.read) }

// read implements reader.
func (t GLUETask) read(r *bufio.Reader, ending string) ([]Labelled, error) {
	columns := t.Header
	if t.Bare != (Columns{}) && ending != ".jsonl" && !hasHeader(r, ending, t.Header) {
		columns = t.Bare
	}
	var rows []Labelled
	var err error
	if t.Broken && ending == ".tsv" {
		rows, err = readRows(whole(tabRows(r)), columns)
	} else {
		rows, err = readTable(r, ending, columns)
	}
	if err != nil {
		return nil, err
	}
	if t.Labels == nil {
		return rows, checkNumbers(rows)
	}
	return rows, checkLabels(rows, t.Labels)
}

// CheckLabels says which row of a file has a label that is none of labels.
func CheckLabels(path string, rows []Labelled, labels []string) error {
	if err := checkLabels(rows, labels); err != nil {
		return fmt.Errorf("data: %s%w", path, err)
	}
	return nil
}

func checkLabels(rows []Labelled, labels []string) error {
	for _, r := range rows {
		if !slices.Contains(labels, r.Label) {
			return fmt.Errorf(":%d: label %.40q; want one of %s", r.Line, r.Label, strings.Join(labels, ", "))
		}
	}
	return nil
}

// CheckNumbers says which row of a file has a label that is no number.
func CheckNumbers(path string, rows []Labelled) error {
	if err := checkNumbers(rows); err != nil {
		return fmt.Errorf("data: %s%w", path, err)
	}
	return nil
}

func checkNumbers(rows []Labelled) error {
	for _, r := range rows {
		if _, err := r.Number(); err != nil {
			return fmt.Errorf(":%d: %w", r.Line, err)
		}
	}
	return nil
}

// Number returns the number that the label is, which single precision can hold.
func (r Labelled) Number() (float32, error) {
	x, err := strconv.ParseFloat(r.Label, 32)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("label %.40q; want a number", r.Label)
	}
	return float32(x), nil
}

// hasHeader says whether the first line of a table names one of the columns. It reads
// nothing.
func hasHeader(r *bufio.Reader, ending string, c Columns) bool {
	head, _ := r.Peek(r.Size()) // or less, where the table is shorter
	line, _, _ := strings.Cut(string(head), "\n")
	fields := strings.Split(strings.TrimRight(line, "\r"), "\t")
	if ending == ".csv" {
		fields, _ = csv.NewReader(strings.NewReader(line)).Read() // none where it is damaged, which reading says
	}
	return slices.ContainsFunc([]string{c.Text, c.Pair, c.Label}, func(name string) bool {
		return name != "" && slices.Contains(fields, name)
	})
}

// whole leaves out rows of another number of fields than the first has.
func whole(next func() (row, error)) func() (row, error) {
	fields := 0
	return func() (row, error) {
		for {
			r, err := next()
			if err != nil || fields == 0 || len(r.fields) == fields {
				fields = max(fields, len(r.fields))
				return r, err
			}
		}
	}
}
