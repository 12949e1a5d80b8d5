package desk

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
)

// fakePortal has a catalogue and, if given, a ledger.
type fakePortal struct {
	l   ledger.Ledger
	cat *catalog.Catalogue
}

func (f *fakePortal) ServiceOf(_ context.Context, r ledger.Request) (*catalog.Service, error) {
	if s, ok := f.cat.Service(r.Service); ok {
		return s, nil
	}
	return nil, ledger.ErrNotFound
}

func (f *fakePortal) Ledger() ledger.Ledger             { return f.l }
func (f *fakePortal) Catalogue() *catalog.Catalogue     { return f.cat }
func (f *fakePortal) RevokedSeals() *trust.RevokedSeals { return nil }
func (f *fakePortal) Connected() []string               { return nil }
func (f *fakePortal) Import(context.Context, io.Reader) (portal.Imported, error) {
	return portal.Imported{}, portal.ErrStranger
}

func (f *fakePortal) RevokeSeal(context.Context, string, ledger.Doc, string, string) error {
	return errors.New("the fake revokes nothing")
}

func (f *fakePortal) Answer(context.Context, string, ledger.Doc, portal.AnswerDraft) (ledger.Doc, error) {
	return ledger.Doc{}, portal.ErrNoKey
}

func testDesk(t *testing.T, p Portal) *Desk {
	t.Helper()
	if p == nil {
		p = &fakePortal{cat: testCatalogue(t)}
	}
	d, err := New(Config{Portal: p, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	return d
}
