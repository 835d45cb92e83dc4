package train

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/pipeline"
)

// ClassifyConfig is everything that decides a run that fine-tunes an encoder to say a
// label, or a number, about a text or a pair of texts (Devlin et al. 2018, section 4.1).
type ClassifyConfig struct {
	Preset string `yaml:"preset" doc:"the preset, with its version, that values not given come from"`
	Init   string `yaml:"init" doc:"folder of the encoder to begin with, in the layout of Hugging Face"`
	// FreshPooler and FreshLayers make parts of the encoder anew, as what the last task has left
	// in them may be in the way of the next (Zhang et al. 2021, "Revisiting Few-sample BERT
	// Fine-tuning", section 5).
	FreshPooler bool               `yaml:"fresh_pooler" doc:"begin with random weights of the layer between [CLS] and the classifier"`
	FreshLayers int                `yaml:"fresh_layers" doc:"likewise of so many layers of the encoder, from the last one on"`
	Data        ClassifyDataConfig `yaml:"data" doc:"the texts and their labels"`
	Training    Options            `yaml:"training" doc:"optimiser, schedule, and when to stop"`
}

// ClassifyDataConfig names texts and what is to be said about them.
type ClassifyDataConfig struct {
	Task        string  `yaml:"task" doc:"a task of GLUE: cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte or wnli; swag; empty for files of one's own"`
	Dir         string  `yaml:"dir" doc:"folder of the task's files, or of its folder"`
	Train       string  `yaml:"train" doc:"training table of one's own: .csv, .jsonl, or with tabs"`
	Valid       string  `yaml:"valid" doc:"validation table of one's own"`
	Text        string  `yaml:"text" doc:"its column of the text, by name, or by number from 0 where the table has no line of names"`
	Pair        string  `yaml:"pair" doc:"its column of the second text of a pair; empty for single texts"`
	Label       string  `yaml:"label" doc:"its column of the label"`
	Regression  bool    `yaml:"regression" doc:"labels are numbers to be predicted"`
	Batch       int     `yaml:"batch" doc:"texts of a batch"`
	MaxLength   int     `yaml:"max_length" doc:"tokens that a text is cut at, fewer where the model takes fewer; 0: as many as that"`
	WordDropout float64 `yaml:"word_dropout" doc:"share of the pieces of a text that training reads as [MASK], others in each epoch"`
}

// classifyPresets are complete configurations of fine-tuning but for the encoder and the
// texts.
var classifyPresets = map[string]ClassifyConfig{
	"bert-classify@1": {
		Data:     ClassifyDataConfig{Batch: 32, MaxLength: 128},
		Training: fineTuning,
	},
}

// Classifiers are the runs that fine-tune an encoder to label texts.
var Classifiers = Kind[ClassifyConfig]{presets: classifyPresets, field: func(c *ClassifyConfig) *string { return &c.Preset }}

// labelled is the texts of a run.
type labelled struct {
	train, valid []data.Labelled
	labels       []string // nil for numbers
	metrics      []string // by the first runs are compared
	choices      bool     // one score for each choice of a text, instead of one for each label
}

// outputs is the number of the classifier's.
func (l labelled) outputs() int {
	if l.choices || l.labels == nil {
		return 1
	}
	return len(l.labels)
}

// read returns the texts, whose labels are checked.
func (d ClassifyDataConfig) read() (l labelled, err error) {
	switch {
	case d.Batch < 1:
		return l, fmt.Errorf("train: data.batch is %d; want at least 1", d.Batch)
	case d.Task != "" && (d.Train != "" || d.Valid != "" || d.Text != "" || d.Pair != "" || d.Label != "" || d.Regression):
		return l, errors.New("train: data.task and files of one's own are given; choose one")
	case d.Task == swag:
		l = labelled{labels: swagLabels, metrics: []string{"accuracy"}, choices: true}
		l.train, l.valid, err = data.ReadSWAG(d.Dir)
		return l, err
	case d.Task != "":
		task, err := data.GLUE(d.Task)
		if err != nil {
			return l, err
		}
		l.labels, l.metrics = task.Labels, task.Metrics
		l.train, l.valid, err = task.Read(d.Dir)
		return l, err
	case d.Train == "" && d.Valid == "" && d.Text == "" && d.Label == "":
		return l, errors.New("train: data.task, or data.train, valid, text and label are not given; name a task of GLUE, or tables and their columns")
	}
	if d.Dir != "" {
		return l, fmt.Errorf("train: data.dir (--data) is %s, where tasks of GLUE have their files, and data.task is not given; leave one out or give the other", d.Dir)
	}
	for _, x := range []struct{ key, flag, value string }{
		{"data.train", "train", d.Train}, {"data.valid", "dev", d.Valid}, {"data.text", "text", d.Text}, {"data.label", "label", d.Label},
	} {
		if x.value == "" {
			return l, fmt.Errorf("train: %s (--%s) is not given; tables of one's own need --train, --dev, --text and --label", x.key, x.flag)
		}
	}
	if l.train, err = data.ReadTable(d.Train, d.columns()); err != nil {
		return l, err
	}
	if l.valid, err = data.ReadTable(d.Valid, d.columns()); err != nil {
		return l, err
	}
	if d.Regression {
		l.metrics = ownMetrics(nil)
		return l, cmp.Or(data.CheckNumbers(d.Train, l.train), data.CheckNumbers(d.Valid, l.valid))
	}
	for _, r := range l.train {
		if r.Label == "" {
			return l, fmt.Errorf("train: %s:%d: the label is empty; want one, or leave the line out", d.Train, r.Line)
		}
		if !slices.Contains(l.labels, r.Label) {
			l.labels = append(l.labels, r.Label)
		}
	}
	if len(l.labels) < 2 {
		return l, fmt.Errorf("train: %s has the label %q alone; want two labels or more", d.Train, l.labels[0])
	}
	slices.Sort(l.labels)
	l.metrics = ownMetrics(l.labels)
	return l, data.CheckLabels(d.Valid, l.valid, l.labels)
}

// Pairs says whether the texts are pairs.
func (d ClassifyDataConfig) Pairs() bool {
	if task, err := data.GLUE(d.Task); err == nil {
		return task.Header.Pair != "" || task.Bare.Pair != ""
	}
	return d.Pair != ""
}

func (d ClassifyDataConfig) columns() data.Columns {
	return data.Columns{Text: d.Text, Pair: d.Pair, Label: d.Label}
}

// ownMetrics are those of tables of one's own: F1 is of the second of two labels.
func ownMetrics(labels []string) []string {
	switch len(labels) {
	case 0:
		return []string{"pearson", "spearman"}
	case 2:
		return []string{"accuracy", "f1", "matthews"}
	}
	return []string{"accuracy"}
}

// readFile returns the rows of one more file in the form of the run's.
func (d ClassifyDataConfig) readFile(path string, labels []string) (l labelled, err error) {
	l = labelled{labels: labels, metrics: ownMetrics(labels)}
	if d.Task == "" {
		if l.valid, err = data.ReadTable(path, d.columns()); err != nil {
			return l, err
		}
		if labels == nil {
			return l, data.CheckNumbers(path, l.valid)
		}
		return l, data.CheckLabels(path, l.valid, labels)
	}
	if d.Task == swag {
		l = labelled{labels: swagLabels, metrics: []string{"accuracy"}, choices: true}
		l.valid, err = data.ReadSWAGFile(path)
		return l, err
	}
	task, err := data.GLUE(d.Task)
	if err != nil {
		return l, err
	}
	l.labels, l.metrics = task.Labels, task.Metrics
	l.valid, err = task.ReadFile(path)
	return l, err
}

// swag is the task of choosing among endings (section 4.4).
const swag = "swag"

var swagLabels = []string{"0", "1", "2", "3"}

// OpenClassifier opens the classifier of a run to be validated on the labelled texts of a
// file, in the form of those it was trained on. The encoder is to be closed.
func OpenClassifier(dir, path string) (*ClassifyTask, error) {
	return openRun(dir, Classifiers, func(c ClassifyConfig, e *pipeline.Encoder) (*ClassifyTask, error) {
		texts, err := c.Data.readFile(path, e.Labels)
		if err != nil {
			return nil, err
		}
		if err := e.Shorten(c.Data.MaxLength); err != nil {
			return nil, err
		}
		t := &ClassifyTask{Encoder: e, texts: texts}
		return t, t.setValid()
	})
}

// ClassifyRun is the run folder of a classifier that is open for training. The folder is
// one in the layout of Hugging Face as well.
type ClassifyRun struct {
	session
	Config ClassifyConfig
	Task   *ClassifyTask
}

// NewClassifyRun makes the folder of a run, or opens it where an earlier session with the
// same configuration left off.
func NewClassifyRun(dir string, c ClassifyConfig) (*ClassifyRun, error) {
	texts, err := c.Data.read()
	if err != nil {
		return nil, err
	}
	asked := Format(c)
	if err := checkConfig(dir, asked); err != nil {
		return nil, err
	}
	m, tok, err := openEncoder(c.Init)
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(c.Training.Seed, 0))
	if m.Pooler == nil || c.FreshPooler {
		m.AddPooler(r)
	}
	if n := c.FreshLayers; n < 0 || n > len(m.Layers) {
		return nil, fmt.Errorf("train: fresh_layers is %d; want 0 to %d, the layers of the encoder", n, len(m.Layers))
	}
	m.ResetLayers(c.FreshLayers, r)
	network := bert.NewClassifier(m, texts.outputs(), r)
	task, err := newClassifyTask(c, network, tok, texts)
	if err != nil {
		return nil, err
	}
	f := &bert.Folder{Network: network, Labels: texts.labels}
	switch {
	case texts.choices:
		f.Labels, f.Choices = nil, true // labels are numbers of choices
	case texts.labels == nil:
		f.Problem = bert.Regression
	}
	s, err := newBERTSession(dir, asked, c.Training, task, f, tok)
	return &ClassifyRun{s, c, task}, err
}
