package preset

import (
	"errors"
	"path"
	"strings"
)

// Match reports whether the '/'-separated path matches the pattern glob. Within a segment * stands for any
// characters, ? for one and [a-z] for one of a class; a segment ** stands for any number of segments, none
// included. Case counts on every system, so that a night gives the same on all of them. A malformed pattern
// matches nothing.
func Match(glob, name string) bool {
	return matchSegments(strings.Split(glob, "/"), strings.Split(name, "/"))
}

// matchSegments keeps, for each segment of the pattern, which beginnings of the name it can reach; so the work is
// bounded by segments of the pattern times segments of the name.
func matchSegments(pattern, name []string) bool {
	reach := make([]bool, len(name)+1)
	reach[0] = true
	for _, p := range pattern {
		next := make([]bool, len(name)+1)
		for i := range reach {
			if p == "**" {
				next[i] = reach[i] || i > 0 && next[i-1]
				continue
			}
			if i > 0 && reach[i-1] {
				ok, err := path.Match(p, name[i-1])
				next[i] = ok && err == nil
			}
		}
		reach = next
	}
	return reach[len(name)]
}

// CheckGlob says what is wrong with a pattern of Match.
func CheckGlob(glob string) error {
	if glob == "" {
		return errors.New("is empty")
	}
	if strings.HasPrefix(glob, "/") || strings.Contains(glob, `\`) {
		return errors.New("must be relative to the folder of the source and use / between folders")
	}
	for segment := range strings.SplitSeq(glob, "/") {
		switch _, err := path.Match(segment, ""); {
		case segment == "" || segment == "." || segment == "..":
			return errors.New("must not hold empty, . or .. segments")
		case segment != "**" && strings.Contains(segment, "**"):
			return errors.New("must have ** alone between two /")
		case err != nil:
			return errors.New("is malformed: a [ needs its ]")
		}
	}
	return nil
}
