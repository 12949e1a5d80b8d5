package trust_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// TestTimes is the table of the spec, section 8: what is known of the time,
// against when something ended the certificate. Each row is seen three times: as
// a claim alone, then with a bracket, then with a time stamp; the answers may
// only become surer.
func TestTimes(t *testing.T) {
	w := world(t)
	c, _ := w.Card("citizen-1")
	cert := c.Slots[specimen.SlotSign].Cert
	hour := func(n int) time.Time { return now.Add(time.Duration(n) * time.Hour) }
	// Signed four hours ago. The journal knows: between six and two hours ago.
	claim := func(q *trust.Query) { q.From, q.To, q.Proven = hour(-4), hour(-4), false }
	bracket := func(q *trust.Query) { q.From, q.To, q.Proven = hour(-6), hour(-2), true }
	stamp := func(q *trust.Query) { q.From, q.To, q.Proven = hour(-4), hour(-4), true }
	events := map[string]func(at time.Time) (*trust.Bundle, func(*trust.Query)){
		"cancelled": func(at time.Time) (*trust.Bundle, func(*trust.Query)) {
			b := *w.Trust()
			b.CRLs = slices.Clone(b.CRLs)
			b.CRLs[0] = list(t, w.Citizens, x509.RevocationListEntry{SerialNumber: cert.SerialNumber, RevocationTime: at})
			signed, err := b.Encode(w.Register.Signer())
			if err != nil {
				t.Fatal(err)
			}
			again, err := trust.ParseBundle(signed, w.Roots(), 0)
			if err != nil {
				t.Fatal(err)
			}
			return again, nil
		},
		"centre ended": func(at time.Time) (*trust.Bundle, func(*trust.Query)) {
			b := *w.Trust()
			b.Centres = slices.Clone(b.Centres)
			b.Centres[0].State, b.Centres[0].Since = trust.Ended, at
			return &b, nil
		},
		// The certificate's end cannot be moved: the rest is, by as much.
		"expired": func(at time.Time) (*trust.Bundle, func(*trust.Query)) {
			by := cert.NotAfter.Add(time.Second).Sub(at)
			return w.Trust(), func(q *trust.Query) { q.From, q.To, q.Now = q.From.Add(by), q.To.Add(by), q.Now.Add(by) }
		},
	}
	for event, make := range events {
		for _, tt := range []struct {
			at                    time.Time
			claim, bracket, stamp trust.Verdict
		}{
			{hour(-8), trust.No, trust.No, trust.No},
			{hour(-5), trust.No, trust.Unknown, trust.No},
			{hour(-3), trust.Unknown, trust.Unknown, trust.Yes},
			{hour(-1), trust.Unknown, trust.Yes, trust.Yes},
		} {
			b, move := make(tt.at)
			for name, x := range map[string]struct {
				when func(*trust.Query)
				want trust.Verdict
			}{
				"claim": {claim, tt.claim}, "bracket": {bracket, tt.bracket}, "stamp": {stamp, tt.stamp},
			} {
				q := trust.Query{Use: trust.UseCitizenSign, Now: now}
				x.when(&q)
				if move != nil {
					move(&q)
				}
				r := b.Check(cert, q)
				got := r.Chain
				if event == "cancelled" {
					got = r.Revocation
				}
				if got.Verdict != x.want {
					t.Errorf("%s at %v, known by %s: got %v, want %s", event, tt.at.Sub(now), name, got, x.want)
				}
			}
		}
	}
}

func list(t testing.TB, ca specimen.Identity, entries ...x509.RevocationListEntry) []byte {
	t.Helper()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(2), ThisUpdate: now, NextUpdate: now.AddDate(0, 1, 0), RevokedCertificateEntries: entries,
	}, ca.Cert, ca.Key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func issue(t testing.TB, ca specimen.Identity, change func(*x509.Certificate)) specimen.Identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{BasicConstraintsValid: true, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0)}
	change(tmpl)
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca.Cert, key.Public(), ca.Key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return specimen.Identity{Key: key, Cert: cert}
}

// TestDepth puts centre below centre: four are in order, a fifth is not, and two
// that certify each other end.
func TestDepth(t *testing.T) {
	w := world(t)
	b := *w.Trust()
	b.Centres = slices.Clone(b.Centres)
	ca := w.Citizens
	person := func(t *x509.Certificate) { t.KeyUsage = x509.KeyUsageContentCommitment }
	for n := 2; n <= 6; n++ {
		ca = issue(t, ca, func(t *x509.Certificate) {
			t.IsCA, t.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
			t.Subject = pkix.Name{CommonName: fmt.Sprintf("SPECIMEN Centre %d deep", n)}
		})
		b.Centres = append(b.Centres, trust.Centre{Cert: ca.Cert, Kind: trust.KindCitizens, State: trust.Working, Since: ca.Cert.NotBefore})
		want := trust.Finding{Verdict: trust.Yes, Reason: trust.ReasonOK}
		if n > 4 {
			want = trust.Finding{Verdict: trust.No, Reason: trust.ReasonCentrePath}
		}
		if got := b.CheckCert(issue(t, ca, person).Cert, trust.UseCitizenSign, now, true, now).Chain; got != want {
			t.Errorf("below %d centres: got %v, want %v", n, got, want)
		}
	}
}

// TestOnceChecked: a bundle is used by several at once, and what it remembers of
// signatures does not outlive a change of its centres.
func TestOnceChecked(t *testing.T) {
	w := world(t)
	var wg sync.WaitGroup
	for _, c := range w.Cards {
		for range 4 {
			wg.Go(func() {
				r := w.Trust().CheckCert(c.Slots[specimen.SlotSign].Cert, trust.UseCitizenSign, now, true, now)
				if (r.Chain.Reason == trust.ReasonForeign) != (c.Name == "foreign") {
					t.Errorf("%s: got %v", c.Name, r.Chain)
				}
			})
		}
	}
	wg.Wait()
	b := *w.Trust()
	b.Centres = b.Centres[1:]
	c, _ := w.Card("citizen-1")
	if got := b.CheckCert(c.Slots[specimen.SlotSign].Cert, trust.UseCitizenSign, now, true, now).Chain; got.Reason != trust.ReasonForeign {
		t.Errorf("without its centre: got %v, want %s", got, trust.ReasonForeign)
	}
}

// TestDeltaSize measures what one changed list costs in a country: ten centres
// with a thousand cancelled certificates each, two hundred agencies.
func TestDeltaSize(t *testing.T) {
	w := world(t)
	b := *w.Trust()
	b.Centres, b.CRLs, b.Agencies = slices.Clone(b.Centres), slices.Clone(b.CRLs), slices.Clone(b.Agencies)
	entries := func(n int) []x509.RevocationListEntry {
		out := make([]x509.RevocationListEntry, n)
		for i := range out {
			serial := make([]byte, 19)
			if _, err := rand.Read(serial); err != nil {
				t.Fatal(err)
			}
			out[i] = x509.RevocationListEntry{SerialNumber: new(big.Int).SetBytes(append([]byte{1}, serial...)), RevocationTime: now, ReasonCode: 1}
		}
		return out
	}
	var last specimen.Identity
	for n := range 10 {
		last = issue(t, w.Citizens, func(t *x509.Certificate) {
			t.IsCA, t.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
			t.Subject = pkix.Name{CommonName: fmt.Sprintf("SPECIMEN Centre %d", n)}
		})
		b.Centres = append(b.Centres, trust.Centre{Cert: last.Cert, Kind: trust.KindCitizens, State: trust.Working, Since: now})
		b.CRLs = append(b.CRLs, list(t, last, entries(1000)...))
	}
	for range 200 {
		b.Agencies = append(b.Agencies, issue(t, w.AgenciesCA, func(*x509.Certificate) {}).Cert)
	}
	old, err := b.Encode(w.Register.Signer())
	if err != nil {
		t.Fatal(err)
	}
	b.Version++
	b.CRLs = append(b.CRLs[:len(b.CRLs)-1:len(b.CRLs)-1], list(t, last, entries(50)...))
	next, err := b.Encode(w.Register.Signer())
	if err != nil {
		t.Fatal(err)
	}
	delta, err := trust.Delta(old, next)
	if err != nil {
		t.Fatal(err)
	}
	again, err := trust.Apply(old, delta)
	if err != nil || !slices.Equal(again, next) {
		t.Fatalf("the delta does not come out at the bundle: %v", err)
	}
	t.Logf("bundle %d bytes, delta with one list of 50 entries %d bytes: one in %d", len(next), len(delta), len(next)/len(delta))
	if len(delta)*50 > len(next) {
		t.Errorf("the delta has %d bytes, the bundle %d", len(delta), len(next))
	}
}
