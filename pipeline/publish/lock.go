package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Holder is the process that holds the lock of a state folder.
type Holder struct {
	PID     int       `json:"pid"`
	Started time.Time `json:"started_at"`
}

// LockedError says that another run holds the state folder.
type LockedError struct {
	State string
	// Holder is zero when the other process has not yet written who it is.
	Holder Holder
}

func (e *LockedError) Error() string {
	if e.Holder.PID == 0 {
		return fmt.Sprintf("state folder %s is held by another run", e.State)
	}
	return fmt.Sprintf("state folder %s is held by another run: process %d, since %s",
		e.State, e.Holder.PID, e.Holder.Started.Format(time.RFC3339))
}

// Lock is the right to change a state folder. The operating system takes it back when the process ends, however
// it ends; the file stays and is of no meaning then.
type Lock struct {
	state string
	file  *flock.Flock
}

// lockPatience bounds the wait for a lock: a look at the lock (see holder) holds it for an instant, and must not
// make a run believe that another one is at work.
const (
	lockPatience = 250 * time.Millisecond
	lockRetry    = 10 * time.Millisecond
)

// Acquire creates the state folder if need be and takes its lock. When another run has it the error is a
// *LockedError. The lock works across processes of one machine, and on network file systems that carry flock.
func Acquire(ctx context.Context, state string, started time.Time) (*Lock, error) {
	if err := os.MkdirAll(state, 0o755); err != nil {
		return nil, fmt.Errorf("create state folder: %w", err)
	}
	l := &Lock{state: state, file: newFlock(state)}
	patient, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	ok, err := l.file.TryLockContext(patient, lockRetry)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		// On a machine so busy that patience ended before the first try, the clock has spoken and not the lock.
		ok, err = l.file.TryLock()
	}
	switch {
	case ok:
	case ctx.Err() != nil:
		return nil, fmt.Errorf("lock state folder: %w", ctx.Err())
	case err == nil:
		return nil, &LockedError{State: state, Holder: readHolder(state)}
	default:
		return nil, fmt.Errorf("lock state folder: %w", err)
	}
	data, err := json.Marshal(Holder{PID: os.Getpid(), Started: started.UTC()})
	if err == nil {
		err = os.WriteFile(l.file.Path(), append(data, '\n'), 0o644)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write lock file: %w", err), l.Release())
	}
	return l, nil
}

// Release gives the lock back.
func (l *Lock) Release() error {
	if err := l.file.Unlock(); err != nil {
		return fmt.Errorf("release lock: %w", err)
	}
	return nil
}

// holder returns who holds the lock of a state folder, and false when nobody does.
func holder(state string) (Holder, bool, error) {
	if _, err := os.Stat(lockPath(state)); errors.Is(err, fs.ErrNotExist) {
		return Holder{}, false, nil
	}
	f := newFlock(state)
	free, err := f.TryRLock()
	if err != nil {
		return Holder{}, false, fmt.Errorf("look at lock: %w", err)
	}
	if free {
		if err := f.Unlock(); err != nil {
			return Holder{}, false, fmt.Errorf("look at lock: %w", err)
		}
		return Holder{}, false, nil
	}
	return readHolder(state), true, nil
}

// readHolder returns what the lock file says, zero when it is empty or half written.
func readHolder(state string) Holder {
	var h Holder
	data, err := os.ReadFile(lockPath(state))
	if err != nil || json.Unmarshal(data, &h) != nil {
		return Holder{}
	}
	return h
}

func newFlock(state string) *flock.Flock {
	return flock.New(lockPath(state), flock.SetPermissions(0o644))
}

func lockPath(state string) string { return filepath.Join(state, "lock") }
