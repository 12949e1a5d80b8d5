package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/penjire/penjire/firmware/enrol"
)

// again is how long a network that did not come up is left alone before it is tried
// anew: a cable may be put in, a router switched on.
const again = 20 * time.Second

// Keep makes the network of the set-up in the kiosk's folder that of the machine. It
// tries until that is done or ctx ends, tells said of every try that failed, and
// returns at once where there is no set-up or it leaves the network open.
func (m *Manager) Keep(ctx context.Context, folder string, log *slog.Logger, said func(Why)) error {
	for {
		n, err := wanted(folder)
		if err != nil || n.Kind == enrol.Ask {
			return err
		}
		err = m.Join(ctx, n)
		if err == nil {
			log.Info("penjire: network", "kind", string(n.Kind), "joined", true)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err() // nothing is known of the network by that
		}
		why := WhyOther
		if e, ok := errors.AsType[*JoinError](err); ok {
			why = e.Why
		}
		log.Warn("penjire: network", "kind", string(n.Kind), "joined", false, "why", string(why), "err", err)
		said(why)
		t := time.NewTimer(again)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}

// wanted returns the network of the set-up; [enrol.Ask]: there is none.
func wanted(folder string) (enrol.Network, error) {
	b, err := enrol.ReadFile(filepath.Join(folder, enrol.SetupFile))
	if errors.Is(err, os.ErrNotExist) {
		return enrol.Network{}, nil
	}
	if err != nil {
		return enrol.Network{}, fmt.Errorf("network: %w", err)
	}
	s, err := enrol.ParseSetup(b)
	if err != nil {
		return enrol.Network{}, fmt.Errorf("network: %w", err)
	}
	return s.Network, nil
}
