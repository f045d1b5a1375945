package private

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Write makes the file hold this and nothing else, or leaves it as it was, for its owner only. What stood under the name is
// replaced and never written through, a link neither. The bytes come under a name that nobody can foresee and that must not
// exist, so in a folder where others may write, nothing of theirs is followed.
func Write(path string, raw []byte) error { return write(path, raw, false) }

// WriteDurably is Write, and on the disk before it returns.
func WriteDurably(path string, raw []byte) error { return write(path, raw, true) }

func write(path string, raw []byte, durable bool) (err error) {
	fresh, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(fresh.Name()) // the first error says more
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	_, err = fresh.Write(raw)
	if err == nil && durable {
		err = fresh.Sync()
	}
	if err = errors.Join(err, fresh.Close()); err != nil {
		return err
	}
	return os.Rename(fresh.Name(), path)
}

// AppendDurably adds to the end of a file, which is made for its owner only where there is none, and returns when it is on the disk. What several
// processes add in one call each does not mix.
func AppendDurably(path string, raw []byte) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, fileMode)
	if err != nil {
		return fmt.Errorf("append to %s: %w", path, err)
	}
	if _, err = f.Write(raw); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("append to %s: %w", path, err)
	}
	return nil
}
