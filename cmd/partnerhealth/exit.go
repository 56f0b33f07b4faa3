package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/publish"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
)

// The documented exit codes; every command ends with one of them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitWarnings    = 3
	exitGate        = 4
	exitLocked      = 5
	exitInterrupted = 130
)

// usageError is a command line that cannot be carried out as written.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// errWarnings ends a night that was published with refused records or warnings. The warnings were already
// shown, so the error has nothing more to say.
var errWarnings = errors.New("published with warnings")

// errInterrupted ends a command that was asked to stop.
var errInterrupted = errors.New("interrupted")

// exitCode maps an error to the exit code; this is the only such mapping.
func exitCode(err error) int {
	var (
		usage    usageError
		problems config.Problems
		gate     *run.GateError
		locked   *publish.LockedError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, errWarnings):
		return exitWarnings
	case errors.As(err, &usage), errors.As(err, &problems):
		return exitUsage
	case errors.As(err, &gate):
		return exitGate
	case errors.As(err, &locked):
		return exitLocked
	default:
		return exitFailed
	}
}

// conclude prints the error of a command for a person and returns the exit code.
func conclude(w io.Writer, command string, err error) int {
	code := exitCode(err)
	switch code {
	case exitOK, exitWarnings:
	case exitInterrupted:
		fmt.Fprintln(w, "partnerhealth: interrupted; the next run continues where this one stopped")
	case exitUsage:
		var problems config.Problems
		if errors.As(err, &problems) {
			fmt.Fprintf(w, "partnerhealth: %s", problems.Render())
			break
		}
		printf(w, "partnerhealth: %v\nTry: %s --help\n", err, command)
	default:
		printf(w, "partnerhealth: %v\n", err)
	}
	return code
}
