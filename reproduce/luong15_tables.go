package reproduce

import (
	"fmt"

	"github.com/kotoba-nlp/kotoba/models/seq2seq"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/train"
)

// row is a recurrent model of a table; what it does not say all models of the table have
// in common.
type row struct {
	name      string
	published float64 // BLEU
	model     seq2seq.Config
}

// table1 is table 1, where every model adds something to the one before.
func table1() (rows []row) {
	c := seq2seq.Config{Radius: 10}
	add := func(name string, published float64, change func()) {
		change()
		rows = append(rows, row{name, published, c})
	}
	add("no attention", 11.3, func() {})
	add("+ reversed source", 12.6, func() { c.Reverse = true })
	add("+ dropout", 14.0, func() { c.Dropout = 0.3 })
	add("+ global attention (location)", 16.8, func() { c.Attention = nn.Location })
	add("+ input feeding", 18.1, func() { c.InputFeeding = true })
	add("local-p attention (general) instead", 19.0, func() { c.Attention, c.Window = nn.General, nn.LocalPredicted })
	return rows
}

// table4 is table 4, where models differ in their attention, with two more scores and the
// attention of Bahdanau et al. 2015.
func table4() (rows []row) {
	base := seq2seq.Config{Cell: nn.LSTM, Reverse: true, Dropout: 0.3, InputFeeding: true, Radius: 10}
	for _, r := range []struct {
		name      string
		published float64
		score     nn.Score
		window    nn.Window
	}{
		{"global (location)", 18.1, nn.Location, nn.Global},
		{"global (dot)", 18.6, nn.Dot, nn.Global},
		{"global (general)", 17.3, nn.General, nn.Global},
		{"global (concat)", 0, nn.Concat, nn.Global},
		{"global (scaled dot)", 0, nn.ScaledDot, nn.Global},
		{"local-m (dot)", 0, nn.Dot, nn.LocalMonotonic},
		{"local-m (general)", 18.6, nn.General, nn.LocalMonotonic},
		{"local-p (dot)", 18.0, nn.Dot, nn.LocalPredicted},
		{"local-p (general)", 19.0, nn.General, nn.LocalPredicted},
	} {
		c := base
		c.Attention, c.Window = r.score, r.window
		rows = append(rows, row{r.name, r.published, c})
	}
	bahdanau := base
	bahdanau.Cell, bahdanau.Attention, bahdanau.Reverse, bahdanau.Bidirectional = nn.GRU, nn.Concat, false, true
	bahdanau.InputFeeding, bahdanau.PreviousState = false, true
	return append(rows, row{"Bahdanau", 0, bahdanau})
}

// check says what of a row's configuration cannot be, but for its vocabulary.
func (l Luong15) check(r row) error {
	c, err := l.config(r.model, 1)
	if err != nil {
		return err
	}
	if c.Recurrent.Vocab == 0 {
		c.Recurrent.Vocab = 1
	}
	if err := c.Recurrent.Validate(); err != nil {
		return err
	}
	return c.Training.Validate()
}

// checkCompared says what of a configuration has been changed that is not for a model alone.
func checkCompared(was, is train.Config) error {
	const compared = "is among what the tables compare, and cannot be one for all models; leave it out"
	const attends = "is of attention, which not all models of the tables have; leave it out"
	const corpus = "cannot be set here: the texts are those of --data"
	const scored = "cannot be set here: the test is scored as the text comes"
	w, i := was.Recurrent, is.Recurrent
	for _, x := range []struct {
		key, why string
		changed  bool
	}{
		{"preset", "cannot be set here: models have the recipe of the paper", was.Preset != is.Preset},
		{"data.source", corpus, was.Data.Source != is.Data.Source},
		{"data.target", corpus, was.Data.Target != is.Data.Target},
		{"data.valid_source", corpus, was.Data.ValidSource != is.Data.ValidSource},
		{"data.valid_target", corpus, was.Data.ValidTarget != is.Data.ValidTarget},
		{"training.seed", "cannot be set here: models have the seeds 1, 2 and so on", was.Training.Seed != is.Training.Seed},
		{"training.max_steps", "cannot be set here: it is --steps", was.Training.MaxSteps != is.Training.MaxSteps},
		{"tokenizer.type", "cannot be set here: unknown words are replaced in vocabularies of words", was.Tokenizer.Type != is.Tokenizer.Type},
		{"data.bleu_tokenize", scored, was.Data.Tokenize != is.Data.Tokenize},
		{"data.bleu_lowercase", scored, was.Data.Lowercase != is.Data.Lowercase},
		{"recurrent.attention", compared, w.Attention != i.Attention},
		{"recurrent.window", compared, w.Window != i.Window},
		{"recurrent.reverse", compared, w.Reverse != i.Reverse},
		{"recurrent.bidirectional", compared, w.Bidirectional != i.Bidirectional},
		{"recurrent.dropout", compared, w.Dropout != i.Dropout},
		{"recurrent.input_feeding", compared, w.InputFeeding != i.InputFeeding},
		{"recurrent.previous_state", compared, w.PreviousState != i.PreviousState},
		{"recurrent.coverage", attends, w.Coverage != i.Coverage},
		{"recurrent.split", attends, w.Split != i.Split},
		{"recurrent.renormalise", attends, w.Renormalise != i.Renormalise},
	} {
		if x.changed {
			return fmt.Errorf("reproduce: %s %s", x.key, x.why)
		}
	}
	return nil
}
