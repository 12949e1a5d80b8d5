package service

import (
	"errors"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
)

var at = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

func world(t *testing.T) *specimen.World {
	t.Helper()
	w, err := specimen.New(at)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestTicket(t *testing.T) {
	w := world(t)
	want := NewTicket("K-000001", Verbose, at, at.Add(24*time.Hour))
	want.For = 4 * time.Hour
	signed, err := want.Sign(w.PortalReceipt.Signer())
	if err != nil {
		t.Fatal(err)
	}
	got, err := Open(signed, w.Trust(), "K-000001", at.Add(time.Hour))
	if err != nil || got != want {
		t.Fatalf("Open = %+v, %v; want %+v", got, err, want)
	}
	again := NewTicket("K-000001", Verbose, at, at.Add(time.Hour))
	if again.ID == want.ID {
		t.Error("two tickets have one identity")
	}
	bad := append([]byte(nil), signed...)
	bad[len(bad)/3] ^= 1
	device, err := want.Sign(w.Device.Signing.Signer())
	if err != nil {
		t.Fatal(err)
	}
	beacon, err := trust.SignObjectAt(trust.KindBeacon, []byte{1}, w.PortalReceipt.Signer(), at)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		signed []byte
		kiosk  string
		now    time.Time
		want   error
	}{
		"another kiosk":   {signed, "K-000002", at.Add(time.Hour), ErrOther},
		"too early":       {signed, "K-000001", at.Add(-time.Second), ErrEarly},
		"at its end":      {signed, "K-000001", at.Add(24 * time.Hour), ErrEnded},
		"damaged":         {bad, "K-000001", at.Add(time.Hour), ErrNoTicket},
		"cut short":       {signed[:len(signed)/2], "K-000001", at.Add(time.Hour), ErrNoTicket},
		"empty":           {nil, "K-000001", at, ErrNoTicket},
		"too large":       {make([]byte, MaxTicket+1), "K-000001", at, ErrNoTicket},
		"something else":  {beacon, "K-000001", at, ErrNoTicket},
		"of a kiosk":      {device, "K-000001", at.Add(time.Hour), ErrSigner},
		"of another land": {foreign(t, want), "K-000001", at.Add(time.Hour), ErrSigner},
	} {
		if _, err := Open(c.signed, w.Trust(), c.kiosk, c.now); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func foreign(t *testing.T, k Ticket) []byte {
	t.Helper()
	signed, err := k.Sign(world(t).PortalReceipt.Signer())
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// A ticket that breaks a rule is not signed, and not taken from a portal that signs it.
func TestTicketRules(t *testing.T) {
	w := world(t)
	good := NewTicket("K-000001", Support, at, at.Add(time.Hour))
	for name, change := range map[string]func(*Ticket){
		"no identity":      func(k *Ticket) { k.ID = [16]byte{} },
		"no kiosk":         func(k *Ticket) { k.Kiosk = "" },
		"unknown action":   func(k *Ticket) { k.Action = 9 },
		"no end":           func(k *Ticket) { k.Until = k.From },
		"too long":         func(k *Ticket) { k.Until = k.From.Add(Longest + time.Second) },
		"a duration":       func(k *Ticket) { k.For = time.Hour },
		"verbose, for nil": func(k *Ticket) { k.Action = Verbose },
		"verbose for ever": func(k *Ticket) { k.Action, k.For = Verbose, MostVerbose+time.Second },
	} {
		k := good
		change(&k)
		if _, err := k.Sign(w.PortalReceipt.Signer()); err == nil {
			t.Errorf("%s: it was signed", name)
		}
	}
	k := NewTicket("K-000001", Support, w.PortalReceipt.Cert.NotAfter.Add(-time.Hour), w.PortalReceipt.Cert.NotAfter.Add(time.Hour))
	signed, err := k.Sign(w.PortalReceipt.Signer())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(signed, w.Trust(), "K-000001", k.From); !errors.Is(err, ErrSigner) {
		t.Errorf("good for longer than its signer's certificate: got %v, want %v", err, ErrSigner)
	}
}

func TestProof(t *testing.T) {
	w := world(t)
	want := Proof{Kiosk: w.Device.ID, At: at, Ticket: [16]byte{1}, Epoch: [16]byte{2}, Size: 7, Root: [32]byte{3}, Keys: 3}
	signed, err := want.Sign(w.Device.Signing.Signer())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := OpenProof(signed, w.Trust()); err != nil || got != want {
		t.Fatalf("OpenProof = %+v, %v; want %+v", got, err, want)
	}
	other := want
	other.Kiosk = "K-999999"
	if signed, err = other.Sign(w.Device.Signing.Signer()); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenProof(signed, w.Trust()); err == nil {
		t.Error("a kiosk proved that another went out of service")
	}
	if signed, err = want.Sign(w.PortalReceipt.Signer()); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenProof(signed, w.Trust()); err == nil {
		t.Error("a portal proved that a kiosk went out of service")
	}
}

func FuzzTicket(f *testing.F) {
	w, err := specimen.New(at)
	if err != nil {
		f.Fatal(err)
	}
	signed, err := NewTicket("K-000001", Support, at, at.Add(time.Hour)).Sign(w.PortalReceipt.Signer())
	if err != nil {
		f.Fatal(err)
	}
	payload, _, err := trust.OpenObject(KindTicket, signed, w.Trust())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	f.Add([]byte{0xa0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, err := parse(b); err == nil && k.valid() != nil {
			t.Errorf("%+v was taken", k)
		}
	})
}
