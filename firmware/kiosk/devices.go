package kiosk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/registry"
	"github.com/penjire/penjire/firmware/clock"
	"github.com/penjire/penjire/firmware/session"
)

// openDevices loads the board's devices. One that fails is said and done
// without: a kiosk without a printer still takes requests.
func (k *Kiosk) openDevices(context.Context) error {
	k.loaded = registry.Load(Wants(k.board, k.s.Ports))
	for _, r := range k.loaded {
		switch r.State {
		case registry.Failed:
			k.log.Error("a device cannot be used", "device", r.Want.Name, "found", r.Look().Words, "err", r.Err)
		default:
			k.log.Info("device", "device", r.Want.Name, "driver", r.Want.Driver, "state", r.State.String(), "found", r.Look().Words)
		}
	}
	k.openBooks()
	k.reader, k.printer, k.scanner = registry.Reader(k.loaded), registry.Printer(k.loaded), registry.CodeScanner(k.loaded)
	if all := devicesOf[device.DocumentPrinter](k, board.DocumentPrinter); len(all) > 0 {
		k.sheets = all[0]
	}
	return nil
}

// Wants are the devices of b for the registry, in the board's order. Relative ports
// are below the folder ports.
func Wants(b *board.Board, ports string) []registry.Want {
	var out []registry.Want
	for _, d := range b.Devices {
		out = append(out, registry.Want{Name: d.Name, Driver: d.Driver, Port: board.PathIn(ports, d.Port), Options: d.Options})
	}
	return out
}

// LoadedStatus is what became of one of the board's devices.
type LoadedStatus struct {
	Name   string `json:"name"`
	Class  string `json:"class"`
	Driver string `json:"driver"`
	State  string `json:"state"`            // loaded, skipped, failed
	Health string `json:"health,omitempty"` // of XFS4IoT's common.device; "": it is not loaded
	Why    string `json:"why,omitempty"`    // it is not loaded
}

// loadedStatus returns every device of the board.
func (k *Kiosk) loadedStatus() []LoadedStatus {
	out := []LoadedStatus{}
	for i, r := range k.loaded {
		l := LoadedStatus{
			Name: r.Want.Name, Class: string(k.board.Devices[i].Class), Driver: r.Want.Driver, State: r.State.String(), Why: r.Why(),
		}
		if r.Device != nil {
			l.Health = string(r.Device.Health())
		}
		out = append(out, l)
	}
	return out
}

// clockSource returns the board's clock.
func clockSource(c board.Clock, ports string) (clock.Source, error) {
	switch c.Driver {
	case "", "system":
		return clock.System, nil
	case "offset-file":
		return clock.OffsetFile(board.PathIn(ports, c.Path)), nil
	}
	return nil, fmt.Errorf("kiosk: the board's clock has the unknown driver %q", c.Driver)
}

// cards tells the visit of cards that come and go, until ctx ends.
func (k *Kiosk) cards(ctx context.Context) error {
	gen := uint64(0)
	for ctx.Err() == nil {
		card, err := k.reader.Wait(ctx, gen)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !errors.Is(err, device.ErrUnplugged):
			k.log.Warn("the card reader failed", "err", err)
			fallthrough
		case err != nil: // it comes back by itself; a card that was in it does not
			k.cardNow(0)
			gen = 0
			if !sleep(ctx, time.Second) {
				return nil
			}
		case card == nil:
			gen = 0
			k.cardNow(0)
		default:
			gen = card.Gen
			k.cardNow(gen)
		}
	}
	return nil
}

// cardNow tells the visit which card is in the reader.
func (k *Kiosk) cardNow(gen uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if gen == k.card {
		return
	}
	was := k.card
	k.card = gen
	v := k.visit
	if v == nil {
		return
	}
	if was != 0 && v.state.Card.In == was {
		k.apply(v, session.CardOut{})
	}
	if gen != 0 && gen != k.spent {
		k.apply(v, session.CardIn{Gen: gen})
	}
}

// giveBackFor bounds how long a motor may take to bring a card to the gate.
const giveBackFor = 30 * time.Second

// giveBack has a reader with a motor bring the card to the gate: a visitor cannot
// take it from inside. A card that does not come is told by the reader's health.
func (k *Kiosk) giveBack() {
	m, ok := k.reader.(device.CardMover)
	if !ok {
		return
	}
	k.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(k.life, giveBackFor)
		defer cancel()
		if err := m.Move(ctx, device.ToExit); err != nil && !errors.Is(err, device.ErrNoMedia) && ctx.Err() == nil {
			k.log.Warn("the card could not be given back", "err", err)
		}
	})
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
