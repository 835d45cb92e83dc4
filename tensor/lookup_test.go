package tensor

import "math"

// testSpans are those of two sequences of 4 and 5 keys, with two and three queries:
// windows that overlap inside a sequence, and a query that looks at nothing.
var testSpans = Spans{{0, 0, 4}, {0, 1, 3}, {4, 4, 9}, {4, 6, 6}, {4, 5, 8}}

const testKeys = 9

// backSpans are windows of one sequence of as many keys, of which the last looks at keys
// before those of the one ahead of it.
var backSpans = Spans{{0, 0, 3}, {0, 6, 9}, {0, 1, 4}}

// oneKey are spans of one key and of two.
var oneKey = Spans{{0, 0, 1}, {1, 1, 3}}

// still is a recurrence that does without the step before.
var still = Recurrence{Steps: EqualSteps(3, 1), Weight: New(8, 2)}

var lookupRows = []opRow{
	{"DotScores", "windows", [][2]int{{5, 7}, {testKeys, 7}}, func(t *Tape, p []*Tensor) *Tensor {
		return t.DotScores(p[0], p[1], testSpans, 0.5)
	}, func(p []matrix) matrix {
		return scoresOracle(p[0].rows, func(i, r int) float64 {
			sum := 0.0
			for c := range p[0].cols {
				sum += 0.5 * *p[0].at(i, c) * *p[1].at(r, c)
			}
			return sum
		})
	}},
	{"DotScores", "windows that look back", [][2]int{{3, 7}, {testKeys, 7}}, func(t *Tape, p []*Tensor) *Tensor {
		return t.DotScores(p[0], p[1], backSpans, 1)
	}, func(p []matrix) matrix {
		return generate(3, 3, func(i, j int) float64 {
			sum := 0.0
			for c := range p[0].cols {
				sum += *p[0].at(i, c) * *p[1].at(backSpans[i].First+j, c)
			}
			return sum
		})
	}},
	{"AdditiveScores", "windows", [][2]int{{5, 17}, {testKeys, 17}, {1, 17}}, func(t *Tape, p []*Tensor) *Tensor {
		return t.AdditiveScores(p[0], p[1], p[2], testSpans, Coverage{})
	}, func(p []matrix) matrix {
		return scoresOracle(p[0].rows, func(i, r int) float64 {
			sum := 0.0
			for c := range p[0].cols {
				sum += *p[2].at(0, c) * math.Tanh(*p[0].at(i, c)+*p[1].at(r, c))
			}
			return sum
		})
	}},
	{"AdditiveScores", "coverage", [][2]int{{5, 17}, {testKeys, 17}, {1, 17}, {5, 5}, {1, 17}}, func(t *Tape, p []*Tensor) *Tensor {
		return t.AdditiveScores(p[0], p[1], p[2], testSpans, Coverage{p[3], p[4]})
	}, func(p []matrix) matrix {
		return scoresOracle(p[0].rows, func(i, r int) float64 {
			sum := 0.0
			for c := range p[0].cols {
				sum += *p[2].at(0, c) * math.Tanh(*p[0].at(i, c)+*p[1].at(r, c)+*p[3].at(i, r-testSpans[i].First)**p[4].at(0, c))
			}
			return sum
		})
	}},
	{"SpanSoftmax", "windows", [][2]int{{5, 6}}, func(t *Tape, p []*Tensor) *Tensor {
		return t.SpanSoftmax(p[0], testSpans)
	}, func(p []matrix) matrix {
		y := zeros(p[0].rows, p[0].cols)
		for i, s := range testSpans {
			sum := 0.0
			for j := range s.Len() {
				sum += math.Exp(*p[0].at(i, j))
			}
			for j := range s.Len() {
				*y.at(i, j) = math.Exp(*p[0].at(i, j)) / sum
			}
		}
		return y
	}},
	{"Mix", "windows", [][2]int{{5, 6}, {testKeys, 17}}, func(t *Tape, p []*Tensor) *Tensor {
		return t.Mix(p[0], p[1], testSpans)
	}, func(p []matrix) matrix {
		return generate(p[0].rows, p[1].cols, func(i, c int) float64 {
			sum, s := 0.0, testSpans[i]
			for j := range s.Len() {
				sum += *p[0].at(i, j) * *p[1].at(s.First+j, c)
			}
			return sum
		})
	}},
	{"Mix", "windows that look back", [][2]int{{3, 3}, {testKeys, 17}}, func(t *Tape, p []*Tensor) *Tensor {
		return t.Mix(p[0], p[1], backSpans)
	}, func(p []matrix) matrix {
		return generate(3, 17, func(i, c int) float64 {
			sum := 0.0
			for j := range 3 {
				sum += *p[0].at(i, j) * *p[1].at(backSpans[i].First+j, c)
			}
			return sum
		})
	}},
	{"Locate", "", [][2]int{{5, 1}}, func(t *Tape, p []*Tensor) *Tensor { return t.Locate(p[0], testSpans) }, func(p []matrix) matrix {
		return generate(5, 1, func(i, _ int) float64 { return float64(testSpans[i].Len()) * sigmoid(p[0].data[i]) })
	}},
	{"Locate", "one key", [][2]int{{2, 1}}, func(t *Tape, p []*Tensor) *Tensor {
		return t.Locate(p[0], oneKey)
	}, func(p []matrix) matrix {
		return generate(2, 1, func(i, _ int) float64 { return float64(1+i) * sigmoid(p[0].data[i]) })
	}},
	{"Gauss", "windows", [][2]int{{5, 6}, {5, 1}}, func(t *Tape, p []*Tensor) *Tensor {
		return t.Gauss(p[0], p[1], testSpans, 1.5)
	}, func(p []matrix) matrix {
		y := zeros(5, 6)
		for i, s := range testSpans {
			for j := range s.Len() {
				away := float64(s.First-s.Base+j) - p[1].data[i]
				*y.at(i, j) = *p[0].at(i, j) * math.Exp(-away*away/(2*1.5*1.5))
			}
		}
		return y
	}},
	{"Normalise", "", [][2]int{{3, 17}}, func(t *Tape, p []*Tensor) *Tensor { return t.Normalise(p[0]) }, func(p []matrix) matrix {
		return generate(3, 17, func(i, j int) float64 {
			sum := 0.0
			for k := range 17 {
				sum += *p[0].at(i, k)
			}
			return *p[0].at(i, j) / sum
		})
	}},
	{"ConcatColumns", "", [][2]int{{3, 5}, {3, 17}}, func(t *Tape, p []*Tensor) *Tensor { return t.ConcatColumns(p[0], p[1]) }, func(p []matrix) matrix {
		return generate(3, 22, func(i, j int) float64 {
			if j < 5 {
				return *p[0].at(i, j)
			}
			return *p[1].at(i, j-5)
		})
	}},
	{"SliceRows", "", [][2]int{{6, 17}}, func(t *Tape, p []*Tensor) *Tensor { return t.SliceRows(p[0], 2, 5) }, func(p []matrix) matrix {
		return generate(3, 17, func(i, j int) float64 { return *p[0].at(i+2, j) })
	}},
	{"SliceRows", "of which an operation makes its gradient", [][2]int{{6, 8}}, func(t *Tape, p []*Tensor) *Tensor {
		h, _ := t.LSTM(t.SliceRows(p[0], 1, 4), LSTM{Recurrence: still})
		return h
	}, func(p []matrix) matrix {
		h, c := zeros(3, 2), []float64{0, 0}
		for step := range 3 {
			x := p[0].data[(step+1)*8:]
			for j := range c {
				c[j] = sigmoid(x[2+j])*c[j] + sigmoid(x[j])*math.Tanh(x[4+j])
				*h.at(step, j) = sigmoid(x[6+j]) * math.Tanh(c[j])
			}
		}
		return h
	}},
	{"ConcatRows", "", [][2]int{{2, 17}, {3, 17}, {1, 17}}, func(t *Tape, p []*Tensor) *Tensor { return t.ConcatRows(p[0], p[1], p[2]) }, func(p []matrix) matrix {
		y := zeros(6, 17)
		at := 0
		for _, x := range p {
			at += copy(y.data[at:], x.data)
		}
		return y
	}},
	{"TanhSum", "two", [][2]int{{3, 17}, {3, 17}}, func(t *Tape, p []*Tensor) *Tensor { return t.TanhSum(p[0], p[1]) }, func(p []matrix) matrix {
		return generate(3, 17, func(i, j int) float64 { return math.Tanh(*p[0].at(i, j) + *p[1].at(i, j)) })
	}},
	{"TanhSum", "one", [][2]int{{3, 17}}, func(t *Tape, p []*Tensor) *Tensor { return t.TanhSum(p[0], nil) }, func(p []matrix) matrix {
		return generate(3, 17, func(i, j int) float64 { return math.Tanh(*p[0].at(i, j)) })
	}},
}

// scoresOracle computes scores of the test's spans, in as many columns as the longest
// has keys.
func scoresOracle(queries int, score func(i, r int) float64) matrix {
	y := zeros(queries, 5)
	for i, s := range testSpans {
		for j := range s.Len() {
			*y.at(i, j) = score(i, s.First+j)
		}
	}
	return y
}
