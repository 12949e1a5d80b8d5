package portal

import (
	"crypto/rand"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/serialline/radiotest"
	"github.com/penjire/penjire/sync/uplink"
)

// TestByteBudget: a large request does not fit into the day and stays, the small
// ones behind it go and their decisions come down; at the beginning of a later day
// it goes as well. The counter holds over a restart.
func TestByteBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAir(t, radiotest.Config{Baud: 9600})
		c := a.config()
		c.Schedule = uplink.Schedule{BytesPerDay: 60_000, File: filepath.Join(t.TempDir(), "spent")}
		large := make([]byte, 50_000)
		_, _ = rand.Read(large)
		card, _ := a.Card("citizen-1")
		doc := a.k.document(card)
		signed, err := edoc.Sign(doc, card.Slots[specimen.SlotSign].Signer(), doc.Made)
		if err != nil {
			t.Fatal(err)
		}
		a.k.acceptSealed(signed.ID(), large, doc)
		var small []*edoc.Container
		for range 5 {
			small = append(small, a.k.one("citizen-1"))
		}
		u, stop := a.k.run(c)
		time.Sleep(time.Hour)
		for _, d := range small {
			if s := a.k.state(d.ID()); s != outbox.Registered {
				t.Errorf("a small request is %s, want registered", s)
			}
		}
		spent := u.Status().Sent + u.Status().Received
		if s := a.k.state(signed.ID()); s != outbox.Accepted || spent > 60_000 {
			t.Errorf("the large request is %s after %d bytes, want that it was not sent", s, spent)
		}
		stop()
		_, stop = a.k.run(c)
		time.Sleep(time.Hour)
		if s := a.k.state(signed.ID()); s != outbox.Accepted {
			t.Errorf("after a restart the large request is %s, want that it was not sent", s)
		}
		stop()
		time.Sleep(24 * time.Hour)
		_, stop = a.k.run(c)
		defer stop()
		time.Sleep(2 * time.Hour)
		if s := a.k.state(signed.ID()); s != outbox.Refused { // nobody can read it
			t.Errorf("on the next day the large request is %s, want that it came to the portal", s)
		}
	})
}
