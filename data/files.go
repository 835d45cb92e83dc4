package data

import (
	"os"
	"path/filepath"
)

// Files returns the files that a pattern with * and ? names, in order, or the file whose
// name the pattern itself is. There may be none.
func Files(pattern string) ([]string, error) {
	if _, err := os.Stat(pattern); err == nil {
		return []string{pattern}, nil
	}
	return filepath.Glob(pattern)
}
