package transformer

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kotoba-nlp/kotoba/internal/kernel"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/optim"
	"github.com/kotoba-nlp/kotoba/tensor"
)

func BenchmarkStep(b *testing.B) {
	for _, s := range []struct {
		name                           string
		d, h, ff, layers, batch, length int
		gflop float64
	}{{"d256", 256, 4, 1024, 3, 64, 25, 0.0457}, {"d512", 512, 8, 2048, 6, 32, 32, 0.289}} {
		b.Run(s.name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			m, _ := New(Config{Vocab: 8000, Dim: s.d, Heads: s.h, FFN: s.ff, EncoderLayers: s.layers, DecoderLayers: s.layers, MaxLength: 512, Dropout: .1, AttentionDropout: .1, ActivationDropout: .1}, r)
			mk := func() Sequences {
				var q [][]int32
				for range s.batch {
					x := make([]int32, s.length)
					for i := range x {
						x[i] = int32(r.IntN(8000))
					}
					q = append(q, x)
				}
				return NewSequences(q...)
			}
			batch := Batch{Source: mk(), Input: mk(), Output: mk().IDs}
			params := nn.Params(m)
			opt := optim.NewAdam(params, .9, .98, 1e-9, 0)
			tape := tensor.NewTape()
			best := 1e9
			n := 0
			for b.Loop() {
				start := time.Now()
				tape.Reset()
				opt.ZeroGrad()
				loss, _ := m.Loss(Pass{Tape: tape, Dropout: nn.NewDropout(1, n)}, batch, tensor.CrossEntropy{Smoothing: .1, Scale: 1 / float64(len(batch.Output))})
				tape.Backward(loss)
				opt.Step(1e-4, optim.Clip(opt.GradNorm(), 1))
				n++
				best = min(best, time.Since(start).Seconds())
				if n%10 == 1 { fmt.Println(loss.Data[0]) }
			}
			peak := kernel.PeakGFLOPS(20)
			rate := float64(s.batch*s.length) / best
			b.ReportMetric(rate, "tok/s")
			b.ReportMetric(100*rate*s.gflop/peak, "%peak")
			b.ReportMetric(peak, "peak")
		})
	}
}
