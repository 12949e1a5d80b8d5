package kiosk

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/clock"
	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/ui/screen"
)

// A clock in the next century, where no certificate is good any more: the kiosk
// still finds its portal, whose signed time sets it right; also after the clock
// was there for a while and the journal says so.
func TestClockIn2099(t *testing.T) {
	for name, late := range map[string]bool{"still": true, "again right": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			turn := func(d time.Duration) {
				r.must(os.WriteFile(filepath.Join(r.dir, "ports", "clock-offset"), []byte(d.String()), 0o600))
			}
			refused := func() bool { return !r.state().Clock.Binding }
			off := time.Until(time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)).Truncate(time.Second)
			r.start()
			turn(off)
			r.until("the step to be in the journal", func() bool { return r.state().Journal.Size >= 2 && refused() })
			r.stop()
			if !late {
				turn(0)
			}
			r.start()
			r.until("binding requests to be refused", refused)
			r.online(nil)
			r.until("the clock to be right", func() bool { return r.state().Clock.Trust == clock.Beacon.String() })
			r.apply("citizen-1")
			r.stage(outbox.Registered)
			if d := time.Since(r.only().Claimed); d > time.Minute || d < -time.Minute {
				t.Errorf("claimed time: %v from now, want now", d)
			}
			r.leave()
		})
	}
}

// The name, the root and the usage are looked at whatever the time is.
func TestIsPortal(t *testing.T) {
	w, err := specimen.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.RootPEM())
	chain := func(c tls.Certificate) (out []*x509.Certificate) {
		for _, der := range c.Certificate {
			x, err := x509.ParseCertificate(der)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, x)
		}
		return out
	}
	now, late, early := time.Now(), time.Now().AddDate(70, 0, 0), time.Unix(0, 0)
	portal := chain(w.PortalTLS.TLS())
	for _, tt := range []struct {
		what  string
		chain []*x509.Certificate
		known []*x509.Certificate
		roots *x509.CertPool
		name  string
		times []time.Time
		want  bool
	}{
		{"now", portal, nil, roots, "localhost", []time.Time{now, early}, true},
		{"a claim too late", portal, nil, roots, "localhost", []time.Time{late, now}, true},
		{"a claim too early", portal, nil, roots, "localhost", []time.Time{early, now}, true},
		{"at no time", portal, nil, roots, "localhost", []time.Time{late, early}, false},
		{"another name", portal, nil, roots, "example.org", []time.Time{late, now}, false},
		{"another root", portal, nil, x509.NewCertPool(), "localhost", []time.Time{late, now}, false},
		{"another usage", chain(w.Device.TLS.TLS()), nil, roots, "", []time.Time{late, now}, false},
		{"alone, its centre known", portal[:1], []*x509.Certificate{w.Infrastructure.Cert}, roots, "localhost", []time.Time{now}, true},
		{"alone, its centre not known", portal[:1], nil, roots, "localhost", []time.Time{now}, false},
		{"nothing, a centre known", nil, []*x509.Certificate{w.Infrastructure.Cert}, roots, "localhost", []time.Time{now}, false},
		{"nothing", nil, nil, roots, "localhost", []time.Time{now}, false},
	} {
		if err := enrol.IsPortal(tt.chain, tt.known, tt.roots, tt.name, tt.times...); (err == nil) != tt.want {
			t.Errorf("%s: got %v, want accepted %v", tt.what, err, tt.want)
		} else if err != nil && tt.chain != nil && uplink.Code(err) != uplink.CodePortalCertificate {
			t.Errorf("%s: code %q, want %q", tt.what, uplink.Code(err), uplink.CodePortalCertificate)
		}
	}
}

// By a clock in the next century every card has expired. The kiosk does not say
// so of a good one: it knows better than to believe that clock.
func TestGoodCardIn2099(t *testing.T) {
	r := newRig(t)
	off := time.Until(time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)).Truncate(time.Second)
	r.must(os.WriteFile(filepath.Join(r.dir, "ports", "clock-offset"), []byte(off.String()), 0o600))
	r.start()
	r.begin("en")
	r.do("requests")
	r.insert("citizen-1")
	r.until("the card to be judged", func() bool {
		v := r.view()
		return v.Screen == screen.IsThisYou || v.Card != nil && v.Card.State != "reading" && v.Card.State != "wanted"
	})
	if v := r.view(); v.Screen != screen.IsThisYou {
		t.Errorf("the good card: got %q, want its holder asked", v.Card.State)
	}
}

// Settings of one kiosk with the keys of another: what it accepted would be
// refused by the portal, all of it.
func TestKeysOfAnotherKiosk(t *testing.T) {
	r := newRig(t)
	s := r.settings()
	s.Kiosk = "K-000002"
	k, err := Open(t.Context(), Options{Settings: s, Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		t.Error("Open = nil, want an error")
		r.must(k.Close())
	}
}
