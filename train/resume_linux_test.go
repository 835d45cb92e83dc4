package train

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// childLimit is the variable that limits the size of the files that a training
// process can write: the write that goes beyond fails half-way, as on a disk
// that is full.
const childLimit = "KOTOBA_TEST_FILE_LIMIT"

func init() {
	prepareChild = func() error {
		limit, err := strconv.ParseUint(os.Getenv(childLimit), 10, 64)
		if err != nil {
			return nil //nolint:nilerr // no limit
		}
		signal.Ignore(syscall.SIGXFSZ) // the write is then an error
		return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit})
	}
}

func TestFullDiskLosesNothing(t *testing.T) {
	whole, dir := t.TempDir(), t.TempDir()
	if _, err := trainSmall(context.Background(), whole, nil); err != nil {
		t.Fatal(err)
	}
	trainSteps(t, dir, 10)
	last := filepath.Join(dir, lastFile)
	before, err := os.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	out, err := child(dir, fmt.Sprint(childLimit, "=", len(before)-1)).CombinedOutput()
	if err == nil || !strings.Contains(string(out), lastFile) || !strings.Contains(string(out), syscall.EFBIG.Error()) {
		t.Errorf("error %v: %s; want one that names %s and says why", err, out, lastFile)
	}
	if after, err := os.ReadFile(last); err != nil || string(after) != string(before) {
		t.Errorf("the checkpoint is not what it was, error %v", err)
	}
	hidden, err := filepath.Glob(filepath.Join(dir, ".*.*"))
	if err != nil || len(hidden) > 0 { // of temporary files
		t.Errorf("left behind: %v, error %v", hidden, err)
	}
	if out, err := child(dir).CombinedOutput(); err != nil {
		t.Fatalf("with room again: %v: %s", err, out)
	}
	sameRun(t, dir, whole)
}
