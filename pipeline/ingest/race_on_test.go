//go:build race

package ingest_test

// raced is set under the race detector.
const raced = true
