//go:build race

package run_test

// raced is set under the race detector, which makes a night five times as long.
const raced = true
