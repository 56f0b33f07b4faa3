package publish

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLockContention(t *testing.T) {
	state := t.TempDir()
	started := time.Date(2026, 11, 1, 2, 30, 0, 0, time.UTC)
	lock, err := Acquire(context.Background(), state, started)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Acquire(context.Background(), state, started)
	var locked *LockedError
	if !errors.As(err, &locked) {
		t.Fatalf("second Acquire = %v, want *LockedError", err)
	}
	if locked.Holder.PID != os.Getpid() || !locked.Holder.Started.Equal(started) || locked.State != state {
		t.Errorf("error tells %+v", locked)
	}
	if text := err.Error(); !strings.Contains(text, "2026-11-01T02:30:00Z") {
		t.Errorf("error does not tell since when: %s", text)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := Acquire(context.Background(), state, started)
	if err != nil {
		t.Fatalf("Acquire after Release: %v", err)
	}
	if err := again.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyOneOfManyGetsTheLock(t *testing.T) {
	state := t.TempDir()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var held, refused int
	for range 8 {
		wg.Go(func() {
			lock, err := Acquire(context.Background(), state, time.Time{})
			var locked *LockedError
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				held++
				t.Cleanup(func() { _ = lock.Release() })
			case errors.As(err, &locked):
				refused++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if held != 1 || refused != 7 {
		t.Errorf("%d got the lock and %d were refused", held, refused)
	}
}

// Looking at the lock, as List does, must not turn a run away.
func TestLookingDoesNotBlockARun(t *testing.T) {
	state := t.TempDir()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if _, _, err := holder(state); err != nil {
						t.Error(err)
						return
					}
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	for range 20 {
		lock, err := Acquire(context.Background(), state, time.Time{})
		if err != nil {
			t.Error(err)
			break
		}
		if err := lock.Release(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}

func TestAcquireEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Acquire(ctx, t.TempDir(), time.Time{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Acquire = %v, want context.Canceled", err)
	}
}
