package bert

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/internal/atomicfile"
	"github.com/kotoba-nlp/kotoba/nn"
)

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
	metadata := map[string]string{"format": "pt"}
	if f.NullThreshold != nil {
		metadata[NullThresholdKey] = FormatThreshold(*f.NullThreshold)
	}
	return checkpoint.Save(filepath.Join(dir, checkpoint.WeightsFile), params, metadata)
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
		Architectures: []string{architecture(n)}, Problem: f.Problem,
	}
	labels := f.Labels
	if f.Choices {
		c.Architectures = []string{multipleChoice}
	} else if n.Classifier != nil && labels == nil { // without names, transformers takes the model for one of two labels
		for i := range n.Classifier.Weight.Rows() {
			labels = append(labels, fmt.Sprintf("LABEL_%d", i))
		}
	}
	if labels != nil {
		c.Labels, c.IDs = map[string]string{}, map[string]int{}
		for i, name := range labels {
			c.Labels[fmt.Sprint(i)], c.IDs[name] = name, i
		}
	}
	return c
}

const (
	multipleChoice      = "BertForMultipleChoice"
	tokenClassification = "BertForTokenClassification"
)

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
		return tokenClassification
	case n.Classifier != nil:
		return "BertForSequenceClassification"
	case n.Answer != nil:
		return "BertForQuestionAnswering"
	}
	return "BertModel"
}
