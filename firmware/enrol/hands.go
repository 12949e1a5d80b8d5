package enrol

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/penjire/penjire/firmware/settings"
)

// What a person at the kiosk may see and change while it is not enrolled.

// Setup returns the set-up as it is now. Its secrets do not print themselves.
func (e *Enroller) Setup() Setup { return e.current() }

// Settings returns those that the kiosk will have, as far as they are known.
func (e *Enroller) Settings() (settings.Settings, error) {
	b, err := e.current().compose(e.o.Board, inFiles)
	if err != nil {
		return settings.Settings{}, err
	}
	return settings.Parse(b, e.o.Dir)
}

// SetNetwork takes the network that a person chose, makes it durable, and tries at
// once. It does not join it.
func (e *Enroller) SetNetwork(n Network) error {
	e.one.Lock()
	defer e.one.Unlock()
	s := e.current()
	s.Network = n
	if err := e.keepSetup(s); err != nil {
		return err
	}
	e.set(func(st *Status) { st.Tries = 0 })
	e.again()
	return nil
}

// Lacks says which of the Lacks words err is.
func Lacks(err error) string {
	word, _, _ := lacks(err)
	return word
}

// Probe asks the portal for what anybody may have, and returns by how much the
// kiosk's clock is ahead of what the portal says. Where [Lacks] of the error is
// LacksTrust, who answered is not the portal.
func (e *Enroller) Probe(ctx context.Context) (time.Duration, error) {
	s := e.current()
	if s.Portal.EST == "" {
		return 0, errStick
	}
	c, err := e.client(s)
	if err != nil {
		return 0, err
	}
	if _, err := c.ask(ctx, http.MethodGet, estPath+"cacerts", nil, "", ""); err != nil {
		return 0, err
	}
	if c.date.IsZero() {
		return 0, errors.New("enrol: ask the portal: it does not say what time it is")
	}
	return e.o.Now().Sub(c.date), nil
}
