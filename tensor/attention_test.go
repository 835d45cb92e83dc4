package tensor

import "math"

var attentionRows = []opRow{
	attentionRow("self", Attention{Heads: 2, Queries: SegmentsOf(3, 5), Keys: SegmentsOf(3, 5)}, 8, true),
	attentionRow("causal dropout", Attention{Heads: 3, Queries: SegmentsOf(7, 1, 18), Keys: SegmentsOf(7, 1, 18), Causal: true, Drop: testMask}, 21, true),
	attentionRow("source", Attention{Heads: 1, Queries: SegmentsOf(2, 4), Keys: SegmentsOf(6, 1)}, 5, false),
	attentionRow("empty sequences", Attention{Heads: 2, Queries: SegmentsOf(2, 0, 3, 1), Keys: SegmentsOf(3, 2, 0, 0)}, 8, false),
	attentionRow("empty sequences of one product", Attention{Heads: 2, Queries: SegmentsOf(3, 0), Keys: SegmentsOf(3, 0)}, 8, true),
	{"Attention", "keys are values", [][2]int{{6, 8}, {7, 16}}, func(t *Tape, p []*Tensor) *Tensor {
		return t.Attention(Columns{p[0], 0}, Columns{p[1], 4}, Columns{p[1], 4}, 8, twice)
	}, func(p []matrix) matrix { return attentionOracle(twice, 8, p[0], p[1], p[1], 4, 4) }},
	cachedRow(),
}

var twice = Attention{Heads: 2, Queries: SegmentsOf(2, 4), Keys: SegmentsOf(6, 1)}

// attentionRow has queries and keys of its own, or one product of all three
// when self is set.
func attentionRow(detail string, a Attention, width int, self bool) opRow {
	shapes := [][2]int{{a.Queries.Rows(), width}, {a.Keys.Rows(), 2 * width}}
	if self {
		shapes = [][2]int{{a.Queries.Rows(), 3 * width}}
	}
	columns := func(p []*Tensor) (q, k, v Columns) {
		if self {
			return Columns{p[0], 0}, Columns{p[0], width}, Columns{p[0], 2 * width}
		}
		return Columns{p[0], 0}, Columns{p[1], 0}, Columns{p[1], width}
	}
	return opRow{"Attention", detail, shapes, func(t *Tape, p []*Tensor) *Tensor {
		q, k, v := columns(p)
		return t.Attention(q, k, v, width, a)
	}, func(p []matrix) matrix {
		q, k, v, kFirst, vFirst := p[0], p[0], p[0], width, 2*width
		if !self {
			k, v, kFirst, vFirst = p[1], p[1], 0, width
		}
		return attentionOracle(a, width, q, k, v, kFirst, vFirst)
	}}
}

func attentionOracle(a Attention, width int, q, k, v matrix, kFirst, vFirst int) matrix {
	out, dim, at := zeros(q.rows, width), width/a.Heads, 0
	for s := range a.Queries.Len() {
		nq, nk := a.Queries[s+1]-a.Queries[s], a.Keys[s+1]-a.Keys[s]
		for h := range a.Heads {
			for i := range nq {
				seen := nk
				if a.Causal {
					seen = i + 1
				}
				weights, sum := make([]float64, seen), 0.0
				for j := range weights {
					for c := range dim {
						weights[j] += *q.at(a.Queries[s]+i, h*dim+c) * *k.at(a.Keys[s]+j, kFirst+h*dim+c)
					}
					weights[j] = math.Exp(weights[j] / math.Sqrt(float64(dim)))
					sum += weights[j]
				}
				for j, w := range weights {
					w /= sum
					if a.Drop.Rate > 0 {
						w *= factor(a.Drop, at+i*nk+j)
					}
					for c := range dim {
						*out.at(a.Queries[s]+i, h*dim+c) += w * *v.at(a.Keys[s]+j, vFirst+h*dim+c)
					}
				}
			}
			at += nq * nk
		}
	}
	return out
}

// cachedRow compares attention to the rows of a cache with attention of whole
// sequences: a query and all of its keys and values make one.
func cachedRow() opRow {
	const width = 6
	a := CachedAttention{Heads: 2, Rows: [][]int32{{3, 0}, {1}, {4, 1, 2}}}
	return opRow{"CachedAttention", "", [][2]int{{3, width + 1}, {5, 2 * width}}, func(t *Tape, p []*Tensor) *Tensor {
		a.Cache = Cache{Data: p[1].Data, Stride: 2 * width, Value: width}
		return t.CachedAttention(Columns{p[0], 1}, width, a)
	}, func(p []matrix) matrix {
		lengths := []int{}
		var q, kv []float64
		for i, rows := range a.Rows {
			lengths = append(lengths, len(rows))
			q = append(q, p[0].data[i*p[0].cols+1:(i+1)*p[0].cols]...)
			for _, r := range rows {
				kv = append(kv, p[1].data[int(r)*2*width:(int(r)+1)*2*width]...)
			}
		}
		whole := Attention{Heads: a.Heads, Queries: SegmentsOf(1, 1, 1), Keys: SegmentsOf(lengths...)}
		keys := matrix{len(kv) / (2 * width), 2 * width, kv}
		return attentionOracle(whole, width, matrix{3, width, q}, keys, keys, 0, width)
	}}
}
