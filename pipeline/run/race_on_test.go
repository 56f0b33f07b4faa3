//go:build race

package run

// Raced is set under the race detector, which makes a night five times as long.
const Raced = true
