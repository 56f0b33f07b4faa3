package transform

import "github.com/zeebo/xxh3"

// Hash returns a number for the text b, blanks around it apart: the same for the same text on every machine and in
// every release, and with a chance of one in 2^63 the same for two texts. It is never negative.
func Hash(b []byte) int64 { return int64(xxh3.Hash(Trim(b)) >> 1) }
