package filelock

import (
	"errors"
	"os"
)

// ErrLocked is that another process has the lock of a file.
var ErrLocked = errors.New("is locked")

// Open opens a file, which it creates where there is none, and takes its lock, which closing it
// gives back; without, on a system that has no locks. Where another process has it the error
// is [ErrLocked].
func Open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	locked, err := Try(f)
	switch {
	case locked, errors.Is(err, errors.ErrUnsupported):
		return f, nil
	case err == nil:
		err = ErrLocked
	}
	return nil, errors.Join(err, f.Close())
}
