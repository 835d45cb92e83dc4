//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

// Package filelock takes locks of files that no two processes have at a time.
package filelock

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Try reports whether it got the lock of a file, which closing it gives back.
func Try(f *os.File) (bool, error) {
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case err == nil:
		return true, nil
	case errors.Is(err, unix.EWOULDBLOCK), errors.Is(err, unix.EINTR):
		return false, nil
	case errors.Is(err, unix.ENOLCK):
		return false, errors.ErrUnsupported
	default:
		return false, err
	}
}
