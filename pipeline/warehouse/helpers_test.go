package warehouse

import (
	"os"
	"path/filepath"
	"slices"
	"testing/fstest"
)

func sorted(names []string) []string {
	out := slices.Clone(names)
	slices.Sort(out)
	return out
}

// tree makes an SQL tree of path and text.
func tree(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for path, text := range files {
		fsys[path] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

// treeFile returns the text of one of the project's own SQL files.
func treeFile(path string) (string, error) {
	data, err := os.ReadFile(filepath.Join(sqlTree, path))
	return string(data), err
}
