package desk

import (
	"context"
	"fmt"
	"net/http"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
)

// paperCopy makes the certified A4 copy of the answer to q. Its labels are those
// of the service as it was when the answer was made, where that is known.
func (d *Desk) paperCopy(ctx context.Context, q ledger.Request) ([]byte, error) {
	if d.bundle == nil {
		return nil, fmt.Errorf("desk: make a certified copy: whom to believe is not known")
	}
	s, _ := d.portal.ServiceOf(ctx, q) // without it the facts have their names
	return portal.Copy(q, s, d.bundle(), d.portal.RevokedSeals(), d.now())
}

// copyFile gives the certified copy as a file to print.
func (d *Desk) copyFile(w http.ResponseWriter, r *http.Request, o Officer) {
	q, err := d.load(r.Context(), o, r.PathValue("doc"))
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	b, err := d.paperCopy(r.Context(), q)
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	sendPDF(w, q.Code, b)
}

func (d *Desk) apiCopy(w http.ResponseWriter, r *http.Request, o Officer) {
	q, err := d.load(r.Context(), o, r.PathValue("doc"))
	if err != nil {
		d.apiFail(w, r, err)
		return
	}
	b, err := d.paperCopy(r.Context(), q)
	if err != nil {
		d.apiFail(w, r, err)
		return
	}
	sendPDF(w, q.Code, b)
}

// sendPDF sends b as a download. The name holds the code, not a name.
func sendPDF(w http.ResponseWriter, name string, b []byte) {
	w.Header().Set("Content-Type", "application/pdf")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.pdf"`)
	w.Header().Set("Content-Length", fmt.Sprint(len(b)))
	_, _ = w.Write(b) // nobody is left to tell when the officer's browser went away
}
