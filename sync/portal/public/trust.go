package public

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"strconv"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal/page"
)

// centreView is one centre of the state list (ED-39.6).
type centreView struct {
	Name  string
	Good  bool
	Facts []fact
}

type trustView struct {
	page.Base
	Version string
	Issued  string
	Revoked bool // there is a list of revoked seals
	Centres []centreView
	Roots   []fact // name and digest
}

// trust shows whom the bundle in force trusts, and hands out what somebody needs
// to check a document without this portal.
func (p *Pages) trust(w http.ResponseWriter, r *http.Request) {
	b := p.bundle()
	if b == nil {
		p.missing(w, r)
		return
	}
	v := trustView{Base: p.base(w, r, "/trust"), Version: strconv.FormatUint(b.Version, 10)}
	v.Issued, v.Revoked = v.Moment(b.Issued), p.portal.RevokedSeals() != nil
	words := page.Writer{Base: v.Base}
	for _, c := range b.Centres {
		v.Centres = append(v.Centres, centreIn(&words, c))
	}
	for _, root := range p.roots {
		v.Roots = append(v.Roots, fact{trust.Name(root).Reveal(), print(root)})
	}
	if words.Err != nil {
		p.fail(w, r, words.Err)
		return
	}
	p.send(w, http.StatusOK, "trust", v)
}

func centreIn(w *page.Writer, c trust.Centre) centreView {
	v := centreView{Name: trust.Name(c.Cert).Reveal(), Good: c.State == trust.Working} // a centre's name is public
	add := func(key, value string) {
		if value != "" {
			v.Facts = append(v.Facts, fact{w.T(key), value})
		}
	}
	state := w.T("trust.working")
	if !v.Good {
		state = w.T("trust."+c.State, w.Base.Date(c.Since))
	}
	add("trust.state", state)
	if c.Accreditation.No != "" {
		add("trust.no", c.Accreditation.No+", "+w.Base.Date(c.Accreditation.Date))
	}
	add("trust.address", c.Accreditation.Address)
	add("trust.for", w.T("trust."+c.Kind))
	add("trust.until", w.Base.Date(c.Cert.NotAfter))
	add("trust.print", print(c.Cert))
	return v
}

func print(c *x509.Certificate) string {
	d := sha256.Sum256(c.Raw)
	return hexGroups(d[:])
}

// trustFile hands out the bundle as it was signed, and its parts as openssl
// reads them.
func (p *Pages) trustFile(w http.ResponseWriter, r *http.Request) {
	b := p.bundle()
	name := r.PathValue("file")
	var out bytes.Buffer
	certs := func(list []*x509.Certificate) error {
		for _, c := range list {
			if err := pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}); err != nil {
				return err
			}
		}
		return nil
	}
	var err error
	kind := "application/x-pem-file"
	switch {
	case b == nil:
	case name == "trust.cbor":
		kind = "application/cbor"
		var signed []byte
		if _, signed, err = p.portal.Ledger().Broadcasted(r.Context(), ledger.ItemTrust); err == nil {
			out.Write(signed)
		}
	case name == "catalogue.cbor" || name == "revoked-seals.signed":
		kind = "application/cbor"
		item := ledger.ItemCatalogue
		if name == "revoked-seals.signed" {
			item = ledger.ItemRevoked
		}
		var signed []byte
		if _, signed, err = p.portal.Ledger().Broadcasted(r.Context(), item); err == nil {
			out.Write(signed)
		}
	case name == "roots.pem":
		err = certs(p.roots)
	case name == "centres.pem":
		if err = certs(p.roots); err == nil {
			for _, c := range b.Centres {
				if err = certs([]*x509.Certificate{c.Cert}); err != nil {
					break
				}
			}
		}
	case name == "crls.pem":
		for _, l := range b.CRLs {
			if err = pem.Encode(&out, &pem.Block{Type: "X509 CRL", Bytes: l}); err != nil {
				break
			}
		}
	}
	switch {
	case errors.Is(err, ledger.ErrNotFound): // there is none yet
		p.missing(w, r)
	case err != nil:
		p.fail(w, r, err)
	case out.Len() == 0:
		p.missing(w, r)
	default:
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
		_, _ = w.Write(out.Bytes()) // nobody is left to tell when the reader went away
	}
}
