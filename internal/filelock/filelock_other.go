//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package filelock

import (
	"errors"
	"os"
)

func Try(*os.File) (bool, error) { return false, errors.ErrUnsupported }
