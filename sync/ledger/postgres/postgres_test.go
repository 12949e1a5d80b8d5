package postgres

import (
	"testing"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/ledgertest"
	"github.com/penjire/penjire/sync/ledger/postgrestest"
)

func TestLedger(t *testing.T) {
	server := postgrestest.Start(t)
	ledgertest.Test(t, func(t testing.TB) ledgertest.Opener {
		url := server.Database(t)
		return func(t testing.TB) ledger.Ledger { return open(t, url) }
	})
}

func open(t testing.TB, url string) *DB {
	t.Helper()
	d, err := Open(t.Context(), Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	return d
}
