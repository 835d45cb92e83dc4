package train

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// exportSmall trains for two steps and returns the folder of the model in Marian's layout.
func exportSmall(t *testing.T) string {
	t.Helper()
	run, dir := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "marian")
	if _, err := trainSmall(context.Background(), run, func(c *Config) {
		c.Training.MaxSteps, c.Training.ValidateEvery, c.Training.Warmup = 2, 2, 1
	}); err != nil {
		t.Fatal(err)
	}
	m, err := Open(run)
	if err != nil {
		t.Fatal(err)
	}
	network, _ := m.Transformer()
	if err := transformer.ExportMarian(dir, network, m.Source.(*tokenizer.SentencePiece)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestDecodingBeginsFromAnyToken opens a Marian model that begins from a token with an
// embedding of its own.
func TestDecodingBeginsFromAnyToken(t *testing.T) {
	dir := exportSmall(t)
	path := filepath.Join(dir, "config.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`("decoder_start_token_id": )\d+`).ReplaceAll(text, []byte("${1}5"))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := m.System()
	if s.Begin != 5 {
		t.Errorf("decoding begins from %d; want 5", s.Begin)
	}
	pair := Text{[]string{"the dog"}, []string{"the cat"}}
	if _, err := s.Translate(pair.Source, m.Config.Decoding.Options()); err != nil {
		t.Error(err)
	}
	if _, err := m.Score(pair); err != nil {
		t.Error(err)
	}
	a, err := m.Attention(m.Source.Encode(pair.Source[0]), m.Target.Encode(pair.Target[0]))
	if err != nil || a.Input[0] != m.Target.Token(5) {
		t.Errorf("the decoder reads %q, %v; want it to begin with %q", a.Input, err, m.Target.Token(5))
	}
}
