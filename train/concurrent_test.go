package train

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kotoba-nlp/kotoba/decode"
)

// TestConcurrentCallersShareAModel asks a model of each kind the same by several goroutines
// at a time. It is for the race detector.
func TestConcurrentCallersShareAModel(t *testing.T) {
	dir := t.TempDir()
	if _, err := trainSmall(context.Background(), dir, func(c *Config) { c.Training.MaxSteps = 12 }); err != nil {
		t.Fatal(err)
	}
	translation, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	language := openSmallLM(t, func(c *LMConfig) { c.Training.MaxSteps = 12 })
	_, valid := smallTexts()
	for name, ask := range map[string]func() ([]string, error){
		"translation": func() (texts []string, err error) {
			if _, err := translation.Score(Text{Source: []string{valid.Source[0][:9]}, Target: []string{valid.Target[0][:9]}}); err != nil {
				return nil, err
			}
			all, err := translation.System().Translate(valid.Source[:4], translation.Config.Decoding.Options())
			for _, hyps := range all {
				texts = append(texts, hyps[0].Text)
			}
			return texts, err
		},
		"language": func() ([]string, error) {
			if _, err := language.Score(valid.Target[:4], 1); err != nil {
				return nil, err
			}
			text, err := language.Generate("the", 20, decode.Sampling{Temperature: 1, TopP: 1, Seed: 5})
			return strings.Fields(text), err
		},
	} {
		var all sync.WaitGroup
		got := make([][]string, 4)
		for i := range got {
			all.Go(func() {
				var err error
				if got[i], err = ask(); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		all.Wait()
		for i := range got {
			if len(got[i]) == 0 || !slices.Equal(got[i], got[0]) {
				t.Errorf("%s: caller %d has %v, another %v", name, i, got[i], got[0])
			}
		}
	}
}
