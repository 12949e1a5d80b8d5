package postgres

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/ledgertest"
	"github.com/penjire/penjire/sync/ledger/postgrestest"
)

// portalURL names the ledger to the process that is killed.
const portalURL = "PENJIRE_TEST_LEDGER"

// ofBatch is how many records it takes in with one transaction.
const ofBatch = 5

// TestPortalKilled kills the process of a portal again and again while it takes in
// and decides: what it acknowledged another portal finds, of what it did not all of
// a batch or nothing, and nothing that it held is in the way.
func TestPortalKilled(t *testing.T) {
	if url := os.Getenv(portalURL); url != "" {
		serve(t, url)
		return
	}
	server, ctx := postgrestest.Start(t), t.Context()
	url := server.Database(t)
	other := open(t, url)
	last := uint64(0) // that was acknowledged
	for life := range 6 {
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestPortalKilled$") //nolint:gosec // this test
		cmd.Env = append(os.Environ(), portalURL+"="+url)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		begin := last
		for lines.Scan() {
			var n uint64
			if _, err := fmt.Sscanf(lines.Text(), "acknowledged %d", &n); err != nil {
				continue
			}
			last = n
			if last == begin+uint64(ofBatch*(2+life)) { //nolint:gosec // small
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("life %d ended by itself: %v", life, err)
		}
		n, highest, err := other.Taken(ctx, ledgertest.Kiosk, ledgertest.Incoming(1).Epoch)
		if err != nil || uint64(n) != highest || n%ofBatch != 0 || highest < last { //nolint:gosec // a count
			t.Fatalf("life %d: %d records up to %d are there, %v, want whole batches up to %d at least", life, n, highest, err, last)
		}
		for seq := uint64(1); seq <= last; seq++ {
			in := ledgertest.Incoming(seq)
			got, err := other.Intake(ctx, ledgertest.Kiosk, time.Now(), []ledger.Incoming{in}, ledgertest.Signed("another"))
			if err != nil || got[0].New || string(got[0].Receipt) != receiptOf(seq) {
				t.Fatalf("life %d: record %d became %+v, %v, want its receipt", life, seq, got, err)
			}
			if err := settle(ctx, other, in, ledgertest.Refused("another")); err != nil {
				t.Fatal(err)
			}
			if q, err := other.Get(ctx, in.Doc); err != nil || q.State != ledger.Registered {
				t.Fatalf("life %d: request %d was registered and is %q, %v", life, seq, q.State, err)
			}
		}
		if err := other.Check(ctx); err != nil {
			t.Fatal(err)
		}
		last = highest
		for seq := uint64(1); seq <= last; seq++ { // what was taken in and not yet decided
			if err := settle(ctx, other, ledgertest.Incoming(seq), ledgertest.Registered()); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d records over 6 deaths of a portal", last)
	closed(t, other)
}

func receiptOf(seq uint64) string {
	return fmt.Sprintf("receipt of the batch to %d", (seq+ofBatch-1)/ofBatch*ofBatch)
}

// serve takes in and decides until it is killed, and says what is acknowledged.
func serve(t *testing.T, url string) {
	d, ctx := open(t, url), t.Context()
	_, last, err := d.Taken(ctx, ledgertest.Kiosk, ledgertest.Incoming(1).Epoch)
	if err != nil {
		t.Fatal(err)
	}
	for {
		var recs []ledger.Incoming
		var vs []ledger.Verdict
		for range ofBatch {
			last++
			in := ledgertest.Incoming(last)
			recs = append(recs, in)
			k := ledger.Key{Kiosk: ledgertest.Kiosk, Epoch: in.Epoch, Seq: in.Seq, Digest: in.Digest, Doc: in.Doc}
			vs = append(vs, ledger.Verdict{Key: k, Decision: ledgertest.Registered()})
		}
		if _, err := d.Intake(ctx, ledgertest.Kiosk, time.Now(), recs, ledgertest.Signed(receiptOf(last))); err != nil {
			t.Fatal(err)
		}
		if err := d.Decide(ctx, vs, ledgertest.Decided); err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Println("acknowledged", last)
	}
}
