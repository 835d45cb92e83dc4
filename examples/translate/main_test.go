package main

import (
	"strings"
	"testing"
)

func TestTranslateNeedsARun(t *testing.T) {
	var out strings.Builder
	if err := translate(t.TempDir(), strings.NewReader("word\n"), &out); err == nil {
		t.Error("an empty folder is taken for a run")
	}
}
