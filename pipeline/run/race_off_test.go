//go:build !race

package run_test

const raced = false
