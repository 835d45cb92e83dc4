package train

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/kotoba-nlp/kotoba/decode"
	"github.com/kotoba-nlp/kotoba/models/seq2seq"
	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// Config is everything that decides a run of a translation model.
type Config struct {
	Preset    string             `yaml:"preset" doc:"the preset, with its version, that values not given come from"`
	Data      DataConfig         `yaml:"data" doc:"the corpus: one sentence a line, line n of one file translating line n of the other"`
	Tokenizer TokenizerConfig    `yaml:"tokenizer" doc:"one vocabulary for both languages"`
	Model     transformer.Config `yaml:"model" doc:"the Transformer of Vaswani et al. 2017"`
	Recurrent seq2seq.Config     `yaml:"recurrent" doc:"instead of it, an encoder-decoder of recurrent layers: Sutskever et al. 2014, Luong et al. 2015"`
	Training  Options            `yaml:"training" doc:"optimiser, schedule, and when to stop"`
	Decoding  DecodingConfig     `yaml:"decoding" doc:"how validation and, unless asked otherwise, translate search"`
}

// DataConfig names the files of a parallel corpus.
type DataConfig struct {
	Source      string `yaml:"source" doc:"training text, source language"`
	Target      string `yaml:"target" doc:"training text, target language"`
	ValidSource string `yaml:"valid_source" doc:"validation text, source language"`
	ValidTarget string `yaml:"valid_target" doc:"validation text, target language"`
	ValidLines  int    `yaml:"valid_lines" doc:"lines of it that are translated for BLEU; 0 is all"`
	Tokenize    string `yaml:"bleu_tokenize" doc:"sacreBLEU's tokeniser for validation: 13a, intl, char, zh, or none for text that comes tokenised"`
	Lowercase   bool   `yaml:"bleu_lowercase" doc:"whether validation BLEU ignores case"`
}

// TokenizerConfig says which vocabulary to use or to make.
type TokenizerConfig struct {
	Model             string  `yaml:"model" doc:"a SentencePiece model or word list to use; empty: train one on the training text"`
	Type              string  `yaml:"type" doc:"unigram, bpe, words for text that comes tokenised, or for language models characters"`
	Vocab             int     `yaml:"vocab" doc:"entries of the vocabulary"`
	CharacterCoverage float64 `yaml:"character_coverage" doc:"share of the text's characters that pieces cover"`
	ByteFallback      bool    `yaml:"byte_fallback" doc:"spell unknown characters in bytes"`
	Sampling          float64 `yaml:"sampling" doc:"subword regularisation: each epoch cuts the training text anew at random, by this α of unigram (Kudo 2018) or share of merges left out of bpe (Provilkov et al. 2020); 0 is none"`
}

// DecodingConfig is how to search.
type DecodingConfig struct {
	Beam          int     `yaml:"beam" doc:"hypotheses of a sentence; 1 is greedy"`
	LengthPenalty string  `yaml:"length_penalty" doc:"none, gnmt: ((5+n)/6)^alpha, or power: n^alpha"`
	Alpha         float64 `yaml:"alpha" doc:"the power of the length penalty"`
}

// MaxBeam is how many hypotheses of a sentence fit in memory with any model.
const MaxBeam = 1000

// check says whether there can be so many hypotheses.
func (d DecodingConfig) check() error {
	if d.Beam < 1 || d.Beam > MaxBeam {
		return fmt.Errorf("decoding.beam is %d; want 1 to %d", d.Beam, MaxBeam)
	}
	return nil
}

// Options returns the search that the configuration asks for.
func (d DecodingConfig) Options() decode.TranslateOptions {
	o := decode.DefaultTranslate()
	o.Beam, o.Penalty = d.Beam, decode.LengthPenalty{Name: d.LengthPenalty, Alpha: d.Alpha}
	return o
}

// IsRecurrent says whether the model is an encoder-decoder of recurrent layers.
func (c Config) IsRecurrent() bool { return c.Recurrent != seq2seq.Config{} }

// fitTo completes what a configuration leaves to the vocabulary.
func (c *Config) fitTo(tok tokenizer.Tokenizer) error {
	vocab, start := &c.Model.Vocab, &c.Model.Start
	if c.IsRecurrent() {
		if c.Model != (transformer.Config{}) {
			if preset, err := Translations.Preset(c.Preset); err == nil && !preset.IsRecurrent() {
				return fmt.Errorf("train: the preset %s is a Transformer, and values of recurrent layers are set in recurrent; set them in model", c.Preset)
			}
			return fmt.Errorf("train: the preset %s has recurrent layers, and values of a Transformer are set in model; set them in recurrent", c.Preset)
		}
		vocab, start = &c.Recurrent.Vocab, &c.Recurrent.Start
	}
	*start = int(decode.Begin(tok))
	var err error
	*vocab, err = vocabOf(*vocab, tok)
	return err
}

// weights returns how many weights the model surely has, and what makes them so many.
func (c Config) weights() (n float64, by string) {
	if c.IsRecurrent() {
		return c.Recurrent.Weights(), "recurrent.hidden, recurrent.dim, recurrent.layers or recurrent.max_length"
	}
	return c.Model.Weights(), "model.dim, model.ffn or the number of layers"
}

// dim is the dimension of the model, which the schedule noam asks for.
func (c Config) dim() int {
	if c.IsRecurrent() {
		return c.Recurrent.Hidden
	}
	return c.Model.Dim
}

// PresetOfFile returns the name of the preset in a configuration, "" for none. It says
// what kind of model the configuration is of.
func PresetOfFile(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("train: %w", err)
	}
	name, err := presetName(text)
	if err != nil {
		return "", fmt.Errorf("train: %s:%w", path, err)
	}
	return name, nil
}

// presetName returns the name of the preset in a configuration, "" for none.
func presetName(text []byte) (string, error) {
	var named struct {
		Preset string `yaml:"preset"`
	}
	if err := yaml.Unmarshal(text, &named); err != nil {
		return "", locate(err, nil)
	}
	return named.Preset, nil
}

// overlay sets the values that text names in c, a pointer to a configuration.
func overlay(text []byte, c any) error {
	if len(strings.TrimSpace(string(text))) == 0 {
		return nil
	}
	if err := checkScalars(text, reflect.TypeOf(c).Elem()); err != nil {
		return err
	}
	if err := yaml.UnmarshalWithOptions(text, c, yaml.Strict()); err != nil {
		return locate(err, c)
	}
	return nil
}

// Set changes one value of c, a pointer to a configuration.
func Set(c any, key, value string) error {
	parts := strings.Split(key, ".")
	t, err := typeOf(reflect.TypeOf(c).Elem(), parts)
	if err != nil {
		return fmt.Errorf("train: --set %s=%s: %w", key, value, err)
	}
	if value == "" && t.Kind() == reflect.String {
		value = `""`
	}
	var text strings.Builder
	for i, p := range parts {
		fmt.Fprintf(&text, "%s%s:", strings.Repeat("  ", i), p)
		if i < len(parts)-1 {
			text.WriteString("\n")
		}
	}
	fmt.Fprintf(&text, " %s\n", value)
	if err := overlay([]byte(text.String()), c); err != nil {
		if want, ok := kindNames[t.Kind()]; ok {
			err = fmt.Errorf("%s takes %s", key, want)
		}
		return fmt.Errorf("train: --set %s=%s: %w", key, value, err)
	}
	return nil
}

// kindNames say what values are of a kind.
var kindNames = map[reflect.Kind]string{
	reflect.Int: "a whole number", reflect.Uint64: "a whole number of 0 or more", reflect.Float64: "a number", reflect.Bool: "true or false",
}

var unknownField = regexp.MustCompile(`unknown field "([^"]*)"`)

// locate turns an error of the YAML library into one line: line:column: what,
// and for an unknown key the nearest one that c has, a pointer to a configuration.
func locate(err error, c any) error {
	var e yaml.Error
	if !errors.As(err, &e) {
		return fmt.Errorf(" %w", err)
	}
	msg := e.GetMessage()
	if m := unknownField.FindStringSubmatch(msg); m != nil {
		msg = unknownKey(m[1], allKeys(reflect.TypeOf(c).Elem()))
	}
	if t := e.GetToken(); t != nil && t.Position != nil {
		return fmt.Errorf("%d:%d: %s", t.Position.Line, t.Position.Column, msg)
	}
	return fmt.Errorf(" %s", msg)
}

func unknownKey(key string, known []string) string {
	return fmt.Sprintf("unknown key %q; the nearest known one is %q", key, nearest(key, known))
}

// keys lists the names of fields.
func keys(t reflect.Type) []string {
	var all []string
	for f := range t.Fields() {
		if name := f.Tag.Get("yaml"); name != "-" {
			all = append(all, name)
		}
	}
	return all
}

// allKeys lists the names of fields, and as section.name those of the fields of sections.
func allKeys(t reflect.Type) []string {
	all := keys(t)
	for f := range t.Fields() {
		if f.Type.Kind() == reflect.Struct {
			all = append(all, prefixed(f.Tag.Get("yaml"), keys(f.Type))...)
		}
	}
	return all
}

// typeOf returns the type of the value that a key, section.name, has in a configuration.
func typeOf(t reflect.Type, parts []string) (reflect.Type, error) {
	for i, part := range parts {
		if t.Kind() != reflect.Struct {
			return nil, fmt.Errorf("%s is a value; it has no %q", strings.Join(parts[:i], "."), part)
		}
		known := keys(t)
		if !slices.Contains(known, part) {
			return nil, errors.New(unknownKey(strings.Join(parts[:i+1], "."), prefixed(strings.Join(parts[:i], "."), known)))
		}
		for f := range t.Fields() {
			if f.Tag.Get("yaml") == part {
				t = f.Type
				break
			}
		}
	}
	if t.Kind() == reflect.Struct {
		return nil, fmt.Errorf("%s is a section; set one of %s", strings.Join(parts, "."), strings.Join(prefixed(strings.Join(parts, "."), keys(t)), ", "))
	}
	return t, nil
}

// prefixed puts a section before keys.
func prefixed(section string, keys []string) []string {
	if section == "" {
		return keys
	}
	all := make([]string, len(keys))
	for i, key := range keys {
		all[i] = section + "." + key
	}
	return all
}

// nearest returns the key whose own name is at the smallest edit distance.
func nearest(key string, known []string) string {
	name := func(key string) string { return key[strings.LastIndex(key, ".")+1:] }
	return slices.MinFunc(known, func(a, b string) int {
		return distance(name(key), name(a)) - distance(name(key), name(b))
	})
}

// distance is the edit distance of Levenshtein (1966).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// Format returns a configuration as YAML, each value with its meaning.
func Format(c any) string {
	var text strings.Builder
	text.WriteString("# A run of kotoba train. Any value can be left out: it is then the preset's.\n")
	format(&text, reflect.ValueOf(c), "")
	return text.String()
}

func format(text *strings.Builder, v reflect.Value, indent string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, doc := f.Tag.Get("yaml"), f.Tag.Get("doc")
		if name == "-" {
			continue
		}
		if f.Type.Kind() == reflect.Struct {
			if v.Field(i).IsZero() {
				continue // of another kind of model
			}
			fmt.Fprintf(text, "\n%s%s: # %s\n", indent, name, doc)
			format(text, v.Field(i), indent+"  ")
			continue
		}
		value := fmt.Sprint(v.Field(i).Interface())
		if f.Type.Kind() == reflect.String {
			value = fmt.Sprintf("%q", value)
		}
		fmt.Fprintf(text, "%s%-30s # %s\n", indent, name+": "+value, doc)
	}
}
