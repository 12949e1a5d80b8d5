package update

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/release"
)

// ask tells the portal how the software is, and takes what it offers.
func (u *Updater) ask(ctx context.Context) {
	if u.c.Source == nil || u.c.Allowed != nil && !u.c.Allowed() {
		return
	}
	u.mu.Lock()
	r := u.report()
	u.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	signed, err := u.c.Source.Check(ctx, r)
	if err != nil {
		u.c.Log.Info("update: the portal was not asked", "err", err)
		return
	}
	u.mu.Lock()
	u.asked = true
	u.mu.Unlock()
	if r.Last != nil {
		u.tell(ctx, Told{r.Last.Build})
	}
	if signed == nil {
		u.tell(ctx, Withdrawn{})
		return
	}
	if _, err := u.Offer(ctx, signed, Offered{}); err != nil {
		u.c.Log.Warn("update: what the portal offers is not taken", "err", err)
	}
}

// Ask asks the portal now, beside its turn.
func (u *Updater) Ask(ctx context.Context) error {
	if u.c.Source == nil {
		return errors.New("update: this kiosk has no portal to ask")
	}
	u.mu.Lock()
	u.asked = false
	u.mu.Unlock()
	u.ask(ctx)
	if !u.Status().Asked {
		return errors.New("update: the portal was not reached, or these are not the hours for it")
	}
	return nil
}

// Refused is a release that this kiosk does not take.
type Refused struct {
	Code release.Code
	Err  error // nil: the code says all
}

// Error implements error.
func (r *Refused) Error() string {
	s := "update: refused: " + string(r.Code)
	if r.Err != nil {
		s += ": " + r.Err.Error()
	}
	return s
}

// Unwrap returns what the reader said.
func (r *Refused) Unwrap() error { return r.Err }

// Offer opens a signed description and takes it on as o says, or says why not: a
// *Refused. Run must be running.
func (u *Updater) Offer(ctx context.Context, signed []byte, o Offered) (*release.Release, error) {
	u.mu.Lock()
	keys := u.keys
	u.mu.Unlock()
	r, keys, err := release.Open(signed, keys)
	u.mu.Lock()
	learned := keys.Version() > u.keys.Version()
	if learned {
		u.keys = keys
	}
	u.mu.Unlock()
	if learned {
		u.tell(ctx, Learned{keys.Lists()})
	}
	if err != nil {
		return nil, &Refused{release.CodeOf(err), err}
	}
	o.Release = r
	done := make(chan State, 1)
	select {
	case u.events <- asked{o, done}:
	case <-ctx.Done():
		return nil, fmt.Errorf("update: offer a release: %w", ctx.Err())
	}
	s := <-done
	switch {
	case s.Target.Build == r.Build:
		return r, nil
	case s.Last.Build == r.Build && s.Last.Code != release.CodeGood:
		return r, &Refused{Code: s.Last.Code}
	case s.Target.Build != 0:
		return r, errors.New("update: another update is under way")
	}
	return r, &Refused{Code: release.CodeOlder}
}
