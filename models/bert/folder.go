package bert

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/internal/atomicfile"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

const configFile = "config.json"

// folderConfig is config.json: the shape, and what says what a model is.
type folderConfig struct {
	Architectures []string `json:"architectures"`
	ModelType     string   `json:"model_type"`
	Config
	Positions  string            `json:"position_embedding_type"`
	Decoder    bool              `json:"is_decoder"`
	Labels     map[string]string `json:"id2label,omitempty"`
	IDs        map[string]int    `json:"label2id,omitempty"`
	Problem    string            `json:"problem_type,omitempty"`
	Pad        int               `json:"pad_token_id"`
	TorchType  string            `json:"dtype"`
	TieWeights bool              `json:"tie_word_embeddings"`
}

// Folder is what a Hugging Face folder of a BERT model holds, but for its tokenizer.
type Folder struct {
	Network *Network
	Labels  []string // of the classifier, nil where it has no names
	Choices bool     // its score is one of a choice among several
}

// Open reads config.json and the weights of a folder in the layout of Hugging Face. The
// heads are those that the weights have. A tensor that is missing, unexpected or of
// another shape is an error that names it.
func Open(dir string) (*Folder, error) {
	path := filepath.Join(dir, configFile)
	c, err := readConfig(path)
	if err != nil {
		return nil, err
	}
	f, err := checkpoint.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	n, err := load(f, c.Config)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	labels, err := c.labels(n)
	if err != nil {
		return nil, fmt.Errorf("bert: %s: %w", path, err)
	}
	return &Folder{Network: n, Labels: labels, Choices: slices.Contains(c.Architectures, multipleChoice)}, nil
}

// maxConfigSize bounds config.json, of which the names of labels are the most.
const maxConfigSize = 1 << 24

func readConfig(path string) (c folderConfig, err error) {
	f, err := os.Open(path)
	if err != nil {
		return c, fmt.Errorf("bert: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, maxConfigSize+1))
	if err == nil && len(text) > maxConfigSize {
		err = fmt.Errorf("it has more than %d bytes; want the configuration of a model", maxConfigSize)
	}
	if err == nil {
		c, err = parseConfig(text)
	}
	if err != nil {
		return c, fmt.Errorf("bert: %s: %w", path, err)
	}
	return c, nil
}

// sizeKeys are what config.json must say, as it is different in each model.
var sizeKeys = []string{"vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "max_position_embeddings"}

// parseConfig reads and checks a config.json.
func parseConfig(text []byte) (folderConfig, error) {
	// What older files leave out.
	c := folderConfig{Positions: "absolute", Config: Config{Types: 2, Activation: "gelu", Epsilon: 1e-12, Init: 0.02}}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, err
	}
	switch {
	case c.ModelType != "bert":
		return c, fmt.Errorf("model_type is %.40q; only bert is supported", c.ModelType)
	case c.Positions != "absolute":
		return c, fmt.Errorf("position_embedding_type is %.40q; only absolute is supported", c.Positions)
	case c.Decoder:
		return c, errors.New("is_decoder is true; only encoders are supported")
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(text, &given); err != nil {
		return c, err
	}
	for _, key := range sizeKeys {
		if value := given[key]; value == nil || string(value) == "null" {
			return c, fmt.Errorf("%s is missing; want the number that the weights were made with", key)
		}
	}
	return c, c.check()
}

// labels returns the names of the classifier's labels in order.
func (c folderConfig) labels(n *Network) ([]string, error) {
	if n.Classifier == nil || len(c.Labels) == 0 {
		return nil, nil
	}
	names := make([]string, n.Classifier.Weight.Rows())
	for i := range names {
		name, ok := c.Labels[fmt.Sprint(i)]
		if !ok {
			return nil, fmt.Errorf("id2label has no %d; the classifier has %d labels", i, len(names))
		}
		names[i] = name
	}
	return names, nil
}

// canonical returns the name that Params has for a tensor of a folder: old checkpoints
// have gamma and beta for weight and bias of layer normalisation, and encoders alone do
// without the prefix of a network.
func canonical(name string, bare bool) string {
	if s, ok := strings.CutSuffix(name, ".gamma"); ok {
		name = s + ".weight"
	}
	if s, ok := strings.CutSuffix(name, ".beta"); ok {
		name = s + ".bias"
	}
	if bare {
		name = "bert." + name
	}
	return name
}

// Tensors that folders may have beside the parameters.
const (
	positionIDs  = "bert.embeddings.position_ids"   // 0, 1, 2, ...
	tiedWeight   = "cls.predictions.decoder.weight" // the embeddings of words
	tiedBias     = "cls.predictions.decoder.bias"   // cls.predictions.bias
	wordsName    = "bert.embeddings.word_embeddings.weight"
	wordBiasName = "cls.predictions.bias"
)

// renamed is the tensors of a folder by the names of Params, without those that say
// nothing new.
type renamed struct {
	checkpoint.Source
	original map[string]string
}

func rename(f checkpoint.Source) (renamed, error) {
	names := f.Names()
	bare := !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "bert.") })
	r := renamed{f, map[string]string{}}
	for _, name := range names {
		to := canonical(name, bare)
		if before, ok := r.original[to]; ok {
			return r, fmt.Errorf("bert: %s: tensors %q and %q are one and the same parameter", f.Path(), before, name)
		}
		r.original[to] = name
	}
	delete(r.original, positionIDs)
	return r, cmp.Or(r.dropTied(tiedWeight, wordsName), r.dropTied(tiedBias, wordBiasName))
}

// dropTied leaves out a tensor that is to be equal to another, its parameter; it becomes
// the parameter where that is missing.
func (r renamed) dropTied(name, parameter string) error {
	original, ok := r.original[name]
	if !ok {
		return nil
	}
	delete(r.original, name)
	shape, _ := r.Source.Shape(original)
	to, ok := r.original[parameter]
	if !ok {
		r.original[parameter] = original
		return nil
	}
	a, err := r.Source.Floats(original, shape...)
	if err != nil {
		return err
	}
	b, err := r.Source.Floats(to, shape...)
	if err != nil {
		return err
	}
	if !slices.Equal(a, b) {
		return fmt.Errorf("bert: %s: tensors %q and %q differ; only models that share them are supported", r.Path(), original, to)
	}
	return nil
}

// Names implements checkpoint.Source.
func (r renamed) Names() []string {
	var names []string
	for name := range r.original {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Shape implements checkpoint.Source.
func (r renamed) Shape(name string) ([]int, bool) {
	original, ok := r.original[name]
	if !ok {
		return nil, false
	}
	return r.Source.Shape(original)
}

// Floats implements checkpoint.Source.
func (r renamed) Floats(name string, shape ...int) ([]tensor.Float, error) {
	if original, ok := r.original[name]; ok {
		name = original
	}
	return r.Source.Floats(name, shape...)
}

// load returns the network that a folder holds.
func load(f checkpoint.Source, c Config) (*Network, error) {
	r, err := rename(f)
	if err != nil {
		return nil, err
	}
	if err := checkSizes(r, c); err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(0, 0)) // weights that Load replaces
	n, err := NewPretraining(c, random)
	if err != nil {
		return nil, err
	}
	has := func(prefix string) bool {
		return slices.ContainsFunc(r.Names(), func(name string) bool { return strings.HasPrefix(name, prefix) })
	}
	if !has("cls.predictions.") {
		n.Predictions = nil
	}
	if !has("cls.seq_relationship.") {
		n.NextSentence = nil
	}
	if !has("bert.pooler.") {
		n.Encoder.Pooler = nil
	}
	for name, head := range map[string]**nn.Linear{"classifier.": &n.Classifier, "qa_outputs.": &n.Answer} {
		if has(name) {
			shape, _ := r.Shape(name + "weight")
			if len(shape) != 2 || shape[1] != c.Dim || shape[0] < 1 {
				return nil, fmt.Errorf("bert: %s: tensor %q has shape %v; want (labels, %d)", f.Path(), name+"weight", shape, c.Dim)
			}
			l := c.linear(c.Dim, shape[0], random)
			*head = &l
		}
	}
	return n, checkpoint.Load(r, nn.Params(n))
}

// checkSizes says where a configuration and the weights differ, before memory is taken
// for what the configuration says: what is taken is in proportion to the tensors here.
func checkSizes(f checkpoint.Source, c Config) error {
	check := func(name, keys string, rows, cols int) error {
		got, ok := f.Shape(name)
		switch {
		case !ok:
			return fmt.Errorf("bert: %s: there is no tensor %q; %s says that there is one, of shape [%d %d] (%s)", f.Path(), name, configFile, rows, cols, keys)
		case !slices.Equal(got, []int{rows, cols}):
			return fmt.Errorf("bert: %s: tensor %q has shape %v; %s says [%d %d] (%s)", f.Path(), name, got, configFile, rows, cols, keys)
		}
		return nil
	}
	err := cmp.Or(
		check(wordsName, "vocab_size, hidden_size", c.Vocab, c.Dim),
		check("bert.embeddings.position_embeddings.weight", "max_position_embeddings, hidden_size", c.MaxLength, c.Dim),
		check("bert.embeddings.token_type_embeddings.weight", "type_vocab_size, hidden_size", c.Types, c.Dim),
	)
	for i := 0; i < c.Layers && err == nil; i++ {
		layer := fmt.Sprintf("bert.encoder.layer.%d.", i)
		err = cmp.Or(
			check(layer+"attention.self.query.weight", "hidden_size, hidden_size", c.Dim, c.Dim),
			check(layer+"intermediate.dense.weight", "intermediate_size, hidden_size", c.FFN, c.Dim),
		)
	}
	return err
}

// Save writes config.json and model.safetensors to a folder, such that transformers of
// Hugging Face opens it.
func (f *Folder) Save(dir string) error {
	if err := f.SaveConfig(dir); err != nil {
		return err
	}
	n := f.Network
	params := nn.Params(n)
	if n.bare() {
		params = nn.Params(n.Encoder)
	}
	return checkpoint.Save(filepath.Join(dir, checkpoint.WeightsFile), params, map[string]string{"format": "pt"})
}

// SaveConfig writes config.json alone, for weights that are to come.
func (f *Folder) SaveConfig(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("bert: %w", err)
	}
	err := atomicfile.Write(filepath.Join(dir, configFile), func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(f.config())
	})
	if err != nil {
		return fmt.Errorf("bert: %w", err)
	}
	return nil
}

// bare says whether there is an encoder and no head.
func (n *Network) bare() bool {
	return n.Predictions == nil && n.NextSentence == nil && n.Classifier == nil && n.Answer == nil
}

// config returns config.json.
func (f *Folder) config() folderConfig {
	n := f.Network
	c := folderConfig{
		ModelType: "bert", Config: n.Encoder.Config, Positions: "absolute", TorchType: "float32", TieWeights: true,
		Architectures: []string{architecture(n)},
	}
	if f.Choices {
		c.Architectures = []string{multipleChoice}
	}
	if f.Labels != nil {
		c.Labels, c.IDs = map[string]string{}, map[string]int{}
		for i, name := range f.Labels {
			c.Labels[fmt.Sprint(i)], c.IDs[name] = name, i
		}
	}
	return c
}

const multipleChoice = "BertForMultipleChoice"

// architecture returns the class of transformers that has the same heads.
func architecture(n *Network) string {
	switch {
	case n.Predictions != nil && n.NextSentence != nil:
		return "BertForPreTraining"
	case n.Predictions != nil:
		return "BertForMaskedLM"
	case n.NextSentence != nil:
		return "BertForNextSentencePrediction"
	case n.Classifier != nil && n.Encoder.Pooler == nil:
		return "BertForTokenClassification"
	case n.Classifier != nil:
		return "BertForSequenceClassification"
	case n.Answer != nil:
		return "BertForQuestionAnswering"
	}
	return "BertModel"
}
