package portal

import (
	"bytes"
	"testing"

	"github.com/penjire/penjire/sync/edoc/trust"
)

// TestTaught: bundles go down by version. What a kiosk has lost it gets again;
// one that has the version before gets a delta; one whom the delta does not fit
// gets the whole.
func TestTaught(t *testing.T) {
	w := newWorld(t)
	old := w.Trust()
	c, _ := w.Card("citizen-2")
	if err := w.Revoke(c.Slots[0x9C].Cert, w.Made, false); err != nil {
		t.Fatal(err)
	}
	if err := w.p.PublishTrust(t.Context(), w.Bundle()); err != nil {
		t.Fatal(err)
	}
	other := *old
	other.Recipients = nil
	signed, err := other.Encode(w.Register.Signer())
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := trust.ParseBundle(signed, w.Roots(), 0)
	if err != nil {
		t.Fatal(err)
	}
	delta, err := w.p.bundleFor(t.Context(), w.Trust(), old.Version)
	if err != nil || len(delta.Bytes)*2 > len(w.Bundle()) {
		t.Fatalf("the delta has %d bytes, the bundle %d, %v", len(delta.Bytes), len(w.Bundle()), err)
	}
	k := w.kiosk()
	cfg := k.uplinkConfig()
	version := w.p.Catalogue().Version
	cfg.Catalogue = func() uint64 { return version }
	for i, tt := range []struct {
		name    string
		has     *trust.Bundle
		refused string
	}{
		{"by delta", old, ""},
		{"again, when it was lost", old, ""},
		{"whole, when the delta does not fit", parsed, "trust.delta"},
	} {
		cfg.Trust = func() *trust.Bundle { return tt.has }
		u, stop := k.run(cfg)
		k.until(tt.name, func() bool {
			_, n, _ := k.sink.counts()
			return n == i+1
		})
		stop()
		if got := u.Status().Refused; got != tt.refused {
			t.Errorf("%s: refused = %q, want %q", tt.name, got, tt.refused)
		}
		k.sink.mu.Lock()
		got := k.sink.bundles[i]
		k.sink.mu.Unlock()
		if !bytes.Equal(got, w.Bundle()) {
			t.Errorf("%s: another bundle came", tt.name)
		}
		if k.o.Cursor() != 0 {
			t.Errorf("%s: the cursor moved to %d", tt.name, k.o.Cursor())
		}
	}
}
