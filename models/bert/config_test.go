package bert

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// openBounded opens a folder that is to be refused, which must take no more memory than
// limit and say why in one line.
func openBounded(t *testing.T, dir, want string, limit uint64) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Open(dir)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "bert: "+dir) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v; want one line with the path and %q", err, want)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > limit {
		t.Errorf("%d bytes were taken; want at most %d", took, limit)
	}
}

func TestConfigsThatCannotBe(t *testing.T) {
	good := &Folder{Network: NewClassifier(newPretraining(t).Encoder, 3, newRandom()), Labels: []string{"no", "yes", "maybe"}}
	const (
		model = `"model_type": "bert"`
		heads = `"num_attention_heads": 3`
		eps   = `"layer_norm_eps": 1e-12`
	)
	for _, test := range []struct{ from, to, want string }{
		{`"hidden_size": 12`, `"hidden_size": 0`, "hidden_size is 0; want 1 to 16777216"},
		{`"hidden_size": 12`, `"hidden_size": -12`, "hidden_size is -12; want 1"},
		{`"hidden_size": 12`, `"hidden_size": 1000000000`, "hidden_size is 1000000000; want 1"},
		{`"hidden_size": 12`, `"hidden_size": 16777215`, "has shape [29 12]; config.json says [29 16777215] (vocab_size, hidden_size)"},
		{`"hidden_size": 12`, `"hidden_size": 1e9`, "hidden_size: found number 1e9, want a whole number"},
		{`"hidden_size": 12`, `"hidden_size": 9223372036854775808`, "found number 9223372036854775808, want a whole number of 64 bits"},
		{`"hidden_size": 12`, `"hidden_size": "12"`, "hidden_size: found string, want a whole number"},
		{`"hidden_size": 12`, `"hidden_size": null`, "hidden_size is missing"},
		{`"hidden_size": 12,`, ``, "hidden_size is missing; want the number that the weights were made with"},
		{`"vocab_size": 29,`, ``, "vocab_size is missing"},
		{`"num_hidden_layers": 2,`, ``, "num_hidden_layers is missing"},
		{heads + ",", ``, "num_attention_heads is missing"},
		{`"intermediate_size": 20,`, ``, "intermediate_size is missing"},
		{`"max_position_embeddings": 11,`, ``, "max_position_embeddings is missing"},
		{`"vocab_size": 29`, `"vocab_size": 16777216`, `word_embeddings.weight" has shape [29 12]; config.json says [16777216 12] (vocab_size,`},
		{`"vocab_size": 29`, `"vocab_size": 28`, `has shape [29 12]; config.json says [28 12]`},
		{heads, `"num_attention_heads": 5`, "hidden_size is 12; want a multiple of the 5 num_attention_heads"},
		{heads, `"num_attention_heads": 24`, "want a multiple of the 24"},
		{heads, `"num_attention_heads": -3`, "num_attention_heads is -3"},
		{`"num_hidden_layers": 2`, `"num_hidden_layers": 16777216`, `no tensor "bert.encoder.layer.2.attention.self.query.weight"; config.json says`},
		{`"num_hidden_layers": 2`, `"num_hidden_layers": 0`, "num_hidden_layers is 0"},
		{`"intermediate_size": 20`, `"intermediate_size": 16777216`, `config.json says [16777216 12] (intermediate_size,`},
		{`"max_position_embeddings": 11`, `"max_position_embeddings": 16777216`, `(max_position_embeddings,`},
		{`"max_position_embeddings": 11`, `"max_position_embeddings": 2`, `max_position_embeddings is 2; want 3 to`},
		{`"type_vocab_size": 2`, `"type_vocab_size": 16777216`, `(type_vocab_size,`},
		{`"type_vocab_size": 2`, `"type_vocab_size": 0`, "type_vocab_size is 0"},
		{`"gelu"`, `"swish"`, `hidden_act is "swish"; want gelu,`},
		{`"gelu"`, `"` + strings.Repeat("x", 1<<20) + `"`, `want gelu,`},
		{`"absolute"`, `"relative_key"`, `position_embedding_type is "relative_key"; only absolute is supported`},
		{`"is_decoder": false`, `"is_decoder": true`, "is_decoder is true"},
		{model + ",", ``, `model_type is ""; only bert`},
		{eps, `"layer_norm_eps": 0`, "layer_norm_eps is 0"},
		{eps, `"layer_norm_eps": -1`, "layer_norm_eps is -1"},
		{eps, `"layer_norm_eps": 1e999`, "found number 1e999, want a number of 64 bits"},
		{`"hidden_dropout_prob": 0`, `"hidden_dropout_prob": 1`, "a dropout rate is 1"},
		{`"2": "maybe"`, `"3": "maybe"`, "config.json: id2label has no 2; the classifier has 3 labels"},
	} {
		t.Run(fmt.Sprintf("%.60s", test.to+test.want), func(t *testing.T) {
			dir := t.TempDir()
			if err := good.Save(dir); err != nil {
				t.Fatal(err)
			}
			replace(test.from, test.to)(t, dir)
			openBounded(t, dir, test.want, 1<<23)
		})
	}
}

func TestAConfigIsNoEndlessFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, configFile), "{")
	if err := os.Truncate(filepath.Join(dir, configFile), 16*maxConfigSize); err != nil {
		t.Fatal(err)
	}
	openBounded(t, dir, "config.json: it has more than 16777216 bytes", 6*maxConfigSize)
}

// TestSmallFilesTakeLittle opens a small file of weights that fit a configuration but for
// matrices whose size is the square of the model's.
func TestSmallFilesTakeLittle(t *testing.T) {
	c := Config{Vocab: 1, Dim: 1 << 13, Layers: 1, Heads: 1, FFN: 1, MaxLength: shortest, Types: 1}
	dir := t.TempDir()
	text := fmt.Sprintf(`{"model_type": "bert", "vocab_size": %d, "hidden_size": %d, "num_hidden_layers": %d, "num_attention_heads": %d,
		"intermediate_size": %d, "max_position_embeddings": %d, "type_vocab_size": %d}`, c.Vocab, c.Dim, c.Layers, c.Heads, c.FFN, c.MaxLength, c.Types)
	write(t, filepath.Join(dir, configFile), text)
	var all []checkpoint.Tensor
	for name, rows := range map[string]int{
		wordsName: c.Vocab, "bert.embeddings.position_embeddings.weight": c.MaxLength, "bert.embeddings.token_type_embeddings.weight": c.Types,
		"bert.encoder.layer.0.intermediate.dense.weight": c.FFN,
	} {
		all = append(all, checkpoint.Tensor{Name: name, Shape: []int{rows, c.Dim}, Data: make([]tensor.Float, rows*c.Dim)})
	}
	if err := checkpoint.Write(filepath.Join(dir, checkpoint.WeightsFile), all, nil); err != nil {
		t.Fatal(err)
	}
	openBounded(t, dir, `there is no tensor "bert.encoder.layer.0.attention.self.query.weight"`, 1<<20)
}

// FuzzParseConfig checks that no config.json makes the parser fail otherwise than by an
// error, that what it accepts is the same after being written, and that the network that
// it opens has the sizes of the weights and no other.
func FuzzParseConfig(f *testing.F) {
	weights := filepath.Join("testdata", "float16")
	text, err := os.ReadFile(filepath.Join(weights, configFile))
	if err != nil {
		f.Fatal(err)
	}
	source, err := checkpoint.OpenFolder(weights)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = source.Close() })
	f.Add(text)
	f.Add([]byte(strings.Replace(string(text), `"use_cache": true`, `"id2label": {"0": "a", "1": "\ud800", "2": "b"}, "label2id": {"a": 0}, "problem_type": null`, 1)))
	f.Add([]byte(strings.Replace(string(text), `"gelu"`, `"gelu_new", "Hidden_Size": 5`, 1)))
	f.Add([]byte(strings.Replace(string(text), `"model_type": "bert"`, `"model_type": "be\nrt"`, 1)))
	f.Add([]byte(strings.Replace(string(text), `12,`, `9223372036854775807,`, 1)))
	classifier := NewClassifier(&Model{Config: smallConfig}, 2, newRandom())
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parseConfig(text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q; want one line", err)
			}
			return
		}
		written, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseConfig(written)
		if diff := cmp.Diff(c, again, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("%v (-read +written and read):\n%s", err, diff)
		}
		if names, err := c.labels(classifier); err == nil && len(names) != 0 && len(names) != 2 {
			t.Errorf("%d labels; want 2", len(names))
		}
		n, err := load(source, c.Config, checkpoint.Load)
		if err != nil {
			return
		}
		if got := len(checkpoint.Tensors(nn.Params(n))); got != len(source.Names()) || n.Encoder.Vocab != smallConfig.Vocab || n.Encoder.Dim != smallConfig.Dim {
			t.Errorf("%d tensors of %+v; want those of the weights", got, n.Encoder.Config)
		}
	})
}
