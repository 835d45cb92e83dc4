package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestShardsAreWrittenByOneProcess has others begin while the first has a file finished and
// before it has any, and when it has ended.
func TestShardsAreWrittenByOneProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	refused := func(want string) {
		t.Helper()
		if err := newShards(dir).begin(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
	s := newShards(dir)
	if err := s.begin(); err != nil {
		t.Fatal(err)
	}
	refused("is being written to by another process")
	if err := s.write([]byte("first"), nil); err != nil {
		t.Fatal(err)
	}
	s.train.size = shardBytes // so that the next one begins a file
	if err := s.write([]byte("second"), nil); err != nil {
		t.Fatal(err)
	}
	refused("is being written to by another process")
	if err := s.end(nil); err != nil {
		t.Fatal(err)
	}
	s.unlock()
	refused("part-00000.tfrecord exists")
	for i, want := range []string{"first", "second"} {
		if text, err := os.ReadFile(s.names[i]); err != nil || string(text) != want {
			t.Errorf("%q, %v; want %q", text, err, want)
		}
	}
}
