package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/tensor"
)

func TestParamsNamesWhatTheTagsSay(t *testing.T) {
	type layer struct {
		Attention SelfAttention `param:"attn"`
		Norm      *LayerNorm    `param:"norm"`
		Size      int           // no parameter
	}
	model := struct {
		Table  *tensor.Tensor `param:"table"`
		Absent *tensor.Tensor `param:"absent"`
		Layers []layer        `param:"layers"`
	}{Table: tensor.New(3, 4), Layers: []layer{{Attention: NewSelfAttention(4, 2, rand.New(rand.NewPCG(1, 1)))}}}
	var got [][]string
	params := Params(&model)
	for _, p := range params {
		got = append(got, p.Names)
	}
	want := [][]string{
		{"table"},
		{"layers.0.attn.q_proj.weight", "layers.0.attn.k_proj.weight", "layers.0.attn.v_proj.weight"},
		{"layers.0.attn.q_proj.bias", "layers.0.attn.k_proj.bias", "layers.0.attn.v_proj.bias"},
		{"layers.0.attn.out_proj.weight"},
		{"layers.0.attn.out_proj.bias"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("names\n%q\nwant\n%q", got, want)
	}
	if n := Count(params); n != 12+3*16+12+16+4 {
		t.Errorf("%d elements", n)
	}
	if params[0].Tensor != model.Table {
		t.Error("a parameter is not the model's own tensor")
	}
}

func TestDropoutMasksFollowFromSeedAndStep(t *testing.T) {
	keys := map[uint32]bool{}
	for step := range 50 {
		a, b := NewDropout(7, step), NewDropout(7, step)
		for range 20 {
			m := a.Mask(0.1)
			if m != b.Mask(0.1) {
				t.Fatal("the same seed and step give other masks")
			}
			keys[m.Key] = true
		}
	}
	if len(keys) != 50*20 {
		t.Errorf("%d different masks of 1000", len(keys))
	}
	if m := (*Dropout)(nil).Mask(0.5); m != (tensor.Mask{}) {
		t.Errorf("evaluation has the mask %+v", m)
	}
}

func TestSinusoids(t *testing.T) {
	pe := Sinusoids(50, 8)
	for pos := range 50 {
		for i := range 4 {
			angle := float64(pos) / math.Pow(10000, float64(2*i)/8)
			if math.Abs(float64(pe.Row(pos)[i])-math.Sin(angle)) > 1e-6 || math.Abs(float64(pe.Row(pos)[4+i])-math.Cos(angle)) > 1e-6 {
				t.Fatalf("position %d, column %d: %v, %v", pos, i, pe.Row(pos)[i], pe.Row(pos)[4+i])
			}
		}
	}
}

// TestParamsRefusesWhatCannotBeTrained: a tensor in two fields, and one that cannot be seen.
func TestParamsRefusesWhatCannotBeTrained(t *testing.T) {
	w := tensor.New(2, 2)
	for want, model := range map[string]any{
		"in.weight and out are one tensor": &struct {
			In  Linear         `param:"in"`
			Out *tensor.Tensor `param:"out"`
		}{Linear{Weight: w}, w},
		"the field hidden of": &struct {
			hidden *tensor.Tensor `param:"hidden"`
		}{w},
	} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, want) {
					t.Errorf("panic %q; want %q", text, want)
				}
			}()
			Params(model)
		}()
	}
}
