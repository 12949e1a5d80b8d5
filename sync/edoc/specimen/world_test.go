package specimen

import (
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
)

func TestCards(t *testing.T) {
	now := time.Now()
	w, err := New(now)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"foreign": trust.ReasonForeign, "expired": trust.ReasonExpired, "suspended": trust.ReasonSuspended,
	}
	if got := len(w.Cards); got != len(CardNames) {
		t.Fatalf("cards: got %d, want %d", got, len(CardNames))
	}
	for _, c := range w.Cards {
		reason := want[c.Name]
		if reason == "" {
			reason = trust.ReasonOK
		}
		for slot, use := range map[byte]trust.Use{SlotSign: trust.UseCitizenSign, SlotAuth: trust.UseCitizenAuth, SlotCard: trust.UseCitizenAuth} {
			if got := w.Trust().CheckCard(c.Slots[slot].Cert, use, now).Worst().Reason; got != reason {
				t.Errorf("%s, slot %X: got %s, want %s", c.Name, slot, got, reason)
			}
		}
		p, err := trust.Person(c.Slots[SlotAuth].Cert)
		if err != nil {
			t.Fatal(err)
		}
		if !p.ID.Equal(c.Holder.ID.Text) || !p.Surname.Equal(c.Holder.Surname) || !p.Name.Equal(c.Holder.Name) || !p.Patronymic.Equal(c.Holder.Patronymic) {
			t.Errorf("%s: the certificate names another holder", c.Name)
		}
		if got := c.Recipient(); len(got) < 50 || got[:8] != "agepiv1"+got[7:8] {
			t.Errorf("%s: recipient is %q", c.Name, got)
		}
	}
	if got := trust.DeviceID(w.Device.TLS.Cert); got != "K-000001" {
		t.Errorf("DeviceID = %q", got)
	}
	for what, id := range map[string]Identity{"signing": w.Device.Signing, "TLS": w.Device.TLS} {
		if !trust.SoftwareKey(id.Cert) {
			t.Errorf("the certificate of the kiosk's %s key, which is written to a file, does not say so", what)
		}
	}
	if trust.SoftwareKey(w.Cards[0].Slots[SlotSign].Cert) {
		t.Error("a card's certificate says that its key lies in a file")
	}
	for id, a := range w.Agencies {
		if got := trust.AgencyID(a.Cert); got != id {
			t.Errorf("AgencyID = %q, want %q", got, id)
		}
	}
}
