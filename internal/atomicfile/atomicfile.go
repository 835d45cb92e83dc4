// Package atomicfile makes files, copies of files and folders of files, that appear whole or not at all.
package atomicfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Write puts what write writes at path: in a temporary file of the same folder,
// on the disk, and only then under its name. On an error, a full disk for one,
// what was at path is still there and nothing else is left.
func Write(path string, write func(w io.Writer) error) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, temporary(filepath.Base(path)))
	if err != nil {
		return err
	}
	err = errors.Join(write(f), f.Chmod(0o644), f.Sync())
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(dir)
}

// CopyOf returns what [Write] makes a copy of a file of.
func CopyOf(path string) func(w io.Writer) error {
	return func(w io.Writer) error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, f)
		return errors.Join(err, f.Close())
	}
}

// Same reports whether two files hold the same. The second may not be there.
func Same(a, b string) (same bool, err error) {
	y, err := os.Open(b)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = y.Close() }() // only read
	x, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer func() { _ = x.Close() }() // only read
	p, q := make([]byte, 1<<16), make([]byte, 1<<16)
	for {
		n, errX := io.ReadFull(x, p)
		m, errY := io.ReadFull(y, q)
		if !bytes.Equal(p[:n], q[:m]) {
			return false, nil
		}
		for _, err := range []error{errX, errY} {
			switch {
			case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
				return true, nil // both have as many bytes
			case err != nil:
				return false, err
			}
		}
	}
}

// Folder makes the folder dir, which is new or empty, of what fill puts into a temporary
// one beside it. On an error nothing is left of that.
func Folder(dir string, fill func(tmp string) error) error {
	dir = filepath.Clean(dir)
	tmp, err := os.MkdirTemp(filepath.Dir(dir), temporary(filepath.Base(dir)))
	if err != nil {
		return err
	}
	err = fill(tmp)
	if err == nil {
		err = os.Chmod(tmp, 0o755)
	}
	if err == nil {
		err = removeEmpty(dir)
	}
	if err == nil {
		err = os.Rename(tmp, dir)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(tmp))
	}
	return nil
}

// removeEmpty removes a folder that is empty, if it is there.
func removeEmpty(dir string) error {
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; name a new folder or an empty one", err)
	}
	return nil
}

// Clean removes what writes of the given names in dir have left that were killed. None may
// be under way.
func Clean(dir string, names ...string) error {
	for _, name := range names {
		left, err := fs.Glob(os.DirFS(dir), temporary(name))
		if err != nil {
			return err
		}
		for _, name := range left {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// temporary is the pattern of the names that a file has until it is whole.
func temporary(name string) string { return "." + name + ".*" }

// syncDir puts the entries of a folder on the disk.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be synchronised there
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
