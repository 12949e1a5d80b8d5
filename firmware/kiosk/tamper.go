package kiosk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/sync/durable"
	"github.com/penjire/penjire/sync/journal"
)

// episode is what was done about a sensor that was active.
type episode struct {
	since time.Time // of the activity that is in the journal
	told  bool      // it is, and lasts, or has lasted until just now
	at    time.Time // when something was last put into the journal for it
}

// witnessEvery is the least time between two entries for one sensor: entries are
// kept for ever, and a loose wire must not fill the journal. What happens meanwhile
// is entered when it has passed.
const witnessEvery = time.Minute

// witness puts into the journal, durably, that a sensor was active. The sensor
// itself remembers it until that is done.
func (k *Kiosk) witness(ctx context.Context, s device.Sensor, reason string, c device.Contact, since time.Time) {
	if !s.Tripped() {
		return
	}
	e := k.cab.seen[s]
	if e == nil {
		e = new(episode)
		k.cab.seen[s] = e
	}
	active := c == device.ContactActive
	switch {
	case active && e.told && e.since.Equal(since):
		return
	case !active && e.told:
		e.told = false
		s.Clear()
		return
	case !e.at.IsZero() && time.Since(e.at) < witnessEvery:
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := k.box.Append(ctx, journal.Entry{Kind: journal.Tamper, Fields: journal.Fields{Reason: reason}}); err != nil {
		if k.life.Err() == nil {
			k.log.Error("what a sensor saw could not be journalled", "reason", reason, "err", err)
		}
		return // tried again at the next look
	}
	k.log.Warn("a sensor of the cabinet", "reason", reason)
	e.at = time.Now()
	if active {
		e.since, e.told = since, true
		return
	}
	s.Clear()
}

// latch remembers over restarts that somebody broke the tamper loop, until a
// technician dismisses it.
type latch struct {
	path string
	mu   sync.Mutex
	is   bool
	kept bool // on disk
}

func openLatch(state string) (*latch, error) {
	l := &latch{path: filepath.Join(state, "tampered")}
	switch _, err := os.Stat(l.path); {
	case err == nil:
		l.is, l.kept = true, true
	case !errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("kiosk: look for the tamper alarm: %w", err)
	}
	return l, nil
}

func (l *latch) set() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.is
}

func (l *latch) durable() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept
}

// trip returns when the alarm is durable. It holds in any case.
func (l *latch) trip(at time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := durable.WriteFile(l.path, []byte(at.UTC().Format(time.RFC3339)+"\n"), 0o600)
	l.is, l.kept = true, err == nil
	return err
}

// release takes the alarm back.
func (l *latch) release() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := os.Remove(l.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("kiosk: take the tamper alarm back: %w", err)
	}
	l.is, l.kept = false, false
	return nil
}

// errStillBroken is an alarm whose cause is still there.
var errStillBroken = errors.New("the tamper loop is still broken, or not known")

// dismiss takes an alarm back: the outbox's, or that of the tamper loop.
func (k *Kiosk) dismiss(ctx context.Context, alarm string) error {
	if alarm != health.Tampered.Code {
		return k.box.Dismiss(ctx, alarm)
	}
	for _, s := range k.cab.sensors {
		if c, _ := s.Contact(); s.Kind() == device.SensorTamper && c != device.ContactIdle {
			return errStillBroken
		}
	}
	return k.cab.latch.release()
}
