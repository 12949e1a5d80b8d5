package kiosk

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/firmware/signing"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/journal"
)

const (
	// keysEvery is how often keys in chips are asked for while they are there;
	// keysAgain while one is not.
	keysEvery = 15 * time.Second
	keysAgain = 2 * time.Second
	// firstKeys is how long the start waits for them.
	firstKeys = 500 * time.Millisecond
)

// openKeys opens the kiosk's two keys. Files that are wrong are errors. A chip
// that is gone is not: the kiosk starts, and says that it cannot sign.
func (k *Kiosk) openKeys() error {
	for to, p := range map[*atomic.Pointer[signing.Device]]settings.Pair{&k.own: k.s.Signing, &k.ident: k.s.Identity} {
		d, err := k.keys.Open(p)
		if err != nil {
			return err
		}
		to.Store(d)
	}
	for _, d := range k.devicesOf() {
		if err := k.isOurs(d.Signer.Cert); err != nil {
			return err
		}
		if !d.Marked() {
			k.log.Warn("a certificate does not say where its key is", "key", d.Where, "kind", string(d.Kind))
		}
	}
	return nil
}

// devicesOf are the kiosk's keys as they are now, in the order of Kiosk.faults.
func (k *Kiosk) devicesOf() [2]*signing.Device {
	return [2]*signing.Device{k.own.Load(), k.ident.Load()}
}

// signer is what the kiosk signs with now: its key and the newest certificate of it.
// Whoever signs takes it once: a certificate that comes meanwhile is for the next.
func (k *Kiosk) signer() edoc.Signer { return k.own.Load().Signer }

// sealer is what receipts of requests of that time are sealed with: the newest
// certificate of the kiosk's key that the trust bundle lists, so that everybody can
// check the paper. A certificate that was renewed gets into the bundle later, and
// until then the one before it is good: the key is the same.
func (k *Kiosk) sealer(made time.Time) edoc.Signer {
	s := k.signer()
	if c := sealCert(k.know.trust(), s.Cert, made, k.clock.Now()); c != nil {
		s.Cert = c
	}
	return s
}

// sealCert returns the newest certificate of own's key and kiosk that b lists and that
// was in force at made and is now; nil: there is none.
func sealCert(b *trust.Bundle, own *x509.Certificate, made, now time.Time) (out *x509.Certificate) {
	for _, c := range b.SealSigners {
		switch {
		case !bytes.Equal(c.RawSubjectPublicKeyInfo, own.RawSubjectPublicKeyInfo), trust.DeviceID(c) != trust.DeviceID(own):
		case made.Before(c.NotBefore), now.After(c.NotAfter):
		case out == nil || c.NotAfter.After(out.NotAfter):
			out = c
		}
	}
	return out
}

// firstLook looks for the keys before the first page is shown, and takes a key
// that does not answer at once for one that does not work.
func (k *Kiosk) firstLook(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, firstKeys)
	defer cancel()
	k.lookKeys(ctx)
}

// lookKeys asks whether the keys work. Its answer is no if one does not.
func (k *Kiosk) lookKeys(ctx context.Context) bool {
	faults := make([]error, 2)
	var wg sync.WaitGroup
	for i, d := range k.devicesOf() {
		wg.Go(func() { faults[i] = d.Check(ctx) })
	}
	wg.Wait()
	if errors.Is(ctx.Err(), context.Canceled) {
		return false // the kiosk stops: nothing was learned
	}
	k.mu.Lock()
	was := k.faults
	k.faults = [2]error{faults[0], faults[1]}
	k.mu.Unlock()
	for i, err := range faults {
		if err != nil && (was[i] == nil || was[i].Error() != err.Error()) {
			k.log.Error("a key of the kiosk does not work", "err", err)
		}
	}
	k.set(health.NoKey, faults[0] != nil)
	k.set(health.NoIdentity, faults[1] != nil)
	return faults[0] == nil && faults[1] == nil
}

// watchKeys looks at keys in chips until ctx ends: now and then, and whenever one
// failed. Keys in files were read; there is nothing to look at.
func (k *Kiosk) watchKeys(ctx context.Context) error {
	if d := k.devicesOf(); d[0].Kind == signing.SoftwareKey && d[1].Kind == signing.SoftwareKey {
		<-ctx.Done()
		return nil
	}
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
		case <-k.doubts:
		}
		before := k.health.Holds(health.NoKey)
		wait := keysEvery
		if !k.lookKeys(ctx) {
			wait = keysAgain
		}
		if k.health.Holds(health.NoKey) != before {
			k.wake()
		}
		next.Reset(wait)
	}
}

// counter counts the heads of the journal in a TPM; nil: there is none.
func (k *Kiosk) counter() journal.Counter {
	if c := k.keys.Counter(k.s.Counter); c != nil {
		return c
	}
	return nil
}

// doubt has the keys looked at soon: one failed.
func (k *Kiosk) doubt() {
	select {
	case k.doubts <- struct{}{}:
	default:
	}
}

// KeyStatus is one of the kiosk's keys.
type KeyStatus struct {
	Use    string `json:"use"`    // signing, identity
	Kind   string `json:"kind"`   // software key, TPM, PKCS #11 token
	Where  string `json:"where"`  // file, or chip and handle
	Marked bool   `json:"marked"` // the certificate says that it is a software key, if it is one
	Fault  string `json:"fault"`  // why it does not work; "": it does

	Until   time.Time `json:"until"`             // the end of its certificate
	Renewal string    `json:"renewal,omitempty"` // why that was not renewed; "": it was, or is not due
	Next    time.Time `json:"next,omitzero"`     // the next try to renew it
}

func (k *Kiosk) keyStatus() []KeyStatus {
	k.mu.Lock()
	faults, renewals := k.faults, k.renewals
	k.mu.Unlock()
	var out []KeyStatus
	for i, d := range k.devicesOf() {
		s := KeyStatus{Use: []string{"signing", "identity"}[i], Kind: string(d.Kind), Where: d.Where, Marked: d.Marked()}
		if faults[i] != nil {
			s.Fault = faults[i].Error()
		}
		s.Until, s.Renewal, s.Next = d.Signer.Cert.NotAfter, renewals[i].fault, renewals[i].next
		out = append(out, s)
	}
	return out
}
