package train

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/models/seq2seq"
	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/nn"
)

// makeRecurrent makes of a run of the tests one of an encoder-decoder with attention.
func makeRecurrent(c *Config) {
	c.Preset, c.Model = "seq2seq-luong@1", transformer.Config{}
	c.Recurrent = seq2seq.Config{
		Cell: nn.LSTM, Dim: 12, Hidden: 16, Layers: 2, Attention: nn.General, InputFeeding: true, MaxLength: 40, Dropout: 0.1, Init: 0.1,
	}
}

func TestRecurrentNetworksGoOnBitForBit(t *testing.T) {
	whole, stopped := t.TempDir(), t.TempDir()
	if _, err := trainSmall(context.Background(), whole, makeRecurrent); err != nil {
		t.Fatal(err)
	}
	c := smallConfig()
	makeRecurrent(&c)
	fit, valid := smallTexts()
	run, err := NewRunOf(stopped, c, fit, valid)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	_, err = run.Train(ctx, func(p Progress, _ *Validation) {
		if p.Step == 9 {
			cancel()
		}
	})
	if !errors.Is(err, ErrInterrupted) {
		t.Fatalf("error %v, want ErrInterrupted", err)
	}
	if _, err := trainSmall(context.Background(), stopped, makeRecurrent); err != nil {
		t.Fatal(err)
	}
	sameRun(t, stopped, whole)
}

func TestValuesOfAnotherNetworkAreRefused(t *testing.T) {
	_, err := trainSmall(context.Background(), t.TempDir(), func(c *Config) {
		makeRecurrent(c)
		c.Model.Heads = 2
	})
	if err == nil || !strings.Contains(err.Error(), "set them in recurrent") {
		t.Errorf("error %v for a head of attention in a recurrent network", err)
	}
}

func TestRecurrentConfigurationsAreReadBack(t *testing.T) {
	want, err := Preset("seq2seq-luong")
	if err != nil {
		t.Fatal(err)
	}
	text := want.Format()
	if strings.Contains(text, "\nmodel:") {
		t.Errorf("a Transformer is in\n%s", text)
	}
	got, err := ParseConfig([]byte(text))
	if err != nil || got != want {
		t.Errorf("read back %+v, %v; want %+v", got, err, want)
	}
}
