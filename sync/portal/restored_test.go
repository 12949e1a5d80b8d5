package portal

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
)

// TestRestored: a portal was restored from its backup and counted its items from
// there again; the kiosk had stored items of those numbers, so the answers that now
// had them never reached it, and nobody was told that the portal had lost something.
func TestRestored(t *testing.T) { restored(t, 0, time.Minute) } // it takes a while

// TestRestoredClockBack: the portal's clock had been ahead, and was right again when
// it was restored: what it gave from then on stood below what the kiosk had stored.
func TestRestoredClockBack(t *testing.T) { restored(t, time.Hour, 0) }

// restored has a portal lose what came after its backup; before and after are how
// far its clock is ahead.
func restored(t *testing.T, before, after time.Duration) {
	w := newWorld(t)
	w.stop()
	w.config.Now = func() time.Time { return time.Now().Add(before) }
	file := filepath.Join(t.TempDir(), "ledger.db")
	w.start(file)
	k := w.kiosk()
	_, stop := k.run(k.uplinkConfig())
	first := k.one("citizen-1")
	k.untilState(first.ID(), outbox.Registered)
	stop()
	w.stop()
	backup := filepath.Join(t.TempDir(), "backup.db")
	for _, ext := range []string{"", "-wal"} {
		b, err := os.ReadFile(file + ext)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(backup+ext, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.serve(w.PortalTLS.TLS())
	_, stop = k.run(k.uplinkConfig())
	for range 3 {
		k.untilState(k.one("citizen-2").ID(), outbox.Registered)
	}
	stop()
	if got := w.alarms(); len(got) != 0 {
		t.Errorf("alarms = %v, want none yet", got)
	}

	w.stop()
	w.config.Now = func() time.Time { return time.Now().Add(after) }
	w.start(backup)
	if _, err := w.p.Answer(context.Background(), "civil-registry", ledger.Doc(first.ID()), AnswerDraft{Decision: ledger.Answered, Facts: w.residenceFacts(), By: "NUSGA officer"}); err != nil {
		t.Fatal(err)
	}
	k.run(k.uplinkConfig())
	k.untilState(first.ID(), outbox.Answered)
	if got := w.alarms(); got[ledger.AlarmRestored] != k.dev.ID {
		t.Errorf("alarms = %v, want %s", got, ledger.AlarmRestored)
	}
}
