package portal

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
)

// lines is a log to be read while others write.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestAnswerWithoutLists answers while the bundle has no revocation lists: the
// answer goes out as B-T, and the log says what it lacks and names nobody.
func TestAnswerWithoutLists(t *testing.T) {
	w := newWorld(t)
	w.stop()
	var log lines
	w.config.Log = slog.New(slog.NewTextHandler(&log, nil))
	w.serve(w.PortalTLS.TLS())
	k := w.kiosk()
	k.run(k.uplinkConfig())
	const said = "without the lists"
	answered := func(c *edoc.Container) *edoc.Container {
		t.Helper()
		k.untilState(c.ID(), outbox.Registered)
		if _, err := w.p.Answer(t.Context(), "civil-registry", c.ID(), AnswerDraft{Decision: ledger.Answered, Facts: w.residenceFacts(), By: "NUSGA officer"}); err != nil {
			t.Fatal(err)
		}
		r, err := w.l.Get(t.Context(), c.ID())
		if err != nil || r.Answer == nil {
			t.Fatalf("registry after the answer: %+v, %v", r.Answer, err)
		}
		a, err := edoc.Parse(r.Answer.Container)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := answered(k.one("citizen-1")); a.Level(0) != edoc.BLT || strings.Contains(log.String(), said) {
		t.Errorf("with lists: the answer is %v, want B-LT and nothing in the log:\n%s", a.Level(0), log.String())
	}
	bare := *w.p.Trust()
	bare.CRLs = nil
	c := k.one("citizen-2")
	k.untilState(c.ID(), outbox.Registered)
	w.p.bundle.Store(&bare)
	a := answered(c)
	if a.Level(0) != edoc.BT {
		t.Errorf("without lists: the answer is %v, want B-T", a.Level(0))
	}
	got := log.String()
	if !strings.Contains(got, said) {
		t.Errorf("the log does not say that an answer lacks its lists:\n%s", got)
	}
	card, _ := w.Card("citizen-2")
	for _, personal := range []string{card.Holder.ID.Reveal(), card.Holder.Surname.Reveal(), card.Slots[specimen.SlotSign].Cert.Subject.CommonName} {
		if strings.Contains(got, personal) {
			t.Error("the log holds personal data")
		}
	}
	k.untilState(c.ID(), outbox.Answered)
}
