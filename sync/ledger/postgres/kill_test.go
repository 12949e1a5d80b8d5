package postgres

import (
	"bytes"
	"strconv"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/ledgertest"
	"github.com/penjire/penjire/sync/ledger/postgrestest"
)

// TestServerKilled kills the server again and again while records are taken in and
// decided: everything that was acknowledged is there, and the ledger goes on by
// itself.
func TestServerKilled(t *testing.T) {
	server, ctx := postgrestest.Start(t), t.Context()
	d := open(t, server.Database(t))
	lives := 4
	if testing.Short() {
		lives = 2
	}
	receipts := map[uint64][]byte{}
	decided := map[uint64]bool{}
	var seq uint64
	for life := range lives {
		stop := make(chan struct{})
		away := make(chan error, 1)
		go func() {
			for {
				var recs []ledger.Incoming
				for range 5 {
					seq++
					recs = append(recs, ledgertest.Incoming(seq))
				}
				out, err := d.Intake(ctx, ledgertest.Kiosk, time.Now(), recs, ledgertest.Signed("r"+strconv.FormatUint(seq, 10)))
				if err != nil {
					away <- err
					return
				}
				for i, o := range out {
					receipts[recs[i].Seq] = o.Receipt
				}
				if err := settle(ctx, d, recs[0], ledgertest.Registered()); err != nil {
					away <- err
					return
				}
				decided[recs[0].Seq] = true
				select {
				case stop <- struct{}{}:
				default:
				}
			}
		}()
		for range 3 + 2*life { // so much is acknowledged in each life
			select {
			case <-stop:
			case err := <-away:
				t.Fatalf("life %d: before the server was killed: %v", life, err)
			}
		}
		server.Kill(t)
		t.Logf("life %d ended: %v", life, <-away)
		if _, err := d.Intake(ctx, ledgertest.Kiosk, time.Now(), []ledger.Incoming{ledgertest.Incoming(seq)}, ledgertest.Signed("x")); err == nil {
			t.Error("Intake without a server = nil, want an error")
		}
		server.Start(t)
		for s, want := range receipts {
			out, err := d.Intake(ctx, ledgertest.Kiosk, time.Now(), []ledger.Incoming{ledgertest.Incoming(s)}, ledgertest.Signed("another"))
			if err != nil {
				t.Fatalf("the ledger does not go on: %v", err)
			}
			if out[0].New || !bytes.Equal(out[0].Receipt, want) {
				t.Fatalf("life %d: record %d was receipted with %q and is now %+v", life, s, want, out[0])
			}
		}
		for s := range decided {
			if q, err := d.Get(ctx, ledgertest.Incoming(s).Doc); err != nil || q.State != ledger.Registered {
				t.Fatalf("life %d: request %d was registered and is %q, %v", life, s, q.State, err)
			}
		}
	}
	t.Logf("%d records acknowledged and %d decided over %d deaths of the server", len(receipts), len(decided), lives)
	closed(t, d)
}
