package data

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadLines(t *testing.T) {
	long := strings.Repeat("長", 100_000)
	for content, want := range map[string][]string{
		"a\nb\n":     {"a", "b"},
		"a\r\n\nb":   {"a", "", "b"},
		long + "\nx": {long, "x"},
		"\n":         {""},
	} {
		got, err := ReadLines(write(t, content))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%.20q: %.60q, %v; want %.60q", content, got, err, want)
		}
	}
}

func TestBadFilesAreNamed(t *testing.T) {
	good := write(t, "a\nb\n")
	for name, c := range map[string]struct{ path, want string }{
		"missing":   {filepath.Join(t.TempDir(), "none"), "no such file"},
		"empty":     {write(t, ""), "empty"},
		"not UTF-8": {write(t, "a\nb\xff\n"), ":2: not valid UTF-8"},
		"count":     {write(t, "a\n"), "has 2 lines and"},
	} {
		_, _, err := ReadParallel(good, c.path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: error %v; want %q and the path in it", name, err, c.want)
		}
	}
}

func TestBatches(t *testing.T) {
	var examples []Example
	for i := range 100 {
		examples = append(examples, Example{make([]int32, 1+i*7%13), make([]int32, 1+i*5%11)})
	}
	examples = append(examples, Example{make([]int32, 500), nil}) // longer than a batch
	batches := Batches(examples, 40, 1, 2)
	if slices.IsSortedFunc(batches, func(a, b []int) int { return examples[a[0]].size() - examples[b[0]].size() }) {
		t.Error("batches come by length")
	}
	var seen []int
	for _, b := range batches {
		tokens := 0
		for _, i := range b {
			tokens += examples[i].size()
		}
		if tokens > 40 && len(b) > 1 {
			t.Errorf("a batch of %d examples has %d tokens", len(b), tokens)
		}
		seen = append(seen, b...)
	}
	slices.Sort(seen)
	for i, s := range seen {
		if i != s {
			t.Fatalf("example %d comes %s", i, map[bool]string{true: "twice", false: "never"}[s < i])
		}
	}
	if len(seen) != len(examples) {
		t.Fatalf("%d of %d examples", len(seen), len(examples))
	}
	if again := Batches(examples, 40, 1, 2); !reflect.DeepEqual(again, batches) {
		t.Error("the same seed and epoch give other batches")
	}
	if other := Batches(examples, 40, 1, 3); fmt.Sprint(other) == fmt.Sprint(batches) {
		t.Error("another epoch gives the same batches")
	}
}
