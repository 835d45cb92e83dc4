package seq2seq

import (
	"math/rand/v2"
	"testing"

	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// BenchmarkStep measures the way forward and back for 64 sentences of 20 to 30 tokens.
func BenchmarkStep(b *testing.B) {
	base := Config{Cell: nn.LSTM, Vocab: 5000, Dim: 256, Hidden: 256, Layers: 2, MaxLength: 100, Init: 0.1, Dropout: 0.3, Attention: nn.General}
	for _, c := range []struct {
		name   string
		change func(c *Config)
	}{
		{"luong", func(c *Config) {}},
		{"luong-feeding", func(c *Config) { c.InputFeeding = true }},
		{"bahdanau", func(c *Config) {
			c.Cell, c.Layers, c.Attention, c.Bidirectional, c.PreviousState = nn.GRU, 1, nn.Concat, true, true
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			shape := base
			c.change(&shape)
			m, err := New(shape, rand.New(rand.NewPCG(1, 2)))
			if err != nil {
				b.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 1))
			sentence := func() []int32 {
				s := make([]int32, 20+r.IntN(11))
				for i := range s {
					s[i] = int32(r.IntN(shape.Vocab))
				}
				return s
			}
			var pairs [][2][]int32
			for range 64 {
				pairs = append(pairs, [2][]int32{sentence(), sentence()})
			}
			batch, tape, step := batchOf(pairs), tensor.NewTape(), 0
			for b.Loop() {
				tape.Reset()
				step++
				loss, _ := m.Loss(Pass{Tape: tape, Dropout: nn.NewDropout(1, step)}, batch, tensor.CrossEntropy{Smoothing: 0.1})
				tape.Backward(loss)
			}
			b.ReportMetric(float64(len(batch.Output)*b.N)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}
