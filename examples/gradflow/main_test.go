package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestShow(t *testing.T) {
	flows, err := measure()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	show(&out, flows)
	for _, want := range []string{"20 steps back 0.0115 ", "20 steps back 86.7 ", "memory cell      1 steps back 1          10 steps back 1   "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%s\nwithout\n%s", &out, want)
		}
	}
}

func TestSave(t *testing.T) {
	flows, err := measure()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "unit.png")
	if err := save(path, flows); err != nil {
		t.Fatal(err)
	}
	picture, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(picture)); err != nil {
		t.Error(err)
	}
}
