package hub

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/kotoba-nlp/kotoba/internal/filelock"
)

// lockPoll is the time between two looks at a lock that another has.
const lockPoll = 50 * time.Millisecond

// lock takes the lock of a path, which no process or goroutine has at the same
// time. While another has it, waiting is called once. Without locks on the
// system, the error is errors.ErrUnsupported. The file stays.
func lock(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o664)
	if err != nil {
		return nil, err
	}
	for told := false; ; told = true {
		locked, err := filelock.Try(f)
		if locked {
			return func() { _ = f.Close() }, nil // which unlocks; nothing was written
		}
		if err == nil {
			if !told {
				waiting()
			}
			err = sleep(ctx, lockPoll)
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
}
