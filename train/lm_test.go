package train

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/decode"
	"github.com/kotoba-nlp/kotoba/models/rnnlm"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// smallLM is a run of a language model of a fraction of a second. Its validations fall
// inside epochs, so that states are carried over the end of a session.
func smallLM(t *testing.T) LMConfig {
	t.Helper()
	c, err := LanguageModels.Preset("lstm-zaremba-small")
	if err != nil {
		t.Fatal(err)
	}
	fit, _ := smallTexts()
	c.Data.Text = filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(c.Data.Text, []byte(strings.Join(fit.Target, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Data.Streams, c.Data.Steps = 3, 5
	c.Model = rnnlm.Config{Cell: nn.LSTM, Dim: 8, Hidden: 12, Layers: 2, Dropout: 0.2, Init: 0.1}
	c.Training.MaxEpochs, c.Training.ValidateEvery = 1, 20
	c.Training.Hold, c.Training.Every = 0.3, 0.2
	return c
}

func trainLM(ctx context.Context, t *testing.T, dir string, c LMConfig, progress func(Progress, *Validation)) (Validation, error) {
	t.Helper()
	run, err := NewLMRun(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	return run.Train(ctx, progress)
}

func TestLanguageModelsGoOnFromTheStatesTheyHad(t *testing.T) {
	c := smallLM(t)
	whole, stopped := t.TempDir(), t.TempDir()
	quiet := func(Progress, *Validation) {}
	if _, err := trainLM(context.Background(), t, whole, c, quiet); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		ctx, cancel := context.WithCancel(context.Background())
		steps := 7
		_, err := trainLM(ctx, t, stopped, c, func(Progress, *Validation) {
			if steps--; steps == 0 {
				cancel()
			}
		})
		if !errors.Is(err, ErrInterrupted) {
			t.Fatalf("error %v, want ErrInterrupted", err)
		}
	}
	best, err := trainLM(context.Background(), t, stopped, c, quiet)
	if err != nil {
		t.Fatal(err)
	}
	sameRun(t, stopped, whole)
	if best.Perplexity == nil || math.Abs(*best.Perplexity-math.Exp(best.Loss)) > 1e-9 {
		t.Errorf("perplexity %v of a loss of %v", best.Perplexity, best.Loss)
	}
}

func TestStreamsReadEveryPlaceOnce(t *testing.T) {
	ids := make([]int32, 23) // three streams of seven, two tokens left out
	for i := range ids {
		ids[i] = int32(i)
	}
	s := newStreams(ids, 3, 4)
	if s.batches() != 2 {
		t.Fatalf("%d batches; want 2", s.batches())
	}
	var in, out [][]int32
	for b := range s.batches() {
		i, o, _ := s.batch(b)
		in, out = append(in, append([]int32(nil), i...)), append(out, append([]int32(nil), o...))
	}
	wantIn := [][]int32{{0, 7, 14, 1, 8, 15, 2, 9, 16, 3, 10, 17}, {4, 11, 18, 5, 12, 19}}
	if !reflect.DeepEqual(in, wantIn) {
		t.Errorf("read %v; want %v", in, wantIn)
	}
	for b := range in {
		for i := range in[b] {
			if out[b][i] != in[b][i]+1 {
				t.Errorf("after %d came %d", in[b][i], out[b][i])
			}
		}
	}
}

// openSmallLM returns a trained language model.
func openSmallLM(t *testing.T, change func(*LMConfig)) *LM {
	t.Helper()
	c, dir := smallLM(t), t.TempDir()
	change(&c)
	if _, err := trainLM(context.Background(), t, dir, c, func(Progress, *Validation) {}); err != nil {
		t.Fatal(err)
	}
	m, err := OpenLM(dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestScoreIsTheProbabilityOfTheText(t *testing.T) {
	m := openSmallLM(t, func(*LMConfig) {})
	_, held := smallTexts()
	lines := append(held.Target, "nobody_knows_this the")
	got, err := m.Score(lines, 1)
	if err != nil {
		t.Fatal(err)
	}
	// The same one token at a time, by the steps of decoding.
	logProb, count, unknown, characters := 0.0, 0, 0, 0
	special := m.Tokenizer.Special()
	d := m.Model.NewDecoder(nil)
	last := special.End
	for _, line := range lines {
		characters += len(line) + 1
		for _, id := range append(m.Tokenizer.Encode(line), special.End) {
			logits := d.Step([]int32{last}).Row(0)
			sum := 0.0
			for _, x := range logits {
				sum += math.Exp(float64(x))
			}
			logProb += float64(logits[id]) - math.Log(sum)
			if id == special.Unknown {
				unknown++
			}
			last = id
			count++
		}
	}
	want := TextScore{Tokens: count, Unknown: unknown, Characters: characters, Streams: 1}
	nats := -logProb / float64(count)
	for _, x := range []struct {
		name      string
		got, want float64
	}{
		{"nats", got.Nats, nats},
		{"perplexity", got.Perplexity, math.Exp(nats)},
		{"nats a character", got.PerChar, -logProb / float64(characters)},
		{"perplexity of a character", got.PerplexityPerChar, math.Exp(-logProb / float64(characters))},
	} {
		if math.Abs(x.got-x.want) > 1e-4*x.want {
			t.Errorf("%s = %v; want %v", x.name, x.got, x.want)
		}
	}
	got.Nats, got.Perplexity, got.PerChar, got.PerplexityPerChar = 0, 0, 0, 0
	if got != want || unknown == 0 {
		t.Errorf("score %+v; want %+v", got, want)
	}
	// With several streams the first token of each and what is left over count for nothing.
	strange := strings.Fields("qx qy qz qx qy qz qx qy")
	if got, err = m.Score([]string{strings.Join(strange, " ")}, 3); err != nil || got.Tokens != 6 || got.Unknown != 6 {
		t.Errorf("%+v, %v; want 6 predictions, all of them unknown", got, err)
	}
	if _, err := m.Score(nil, 1); err == nil {
		t.Error("no error for a text without lines")
	}
}

// TestTheMostProbableTextFollowsItsPrefix continues a line by the best token each time, from
// the end of the line before on.
func TestTheMostProbableTextFollowsItsPrefix(t *testing.T) {
	m := openSmallLM(t, func(*LMConfig) {})
	c := m.Model.Config
	c.Init = 1 // so that every token tells
	var err error
	if m.Model, err = newLM(c, 5); err != nil {
		t.Fatal(err)
	}
	special := m.Tokenizer.Special()
	m.Model.OutputBias.Data[special.Unknown] = 50 // and yet it is never drawn
	for _, prefix := range []string{"the", ""} {
		d := m.Model.NewDecoder(nil)
		var logits []tensor.Float
		for _, id := range append([]int32{special.End}, m.Tokenizer.Encode(prefix)...) {
			logits = d.Step([]int32{id}).Row(0)
		}
		lines := []string{prefix}
		for range 12 {
			logits[special.Unknown] = tensor.Float(math.Inf(-1))
			best := int32(slices.Index(logits, slices.Max(logits)))
			if line := &lines[len(lines)-1]; best == special.End {
				lines = append(lines, "")
			} else {
				*line = strings.TrimPrefix(*line+" "+m.Tokenizer.Token(best), " ")
			}
			logits = d.Step([]int32{best}).Row(0)
		}
		got, err := m.Generate(prefix, 12, decode.Sampling{Temperature: 1, TopK: 1})
		if want := strings.Join(lines, "\n"); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

func TestGenerate(t *testing.T) {
	for _, kind := range []string{"words", "characters"} {
		t.Run(kind, func(t *testing.T) {
			m := openSmallLM(t, func(c *LMConfig) { c.Tokenizer.Type = kind })
			if _, known := m.Tokenizer.ID("\n"); known != (kind == "characters") {
				t.Errorf("the end of a line is a character of the vocabulary: %v", known)
			}
			s := decode.Sampling{Temperature: 1, TopP: 1, Seed: 5}
			text, err := m.Generate("the", 60, s)
			if err != nil {
				t.Fatal(err)
			}
			again, err := m.Generate("the", 60, s)
			if err != nil || again != text {
				t.Errorf("%q, %v with the same seed; want %q", again, err, text)
			}
			s.Seed++
			if other, _ := m.Generate("the", 60, s); other == text {
				t.Errorf("two seeds give %q", text)
			}
			if !strings.HasPrefix(text, "the") {
				t.Errorf("%q; want its prefix first", text)
			}
			got := len([]rune(text)) - len("the")
			if kind == "words" {
				got = len(tokens(m.Tokenizer, strings.Split(text, "\n"))) - 2
			}
			if got != 60 {
				t.Errorf("%d tokens after the prefix in %q; want 60", got, text)
			}
			// The prefix stays as it is: lines, and words that the model does not know.
			const odd = "zzz  the\nTHE 日"
			if text, err := m.Generate(odd, 5, s); err != nil || !strings.HasPrefix(text, odd) || text == odd {
				t.Errorf("%q, %v; want more after %q", text, err, odd)
			}
			// A space after the last word is one, where spaces are no tokens.
			if plain, _ := m.Generate("the", 5, s); kind == "words" {
				if text, err := m.Generate("the ", 5, s); err != nil || text != plain {
					t.Errorf("%q, %v after a space; want %q", text, err, plain)
				}
			}
			if _, err := m.Generate("the", 0, s); err == nil {
				t.Error("no error for a length of 0")
			}
		})
	}
}

func TestTextsThatAreTooShortAreRefused(t *testing.T) {
	c := smallLM(t)
	c.Data.Streams = 100_000
	dir := filepath.Join(t.TempDir(), "run")
	if _, err := NewLMRun(dir, c); err == nil {
		t.Error("no error for more streams than tokens")
	} else {
		t.Log(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a folder was left behind")
	}
	c = smallLM(t)
	c.Tokenizer.Sampling = 0.1
	if _, err := NewLMRun(dir, c); err == nil || !strings.Contains(err.Error(), "tokenizer.sampling is 0.1, which is for translation") {
		t.Errorf("error %v for subwords drawn at random", err)
	}
	c = smallLM(t)
	c.Data.ValidShare = 0
	if _, err := NewLMRun(dir, c); err == nil {
		t.Error("no error for no text to validate with")
	}
}

// TestNumbersOfAnySizeAreTaken: neither streams nor steps overflow.
func TestNumbersOfAnySizeAreTaken(t *testing.T) {
	m := openSmallLM(t, func(c *LMConfig) { c.Data.Steps = math.MaxInt })
	if _, err := m.Score([]string{"the dog", "the cat"}, math.MaxInt); err == nil || !strings.Contains(err.Error(), "two tokens in each") {
		t.Errorf("error %v; want one that says how many tokens a stream has", err)
	}
	c := smallLM(t)
	c.Data.Streams = math.MaxInt
	if _, err := NewLMRun(t.TempDir(), c); err == nil || !strings.Contains(err.Error(), "want at least 2 for each, or fewer streams") {
		t.Errorf("error %v; want one that says how many tokens a stream needs", err)
	}
}

// TestConfigurationsBeyondMemoryAreNotOpened changes that of a run after it was trained.
func TestConfigurationsBeyondMemoryAreNotOpened(t *testing.T) {
	c, dir := smallLM(t), t.TempDir()
	if _, err := trainLM(context.Background(), t, dir, c, func(Progress, *Validation) {}); err != nil {
		t.Fatal(err)
	}
	c.Model.Hidden = 1_000_000_000_000
	if err := os.WriteFile(filepath.Join(dir, configFile), []byte(Format(c)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLM(dir); err == nil || !strings.Contains(err.Error(), "the weights that "+dir+" is configured for need more than") {
		t.Errorf("error %v; want one that says what is too large", err)
	}
}

// TestStepsOfARunAreCounted: those that it takes, with several batches in each.
func TestStepsOfARunAreCounted(t *testing.T) {
	c := smallLM(t)
	c.Training.MaxSteps, c.Training.MaxEpochs, c.Training.Accumulate = 0, 2, 3
	run, err := NewLMRun(t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	if _, err := run.Train(context.Background(), func(p Progress, _ *Validation) { last = p.Step }); err != nil {
		t.Fatal(err)
	}
	if run.Steps() != last {
		t.Errorf("%d steps are counted and %d taken", run.Steps(), last)
	}
}

// TestWhatAttentionComparesCounts: of one long pair the hidden units of the score concat need
// 40 MB, which the score dot does not have; nor do heads of the Transformer need as much.
func TestWhatAttentionComparesCounts(t *testing.T) {
	before := machineMemory
	defer func() { machineMemory = before }()
	machineMemory = func() (uint64, error) { return 30 << 20, nil }
	long := strings.TrimSpace(strings.Repeat("the cat ", 200))
	text := Text{Source: []string{long}, Target: []string{long}}
	for name, test := range map[string]struct {
		change  func(c *Config)
		refused bool
	}{
		"concat": {func(c *Config) { makeRecurrent(c); c.Recurrent.Attention = nn.Concat }, true},
		"dot":    {func(c *Config) { makeRecurrent(c); c.Recurrent.Attention = nn.Dot }, false},
		"concat, a window": {func(c *Config) {
			makeRecurrent(c)
			c.Recurrent.Attention, c.Recurrent.Window, c.Recurrent.Radius = nn.Concat, nn.LocalMonotonic, 10
		}, false},
		"two heads": {func(c *Config) { c.Model.MaxLength = 500 }, false},
		"64 heads":  {func(c *Config) { c.Model.MaxLength, c.Model.Dim, c.Model.Heads = 500, 64, 64 }, true},
	} {
		c := smallConfig()
		c.Tokenizer = TokenizerConfig{Type: "words"}
		test.change(&c)
		if c.IsRecurrent() {
			c.Recurrent.Hidden, c.Recurrent.MaxLength = 64, 500
		}
		_, err := NewRunOf(t.TempDir(), c, text, text)
		if refused := err != nil && strings.Contains(err.Error(), "the 802 tokens of a batch, on both sides, with their gradients need more than"); refused != test.refused || err != nil && !refused {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestStepsBeyondMemoryAreRefused(t *testing.T) {
	before := machineMemory
	defer func() { machineMemory = before }()
	machineMemory = func() (uint64, error) { return 1 << 20, nil }
	_, err := trainSmall(context.Background(), t.TempDir(), func(c *Config) { c.Training.BatchTokens = 1 << 20 })
	if err == nil || !strings.Contains(err.Error(), "lower training.batch_tokens") {
		t.Errorf("error %v for a batch of translations beyond memory", err)
	}
	c := smallLM(t)
	c.Data.Steps = 1 << 20
	_, err = NewLMRun(t.TempDir(), c)
	if err == nil || !strings.Contains(err.Error(), "lower data.streams or data.steps") {
		t.Errorf("error %v for a batch of text beyond memory", err)
	}
	large := smallLM(t)
	large.Model.Hidden = 1 << 12
	if _, err := NewLMRun(t.TempDir(), large); err == nil || !strings.Contains(err.Error(), "lower model.hidden") {
		t.Errorf("error %v for weights beyond memory", err)
	}
	if _, err = trainSmall(context.Background(), t.TempDir(), func(c *Config) { makeRecurrent(c); c.Recurrent.Hidden = 1 << 12 }); err == nil || !strings.Contains(err.Error(), "lower recurrent.hidden") {
		t.Errorf("error %v for weights beyond memory", err)
	}
	machineMemory = func() (uint64, error) { return 0, errors.New("unknown") }
	if _, err := NewLMRun(t.TempDir(), c); err != nil {
		t.Errorf("error %v where the system does not say how much memory there is", err)
	}
}
