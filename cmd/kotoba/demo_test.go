package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

// TestTheCurveIsOfAllSessions reads what a run has logged.
func TestTheCurveIsOfAllSessions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	text := `{"step":1,"epoch":0,"loss":3.5}` + "\n" + `{"step":1,"valid_loss":3,"valid_bleu":12.5}` + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := curveOf(path)
	if err != nil || len(got) != 2 {
		t.Fatalf("%v, %v; want two points", got, err)
	}
	if a, b := got[0], got[1]; a.Step != 1 || a.Loss != 3.5 || !math.IsNaN(a.BLEU) || b.Step != 1 || !math.IsNaN(b.Loss) || b.BLEU != 12.5 {
		t.Errorf("%+v; want a loss of 3.5, and BLEU of 12.5", got)
	}
}
