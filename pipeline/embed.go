package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Pooling is how the vectors of tokens become that of a text.
type Pooling string

// The poolings.
const (
	Mean Pooling = "mean" // of all tokens
	CLS  Pooling = "cls"  // that of [CLS]
	Max  Pooling = "max"  // the largest of all tokens, element by element
)

// Validate says whether there is such a pooling.
func (p Pooling) Validate() error {
	switch p {
	case Mean, CLS, Max:
		return nil
	}
	return fmt.Errorf("pipeline: pooling is %q; want %s, %s or %s", p, Mean, CLS, Max)
}

// readSentenceFiles reads what folders of sentence-transformers have beside the model:
// how to pool, and the longest text that the model was made for.
func (e *Encoder) readSentenceFiles(dir string) error {
	e.Pooling = Mean
	var pooling struct {
		CLS  bool `json:"pooling_mode_cls_token"`
		Mean bool `json:"pooling_mode_mean_tokens"`
		Max  bool `json:"pooling_mode_max_tokens"`
	}
	path := filepath.Join(dir, "1_Pooling", "config.json")
	switch found, err := readJSON(path, &pooling); {
	case err != nil:
		return err
	case !found || pooling.Mean && !pooling.CLS && !pooling.Max:
	case pooling.CLS && !pooling.Mean && !pooling.Max:
		e.Pooling = CLS
	case pooling.Max && !pooling.Mean && !pooling.CLS:
		e.Pooling = Max
	default:
		return fmt.Errorf("pipeline: %s asks for another pooling than one of mean, cls and max; only these are supported", path)
	}
	var sentence struct {
		Longest int `json:"max_seq_length"`
	}
	path = filepath.Join(dir, "sentence_bert_config.json")
	if found, err := readJSON(path, &sentence); err != nil || !found {
		return err
	}
	if sentence.Longest < 3 || sentence.Longest > e.MaxLength {
		return fmt.Errorf("pipeline: %s: max_seq_length is %d; want 3 to %d, the model's positions", path, sentence.Longest, e.MaxLength)
	}
	e.MaxLength = sentence.Longest
	return nil
}

// readJSON reads a file if it is there.
func readJSON(path string, to any) (found bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, to)
	}
	if err != nil {
		return true, fmt.Errorf("pipeline: %s: %w", path, err)
	}
	return true, nil
}

// Embed returns a vector for each input, of length 1 where normalise says so.
func (e *Encoder) Embed(inputs []Input, p Pooling, normalise bool) ([][]tensor.Float, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	vectors := make([][]tensor.Float, len(inputs))
	e.Encode(inputs, nil, func(_ bert.Pass, x *tensor.Tensor, s tensor.Segments, which []int) {
		for i, input := range which {
			v := pool(p, x, s[i], s[i+1])
			if normalise {
				scale(v)
			}
			vectors[input] = v
		}
	})
	return vectors, nil
}

// pool returns the vector of rows first to end-1.
func pool(p Pooling, x *tensor.Tensor, first, end int) []tensor.Float {
	v := make([]tensor.Float, x.Cols())
	copy(v, x.Row(first))
	if p == CLS {
		return v
	}
	for r := first + 1; r < end; r++ {
		for i, y := range x.Row(r) {
			if p == Max {
				v[i] = max(v[i], y)
			} else {
				v[i] += y
			}
		}
	}
	if p == Mean {
		for i := range v {
			v[i] /= tensor.Float(end - first)
		}
	}
	return v
}

// scale makes the length of a vector 1, unless it is 0.
func scale(v []tensor.Float) {
	if n := math.Sqrt(Dot(v, v)); n > 0 {
		for i := range v {
			v[i] = tensor.Float(float64(v[i]) / n)
		}
	}
}

// Dot returns the product of two vectors: the cosine of their angle where both have
// length 1.
func Dot(a, b []tensor.Float) float64 {
	sum := 0.0
	for i, x := range a {
		sum += float64(x) * float64(b[i])
	}
	return sum
}
