package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestShardsAreWrittenByOneProcess begins to write the same files twice.
func TestShardsAreWrittenByOneProcess(t *testing.T) {
	dir := t.TempDir()
	first, second := newShards(dir), newShards(dir)
	if err := first.write([]byte("first"), nil); err != nil {
		t.Fatal(err)
	}
	err := second.write([]byte("second, which is longer"), nil)
	if err == nil || !strings.Contains(err.Error(), "is being written by another process") {
		t.Errorf("error %v; want one of another process", err)
	}
	if second.end(err) == nil {
		t.Error("the second ends without an error")
	}
	if err := first.end(nil); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%q, %v; want one file", found, err)
	}
	if text, err := os.ReadFile(found[0]); err != nil || string(text) != "first" {
		t.Errorf("%q, %v; want what the first wrote", text, err)
	}
}
