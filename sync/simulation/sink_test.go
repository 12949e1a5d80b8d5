package simulation

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/uplink"
)

// sink takes what is not the outbox's.
type sink struct{ l *life }

// Catalogue implements uplink.Sink.
func (k *sink) Catalogue(signed []byte) error {
	m := k.l.m
	v, ok := m.s.w.catalogueOf[sha256.Sum256(signed)]
	if !ok {
		return fmt.Errorf("a catalogue that nobody signed: %w", uplink.ErrUnacceptable)
	}
	if !k.l.fuse.point("before it keeps a catalogue") {
		return errDead
	}
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	if v < m.store.catalogue {
		return fmt.Errorf("an older catalogue: %w", uplink.ErrUnacceptable)
	}
	m.store.catalogue = v
	return nil
}

// Trust implements uplink.Sink.
func (k *sink) Trust(signed []byte) error {
	m := k.l.m
	b, ok := m.s.w.bundleOf[sha256.Sum256(signed)]
	if !ok {
		return fmt.Errorf("a bundle that nobody signed: %w", uplink.ErrUnacceptable)
	}
	if !k.l.fuse.point("before it keeps a trust bundle") {
		return errDead
	}
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	if b.Version < m.store.trust.Version {
		return fmt.Errorf("an older bundle: %w", uplink.ErrUnacceptable)
	}
	m.store.trust = b
	return nil
}

// RevokedSeals implements uplink.Sink.
func (k *sink) RevokedSeals([]byte) error { return nil }

// Settings implements uplink.Sink.
func (k *sink) Settings([]byte) error { return nil }

// Beacon implements uplink.Sink.
func (k *sink) Beacon(signed []byte, at time.Time) error {
	d := sha256.Sum256(signed)
	_, err := k.l.box.Append(k.l.ctx, journal.Entry{Kind: journal.Beacon, Fields: journal.Fields{To: at.UnixMilli(), Digest: d[:]}})
	return err
}

// Witness implements uplink.Sink.
func (k *sink) Witness(h *journal.Head) error {
	m := k.l.m
	if !k.l.fuse.point("before it keeps a witnessed head") {
		return errDead
	}
	e := k.l.box.Stats(k.l.ctx).Epoch
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	m.store.witnessed[e] = max(m.store.witnessed[e], h.Size)
	return nil
}

// Contradicted implements uplink.Sink.
func (k *sink) Contradicted(*journal.Head) error {
	if !k.l.fuse.point("before it renounces its outbox") {
		return errDead
	}
	err := k.l.box.Renounce(k.l.ctx)
	if err == nil {
		k.l.m.s.noteRenounced(k.l.m)
	}
	return err
}
