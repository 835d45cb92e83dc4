package main

import (
	"strings"
	"testing"
)

func TestShow(t *testing.T) {
	var out strings.Builder
	if err := show(&out); err != nil {
		t.Fatal(err)
	}
	if want := "decode  the elephants were protecting this library\n"; !strings.Contains(out.String(), want) {
		t.Errorf("got\n%s\nwithout\n%s", &out, want)
	}
}
