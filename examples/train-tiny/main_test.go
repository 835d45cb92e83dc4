package main

import (
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(&out); err != nil {
		t.Fatal(err)
	}
	if want := "鳥 が 魚 を 食べる → the bird eats fish\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("got\n%s\nwithout at its end\n%s", &out, want)
	}
}
