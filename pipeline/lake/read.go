package lake

import (
	"fmt"
	"path/filepath"
)

// LiveRejects returns the absolute paths of the live files of refused records of the lake in folder dir, in
// the order of the manifest. It needs no lock and changes nothing: a run that commits meanwhile is seen
// before or after. A folder without a lake has none.
func LiveRejects(dir string) ([]string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("read lake: %w", err)
	}
	d := &disk{dir: dir}
	m, _, err := readManifest(d)
	if err != nil {
		return nil, fmt.Errorf("read lake: %w", err)
	}
	l := &Lake{d: d, m: m}
	return l.Rejects(), nil
}
