// Package ledgertest is the suite that every ledger passes, whatever it stores
// in. A store's own test calls Test with a function that opens an empty one.
package ledgertest

import (
	"context"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// Opener opens the ledger of a test: empty at the first call, and the same one
// again at the next. Test closes what it opens.
type Opener func(t testing.TB) ledger.Ledger

// Kiosk is the kiosk that the suite's records are from.
const Kiosk = "K-000001"

var (
	epoch = ledger.Epoch{1, 2, 3}
	start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
)

// Test runs the suite. Each test gets a ledger of its own; after each, Check
// must find nothing.
func Test(t *testing.T, open func(t testing.TB) Opener) {
	for name, f := range map[string]func(*testing.T, Opener){
		"SameDigestSameReceipt": sameDigest,
		"CodeOfOpened":          code,
		"RevokeSeal":            revoke,
		"OneTransaction":        oneTransaction,
		"ForkIsKept":            fork,
		"RenamedIsKept":         renamed,
		"BatchOfReceipts":       batchOfReceipts,
		"BatchOfDecisions":      batchOfDecisions,
		"OrderOfDecisions":      orderOfDecisions,
		"AnyName":               anyName,
		"AtOnce":                atOnce,
		"Decide":                decide,
		"OneDocumentTwice":      twice,
		"NameIsNoDocument":      unproven,
		"Refuse":                refuse,
		"AnswerOnce":            answer,
		"CheckNumber":           checkNumber,
		"List":                  list,
		"Items":                 items,
		"Surpass":               surpass,
		"Heads":                 heads,
		"Kiosks":                kiosks,
		"StorageTimes":          storageTimes,
		"Dictionaries":          dictionaries,
		"Published":             published,
		"WalkTheArchive":        walk,
		"Traffic":               traffic,
		"Uploads":               uploads,
		"CodesAndCertificates":  enrolment,
		"OneCodeAtOnce":         enrolAtOnce,
		"RevokeKiosk":           revokeKiosk,
		"Releases":              releases,
		"Settings":              settings,
		"Software":              software,
	} {
		t.Run(name, func(t *testing.T) { f(t, open(t)) })
	}
}

// with opens a ledger, runs f and checks and closes it.
func with(t *testing.T, open Opener, f func(ctx context.Context, l ledger.Ledger)) {
	t.Helper()
	l := open(t)
	f(t.Context(), l)
	if err := l.Check(t.Context()); err != nil {
		t.Errorf("Check = %v, want nil", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
