package uplink

import (
	"context"
	"errors"
	"time"

	"github.com/penjire/penjire/sync/wire"
)

// errBetter ends a session over the second way when the first one works again.
var errBetter = errors.New("uplink: the portal answers by the better way again")

// counter is a carrier that counts its own bytes. Those of a WebSocket are
// counted where its connection is made.
type counter interface {
	Bytes() (sent, received int64)
}

// connect returns a carrier: by the first way, or else by the second.
func (u *Uplink) connect(ctx context.Context) (c wire.Carrier, second bool, err error) {
	if c := u.better; c != nil {
		u.better = nil
		return c, false, nil
	}
	if c, err = u.c.Connect(ctx); err == nil || u.c.Fallback == nil || ctx.Err() != nil {
		return c, false, err
	}
	u.c.Log.Info("uplink: by the second way", "code", Code(err), "err", err)
	c, ferr := u.c.Fallback(ctx)
	if ferr != nil {
		return nil, false, errors.Join(ferr, err) // the nearer one is said first
	}
	return c, true, nil
}

// lookBack tries the first way now and then, and ends the session over the second
// when it works: the next session has its carrier.
func (u *Uplink) lookBack(ctx context.Context, end context.CancelCauseFunc) {
	tick := time.NewTicker(u.c.LookBack)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if c, err := u.c.Connect(ctx); err == nil {
			u.better = c // read only after the session
			end(errBetter)
			return
		}
	}
}

// carries notes the carrier whose bytes are to be counted; nil: none any more.
func (u *Uplink) carries(c wire.Carrier) {
	u.st.mu.Lock()
	defer u.st.mu.Unlock()
	if old := u.st.carrier; old != nil {
		sent, received := old.Bytes()
		u.st.sent += sent
		u.st.received += received
	}
	u.st.carrier, _ = c.(counter)
}

// bytes returns what all carriers carried so far. The status is locked.
func (u *Uplink) bytes() (sent, received int64) {
	sent, received = u.line.Bytes()
	sent, received = sent+u.st.sent, received+u.st.received
	if u.st.carrier != nil {
		s, r := u.st.carrier.Bytes()
		sent, received = sent+s, received+r
	}
	return sent, received
}
