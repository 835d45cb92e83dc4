package data

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"b.txt", "a.txt", "a[1].txt"} {
		if err := os.WriteFile(at(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for pattern, want := range map[string][]string{
		"?.txt":    {"a.txt", "b.txt"},
		"a[1].txt": {"a[1].txt"}, // a name before a pattern
		"[ab].txt": {"a.txt", "b.txt"},
		"c*":       nil,
	} {
		got, err := Files(at(pattern))
		for i := range got {
			got[i] = filepath.Base(got[i])
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("Files(%q) = %v, %v; want %v", pattern, got, err, want)
		}
	}
	if _, err := Files(at("[")); err == nil {
		t.Error("no error for a pattern without an end")
	}
}
