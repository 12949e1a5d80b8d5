package portal

import (
	"context"
	"sync"
	"testing"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/postgres"
	"github.com/penjire/penjire/sync/ledger/postgrestest"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/wire"
)

// onPostgres is a world whose portal is on PostgreSQL.
func onPostgres(t *testing.T, url string) *world {
	t.Helper()
	w := makeWorld(t)
	w.config.Ledger = opened(t, url)
	w.serve(w.PortalTLS.TLS())
	t.Cleanup(w.stop)
	return w
}

// opened opens a ledger, and looks through it when the test ends.
func opened(t *testing.T, url string) *postgres.DB {
	t.Helper()
	l, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Check(context.Background()); err != nil {
			t.Errorf("Check of the ledger = %v", err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// TestTwoPortals has one portal answer what a kiosk sent to another: it comes down
// in the session that the kiosk has.
func TestTwoPortals(t *testing.T) {
	url := postgrestest.Start(t).Database(t)
	w := onPostgres(t, url)
	config := w.config
	config.Ledger = opened(t, url)
	other, err := New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { other.Run(ctx) })
	defer wg.Wait()
	defer cancel()

	k := w.kiosk()
	k.run(k.uplinkConfig())
	c := k.one("citizen-1")
	k.untilState(c.ID(), outbox.Registered)
	if _, err := other.Answer(t.Context(), "civil-registry", ledger.Doc(c.ID()), AnswerDraft{
		Decision: ledger.Answered, Facts: w.residenceFacts(), By: "NUSGA officer",
	}); err != nil {
		t.Fatal(err)
	}
	k.untilState(c.ID(), outbox.Answered)
}

// TestDatabaseAway takes the database away under a session: the kiosk is told to
// come back later, its request stays with it, and all goes on when the database is
// back.
func TestDatabaseAway(t *testing.T) {
	server := postgrestest.Start(t)
	w := onPostgres(t, server.Database(t))
	k := w.kiosk()
	before := k.one("citizen-1")
	p, _ := k.greeted(t)
	p.send(k.lease(t, 1))
	want[*wire.Receipts](p)
	after := k.one("citizen-2")
	server.Kill(t)
	p.send(k.lease(t, 1))
	if b := want[*wire.Bye](p); b.Code != "busy" || b.Retry < 30 {
		t.Errorf("bye = %q, come back in %d s, want busy and at least 30", b.Code, b.Retry)
	}
	p.c.Cut()
	server.Start(t)
	k.run(k.uplinkConfig())
	k.untilState(before.ID(), outbox.Registered)
	k.untilState(after.ID(), outbox.Registered)
}
