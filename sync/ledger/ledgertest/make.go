package ledgertest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/ledger"
)

// Incoming returns a record with content that follows from its number.
func Incoming(seq uint64) ledger.Incoming {
	sealed := fmt.Appendf(nil, "sealed %d", seq)
	return ledger.Incoming{
		Epoch: epoch, Seq: seq, Doc: sha256.Sum256(fmt.Appendf(nil, "doc %d", seq)), Code: fmt.Sprintf("CODE%06d", seq),
		Service: "job-seeker", Lang: "tk", Claimed: start, Digest: sha256.Sum256(sealed), Sealed: sealed,
	}
}

// Receipt makes receipts that tell what they are for and differ at each call.
func Receipt() func([]ledger.Incoming, time.Time) ([][]byte, error) {
	n := 0
	return func(fresh []ledger.Incoming, _ time.Time) (out [][]byte, _ error) {
		n++
		for i, r := range fresh {
			out = append(out, fmt.Appendf(nil, "receipt %d of batch %d for %d fork %t", i, n, r.Seq, r.Fork != nil))
		}
		return out, nil
	}
}

// Signed makes receipts that are all the same.
func Signed(text string) func([]ledger.Incoming, time.Time) ([][]byte, error) {
	return func(fresh []ledger.Incoming, _ time.Time) (out [][]byte, _ error) {
		for range fresh {
			out = append(out, []byte(text))
		}
		return out, nil
	}
}

// Decided makes DECIDED receipts.
func Decided(ds []ledger.Decided) (out [][]byte, _ error) {
	for _, d := range ds {
		out = append(out, fmt.Appendf(nil, "decided %s %s", d.State, d.Reason))
	}
	return out, nil
}

// Settle decides one record.
func Settle(ctx context.Context, l ledger.Ledger, k ledger.Key, d ledger.Decision) error {
	return l.Decide(ctx, []ledger.Verdict{{Key: k, Decision: d}}, Decided)
}

// Registered returns a decision that registers.
func Registered() ledger.Decision {
	return ledger.Decision{
		State: ledger.Registered, At: start.Add(time.Minute), Agency: "employment-service", Service: "job-seeker",
		Identified: true, Signer: citizen.NewText("NUSGAÝEWA AÝNA"), Due: start.AddDate(0, 0, 5), Container: []byte("container"),
		Facts:    ledger.Facts{Whole: ledger.Finding{Verdict: "yes", Reason: "ok"}, Claimed: start, RevocationAge: time.Hour},
		AnswerTo: []string{"agepiv1x"},
	}
}

// Refused returns a decision that refuses.
func Refused(reason string) ledger.Decision {
	d := Registered()
	return ledger.Decision{State: ledger.Refused, Reason: reason, At: d.At}
}

func key(r ledger.Incoming) ledger.Key {
	return ledger.Key{Kiosk: Kiosk, Epoch: r.Epoch, Seq: r.Seq, Digest: r.Digest, Doc: r.Doc}
}
