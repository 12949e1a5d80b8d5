package kiosk

import (
	"context"
	"crypto/x509"
	"sync/atomic"
	"time"

	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/signing"
)

// renewal is how far the renewal of one certificate is. Under Kiosk.mu.
type renewal struct {
	next  time.Time // of the next try; zero: none is due
	fault string    // what the last try said
}

// keysOf are the two keys as enrolment knows them, in the order of Kiosk.faults.
func (k *Kiosk) keysOf() [2]enrol.Key {
	d := k.devicesOf()
	return [2]enrol.Key{
		{Signing: true, Key: d[0].Signer.Key, Software: d[0].Kind == signing.SoftwareKey, File: k.s.Signing.Cert},
		{Key: d[1].Signer.Key, Software: d[1].Kind == signing.SoftwareKey, File: k.s.Identity.Cert},
	}
}

// renews is what renews this kiosk's certificates.
func (k *Kiosk) renews(roots []*x509.Certificate) *enrol.Renewal {
	return &enrol.Renewal{
		EST: k.s.Portal.EST, ServerName: k.s.Portal.ServerName, Kiosk: k.s.Kiosk, Roots: roots, Known: k.centres,
		Times: func() []time.Time { return []time.Time{k.clock.Now(), k.clock.Signed()} },
	}
}

// dueByStick is why a certificate of a kiosk without a network was not renewed.
const dueByStick = "it is due: the next export to a memory stick asks the portal for it"

// watchCertificates renews the certificates when it is time, until ctx ends. That of
// the connection is shown from the next connection on, that for signing signs from the
// next signature on; for seals see sealer.
func (k *Kiosk) watchCertificates(ctx context.Context) error {
	var failures [2]int
	next := [2]time.Time{}
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		for i, key := range k.keysOf() {
			cert := k.devicesOf()[i].Signer.Cert
			if k.clock.Now().Before(enrol.DueAt(cert)) || time.Now().Before(next[i]) {
				continue
			}
			if k.s.Portal.EST == "" {
				k.renewed(i, func(r *renewal) { r.fault = dueByStick })
				continue
			}
			chain, err := k.renewer.Renew(ctx, key, k.ident.Load().TLS())
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				w := enrol.Again(failures[i])
				failures[i]++
				next[i] = time.Now().Add(w)
				k.log.Warn("a certificate was not renewed", "signing", key.Signing, "until", cert.NotAfter, "err", err, "again", w.Round(time.Second).String())
				k.renewed(i, func(r *renewal) { r.next, r.fault = next[i], err.Error() })
				continue
			}
			failures[i], next[i] = 0, time.Now().Add(enrol.Settled)
			k.take(i, chain)
		}
		t.Reset(enrol.Again(0))
	}
}

// take puts a certificate that is durable into use.
func (k *Kiosk) take(i int, chain []*x509.Certificate) {
	k.log.Info("a certificate was renewed", "signing", i == 0, "until", chain[0].NotAfter)
	to := [2]*atomic.Pointer[signing.Device]{&k.own, &k.ident}[i]
	to.Store(to.Load().Renewed(chain))
	k.renewed(i, func(r *renewal) { *r = renewal{} })
	k.codeUsed()
}

func (k *Kiosk) renewed(i int, f func(*renewal)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f(&k.renewals[i])
}
