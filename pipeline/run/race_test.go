package run

import "testing"

// SkipRaced leaves a test out under the race detector that looks at what nights come to: the nights of other tests run the
// same code, side by side, there.
func SkipRaced(t *testing.T) {
	t.Helper()
	if Raced {
		t.Skip("looks at numbers; other nights look for races")
	}
}
