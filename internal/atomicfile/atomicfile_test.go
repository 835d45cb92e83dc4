package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestWriteReplacesAFileAsAWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, content := range []string{"one", "two"} {
		err := Write(path, func(w io.Writer) error {
			_, err := io.WriteString(w, content)
			return err
		})
		if got, readErr := os.ReadFile(path); err != nil || readErr != nil || string(got) != content {
			t.Fatalf("the file holds %q, errors %v and %v; want %q", got, err, readErr, content)
		}
	}
}

func TestFailedWriteLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := Write(path, func(w io.Writer) error {
		_, err := io.WriteString(w, "half")
		return errors.Join(err, syscall.ENOSPC)
	})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v; want that the disk is full", err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
		t.Errorf("the file holds %q, error %v; want what it held", got, err)
	}
	if err := Write(filepath.Join(dir, "absent", "file"), func(io.Writer) error { return nil }); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v for a folder that is not there", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, error %v; want the old file alone", left, err)
	}
}

func TestFolderIsWholeOrNotThere(t *testing.T) {
	parent := t.TempDir()
	dir, full := filepath.Join(parent, "new"), errors.New("full")
	put := func(tmp string) error { return os.WriteFile(filepath.Join(tmp, "a"), []byte("a"), 0o600) }
	if err := Folder(dir, func(tmp string) error { return errors.Join(put(tmp), full) }); !errors.Is(err, full) {
		t.Errorf("error %v; want that of filling", err)
	}
	if entries, err := os.ReadDir(parent); len(entries) > 0 || err != nil {
		t.Errorf("%v is left, error %v", entries, err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil { // empty
		t.Fatal(err)
	}
	if err := Folder(dir, put); err != nil {
		t.Error(err)
	}
	if err := Folder(dir, func(string) error { return nil }); err == nil { // not empty any more
		t.Error("no error for a folder with a file")
	}
	if text, err := os.ReadFile(filepath.Join(dir, "a")); string(text) != "a" || err != nil {
		t.Errorf("the file holds %q, error %v", text, err)
	}
	if entries, err := os.ReadDir(parent); len(entries) != 1 || err != nil {
		t.Errorf("%v are left, error %v; want the folder alone", entries, err)
	}
}

func TestCopyOfIsTheSame(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	for _, content := range []string{"one", "other", "oth", ""} {
		if err := os.WriteFile(from, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if same, err := Same(from, to); same || err != nil {
			t.Errorf("%q is the same before it is copied, error %v", content, err)
		}
		if err := Write(to, CopyOf(from)); err != nil {
			t.Fatal(err)
		}
		if same, err := Same(from, to); !same || err != nil {
			t.Errorf("the copy of %q is not the same, error %v", content, err)
		}
	}
	if err := Write(to, CopyOf(filepath.Join(dir, "none"))); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a copy of nothing: error %v", err)
	}
}
