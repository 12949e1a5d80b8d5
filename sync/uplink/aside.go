package uplink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// A decision that does not verify is left out, so that it cannot hold up what
// comes after it (WIRE-SES-11). It gets another chance: the portal sends again
// what is above the cursor in hello, so a lower one asks for it. What made it
// unbelievable may be over by then: a bundle that was too old, a key that was
// changed at the portal a little too early.

const (
	askAgain = 24 * time.Hour
	// mostAside is how many are remembered one by one. What is over that is asked
	// for with them, and told apart by its document's state.
	mostAside = 1000
)

// aside is what was left out. The zero value with a file "" forgets at a restart.
type aside struct {
	mu   sync.Mutex
	file string
	s    asideState
}

// asideState is the file.
type asideState struct {
	Items  []uint64 `json:"items"`  // IDs of decisions that were left out
	Cursor uint64   `json:"cursor"` // before the first of them
	Trust  uint64   `json:"trust"`  // version of the bundle by which they were looked at last
	Asked  int64    `json:"asked"`  // when, in seconds since 1970
}

func openAside(file string) (*aside, error) {
	a := &aside{file: file}
	if file == "" {
		return a, nil
	}
	raw, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return a, nil
	}
	if err != nil {
		return nil, fmt.Errorf("uplink: read what was left out: %w", err)
	}
	if json.Unmarshal(raw, &a.s) != nil { // damaged: what was left out stays so
		a.s = asideState{}
	}
	return a, nil
}

// count is how many decisions are left out.
func (a *aside) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.s.Items)
}

// has says whether the item was left out before.
func (a *aside) has(id uint64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Contains(a.s.Items, id)
}

// put remembers an item that is left out; cursor is the one before it.
func (a *aside) put(id, cursor, trust uint64, now time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if slices.Contains(a.s.Items, id) || len(a.s.Items) >= mostAside {
		return nil
	}
	if len(a.s.Items) == 0 {
		a.s = asideState{Cursor: cursor, Trust: trust, Asked: now.Unix()}
	}
	a.s.Cursor = min(a.s.Cursor, cursor)
	a.s.Items = append(a.s.Items, id)
	return a.keep()
}

// take forgets an item that was believed in the end.
func (a *aside) take(id uint64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.s.Items = slices.DeleteFunc(a.s.Items, func(x uint64) bool { return x == id })
	return a.keep()
}

// cursor returns the cursor for hello: below what was left out, if it is time to
// ask for that again.
func (a *aside) cursor(have, trust uint64, now time.Time) (uint64, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.due(trust, now) {
		return have, nil
	}
	a.s.Trust, a.s.Asked = trust, now.Unix()
	return min(have, a.s.Cursor), a.keep()
}

// due says whether it is time to ask again. a.mu is held.
func (a *aside) due(trust uint64, now time.Time) bool {
	since := now.Sub(time.Unix(a.s.Asked, 0))
	return len(a.s.Items) > 0 && (a.s.Trust != trust || since < 0 || since >= askAgain)
}

// errAside ends a session so that the next hello asks for what was left out.
var errAside = errors.New("uplink: it is time to ask for what was left out")

// askEvery is how often a session looks whether it is.
const askEvery = 10 * time.Minute

// ask ends a session when it is time to ask again: only a hello can, and a session
// may last for weeks.
func (u *Uplink) ask(ctx context.Context, end context.CancelCauseFunc) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		u.aside.mu.Lock()
		due := u.aside.due(u.trustVersion(), u.c.Now())
		u.aside.mu.Unlock()
		if due {
			end(errAside)
			return
		}
	}
}

// keep writes the file. a.mu is held.
func (a *aside) keep() error {
	if a.file == "" {
		return nil
	}
	raw, err := json.Marshal(a.s)
	if err != nil {
		return err
	}
	if err := a.replace(raw); err != nil {
		return fmt.Errorf("uplink: keep what was left out: %w", err)
	}
	return nil
}

// replace writes the file durably: the cursor that passes over what is in it is so
// too, and nothing else would ask for that again.
func (a *aside) replace(raw []byte) error {
	dir := filepath.Dir(a.file)
	tmp := filepath.Join(dir, "."+filepath.Base(a.file))
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, a.file); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
