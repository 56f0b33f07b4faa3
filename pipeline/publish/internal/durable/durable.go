// Package durable makes files and folders survive a crash: what one of its functions has finished is on the disk,
// and a file is seen whole or not at all.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// WriteFile writes data to path by way of a temporary file beside it: readers see the old content or the new
// one, also after a crash.
func WriteFile(path string, data []byte) error {
	if err := renameio.WriteFile(path, data, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir flushes the entries of a folder: a rename inside it is durable only afterwards.
func SyncDir(dir string) error {
	return sync(dir)
}

// SyncTree flushes every file and folder below and including root, children before their folder.
func SyncTree(root string) error {
	var dirs []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			dirs = append(dirs, path)
			return nil
		case d.Type().IsRegular():
			return sync(path)
		default:
			return fmt.Errorf("%s is neither a file nor a folder", path)
		}
	})
	if err != nil {
		return fmt.Errorf("flush folder %s: %w", root, err)
	}
	for i := len(dirs) - 1; i >= 0; i-- {
		if err := sync(dirs[i]); err != nil {
			return err
		}
	}
	return nil
}

func sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("flush to disk: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("flush to disk: %w", err)
	}
	return nil
}
