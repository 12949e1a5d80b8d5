package kiosk

import (
	"context"
	"crypto/sha256"
	"errors"
	"path/filepath"
	"time"

	"github.com/penjire/penjire/sync/durable"
	"github.com/penjire/penjire/sync/journal"
)

// sink takes what comes down beside receipts and answers.
type sink struct{ k *Kiosk }

// Catalogue implements uplink.Sink.
func (s sink) Catalogue(signed []byte) error {
	defer s.k.wake()
	return s.k.know.learn(catalogueFile, signed, s.k.know.takeCatalogue)
}

// Trust implements uplink.Sink.
func (s sink) Trust(signed []byte) error {
	defer s.k.wake()
	return s.k.know.learn(trustFile, signed, s.k.know.takeTrust)
}

// RevokedSeals implements uplink.Sink.
func (s sink) RevokedSeals(signed []byte) error {
	return s.k.know.learn(revokedFile, signed, s.k.know.takeRevoked)
}

// beaconEvery is the least time between two beacons in the journal: each bounds
// what was signed before and after it, and they are kept for ever.
const beaconEvery = 10 * time.Minute

// Beacon implements uplink.Sink: the clock is right from now on.
func (s sink) Beacon(signed []byte, at time.Time) error {
	k := s.k
	if err := k.clock.SetBeacon(at); err != nil {
		return err
	}
	defer k.wake()
	k.mu.Lock()
	due := k.journalled.IsZero() || at.Sub(k.journalled) >= beaconEvery || at.Before(k.journalled)
	if due {
		k.journalled = at
	}
	k.mu.Unlock()
	if !due {
		return nil
	}
	return s.keepBeacon(signed, at)
}

// CarriedBeacon implements uplink.CarriedSink: the clock is not before it.
func (s sink) CarriedBeacon(signed []byte, at time.Time) error {
	k := s.k
	if !at.After(k.clock.LastBeacon()) {
		return nil // the answer is old, or came before
	}
	if err := s.keepBeacon(signed, at); err != nil {
		return err
	}
	k.clock.Carried(at)
	k.wake()
	return nil
}

// keepBeacon stores the time for the next start, and puts it into the journal.
func (s sink) keepBeacon(signed []byte, at time.Time) error {
	k := s.k
	if err := durable.WriteFile(filepath.Join(k.s.State, beaconFile), signed, 0o600); err != nil {
		return err
	}
	sum := sha256.Sum256(signed)
	ctx, cancel := context.WithTimeout(k.life, 10*time.Second)
	defer cancel()
	index, err := k.box.Append(ctx, journal.Entry{Kind: journal.Beacon, Fields: journal.Fields{To: at.UnixMilli(), Digest: sum[:]}})
	if err != nil {
		return err
	}
	return k.proofs.PutBeacon(k.box.Stats(ctx).Epoch, index, signed)
}

// Witness implements uplink.Sink.
func (s sink) Witness(h *journal.Head) error {
	return s.k.proofs.PutHead(s.k.box.Stats(s.k.life).Epoch, h)
}

// contradictedFile is the head that shows that the medium is an older copy.
const contradictedFile = "contradicted.head"

// Contradicted implements uplink.Sink: from here on nothing is accepted until
// the outbox is opened again, under a new epoch.
func (s sink) Contradicted(h *journal.Head) error {
	k := s.k
	defer k.wake()
	ctx, cancel := context.WithTimeout(k.life, 10*time.Second)
	defer cancel()
	kept := durable.WriteFile(filepath.Join(k.s.State, contradictedFile), h.Marshal(), 0o600) // first: it is the evidence
	return errors.Join(kept, k.box.Renounce(ctx))
}
