package main

import (
	"strings"
	"testing"
)

func TestShow(t *testing.T) {
	var out strings.Builder
	show(&out)
	if want := "something that barks    0.965  0.018  0.018    3.93   0.07\n"; !strings.Contains(out.String(), want) {
		t.Errorf("got\n%s\nwithout\n%s", &out, want)
	}
}
