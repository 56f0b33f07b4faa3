//go:build !race

package run

const Raced = false
