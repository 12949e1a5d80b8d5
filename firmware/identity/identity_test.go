package identity

import (
	"errors"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/pivcard"
	"github.com/penjire/penjire/drivers/piv"
	"github.com/penjire/penjire/firmware/identity/cardtest"
	"github.com/penjire/penjire/sync/edoc/specimen"
)

var made = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func world(t *testing.T) *specimen.World {
	t.Helper()
	w, err := specimen.New(made)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func card(t *testing.T, w *specimen.World, name string) (specimen.Card, *pivcard.Card) {
	t.Helper()
	spec, ok := w.Card(name)
	if !ok {
		t.Fatalf("the world has no card %q", name)
	}
	c, err := cardtest.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return spec, c
}

func TestRead(t *testing.T) {
	w := world(t)
	spec, c := card(t, w, "citizen-1")
	var r cardtest.Reader
	h, err := Read(t.Context(), &r, r.Insert(c), w.Trust(), Time{made, true})
	if err != nil {
		t.Fatal(err)
	}
	if !h.Person.ID.Equal(spec.Holder.ID.Text) || !h.Person.Surname.Equal(spec.Holder.Surname) {
		t.Error("Read gives another holder than the card was made for")
	}
	if h.Recipient != spec.Recipient() || h.Tries != 3 {
		t.Errorf("Read = recipient %q, %d tries; want %q, 3", h.Recipient, h.Tries, spec.Recipient())
	}
}

func TestReadRefuses(t *testing.T) {
	w := world(t)
	for _, tt := range []struct {
		card string
		when time.Time
		want Reason
	}{
		{"foreign", made, Foreign},
		{"expired", made, Expired},
		{"suspended", made, Suspended},
		{"citizen-1", made.AddDate(30, 0, 0), Expired},
	} {
		t.Run(tt.card+" "+string(tt.want), func(t *testing.T) {
			var r cardtest.Reader
			_, c := card(t, w, tt.card)
			_, err := Read(t.Context(), &r, r.Insert(c), w.Trust(), Time{tt.when, true})
			wantReason(t, err, tt.want)
		})
	}
}

func wantReason(t *testing.T, err error, want Reason) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Reason != want {
		t.Fatalf("Read = %v, want reason %s", err, want)
	}
}

// A card from after the bundle: it is not valid yet, or the clock is behind.
func TestReadCardOfTheFuture(t *testing.T) {
	w := world(t)
	_, c := card(t, w, "citizen-1")
	old := *w.Trust()
	old.Issued = made.AddDate(-1, 0, 0)
	var r cardtest.Reader
	_, err := Read(t.Context(), &r, r.Insert(c), &old, Time{Now: old.Issued, Known: true})
	wantReason(t, err, NotYet)
	_, err = Read(t.Context(), &r, r.Insert(c), &old, Time{Now: old.Issued})
	wantReason(t, err, Clock)
}

// A card with the certificates of a citizen and other keys is a copy: it can
// show who it would be, and not that it is.
func TestReadCopiedCertificates(t *testing.T) {
	w := world(t)
	mine, _ := w.Card("citizen-1")
	other, _ := w.Card("citizen-2")
	p := pivcard.Profile{PIN: "123456", Slots: map[piv.Slot]pivcard.Slot{}}
	for n, id := range mine.Slots {
		p.Slots[piv.Slot(n)] = pivcard.Slot{Key: other.Slots[n].Key, Cert: id.Cert.Raw}
	}
	c, err := pivcard.New(p)
	if err != nil {
		t.Fatal(err)
	}
	var r cardtest.Reader
	_, err = Read(t.Context(), &r, r.Insert(c), w.Trust(), Time{made, true})
	wantReason(t, err, NotGenuine)
}

// A card put together of two people's certificates is neither's.
func TestReadMixedCard(t *testing.T) {
	w := world(t)
	mine, _ := w.Card("citizen-1")
	other, _ := w.Card("citizen-2")
	for _, slot := range []byte{specimen.SlotCard, specimen.SlotKey} {
		p := pivcard.Profile{PIN: "123456", Slots: map[piv.Slot]pivcard.Slot{}}
		for n, id := range mine.Slots {
			if n == slot {
				id = other.Slots[n]
			}
			p.Slots[piv.Slot(n)] = pivcard.Slot{Key: id.Key, Cert: id.Cert.Raw}
		}
		c, err := pivcard.New(p)
		if err != nil {
			t.Fatal(err)
		}
		var r cardtest.Reader
		_, err = Read(t.Context(), &r, r.Insert(c), w.Trust(), Time{made, true})
		wantReason(t, err, NotGenuine)
	}
}

// Wherever the card is pulled, it is unreadable and nothing else.
func TestReadPulledCard(t *testing.T) {
	w := world(t)
	_, c := card(t, w, "citizen-1")
	var r cardtest.Reader
	if _, err := Read(t.Context(), &r, r.Insert(c), w.Trust(), Time{made, true}); err != nil {
		t.Fatal(err)
	}
	for n := range r.Counter {
		gen := r.Insert(c)
		r.PullAfter(n)
		_, err := Read(t.Context(), &r, gen, w.Trust(), Time{made, true})
		wantReason(t, err, Unreadable)
		r.PullAfter(-1)
	}
	r.Break(device.ErrUnplugged)
	_, err := Read(t.Context(), &r, r.Insert(c), w.Trust(), Time{made, true})
	wantReason(t, err, Gone)
}
