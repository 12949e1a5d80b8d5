package rollout

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/release"
)

// Handler answers kiosks on the connection of their certificate; admit says which
// kiosk that is, or that it is not let in.
func (o *Rollout) Handler(admit func(*x509.Certificate) (kiosk string, err error)) http.Handler {
	m := http.NewServeMux()
	kiosks := func(h func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
				http.Error(w, "a client certificate is needed", http.StatusForbidden)
				return
			}
			kiosk, err := admit(r.TLS.PeerCertificates[0])
			if err != nil {
				o.c.Log.Warn("rollout: a kiosk is turned away", "err", err)
				http.Error(w, "this certificate is not accepted", http.StatusForbidden)
				return
			}
			h(w, r, kiosk)
		}
	}
	m.HandleFunc("POST "+release.CheckPath, kiosks(o.check))
	m.HandleFunc("GET "+release.BundlePath+"{sha256}", kiosks(o.bundle))
	m.HandleFunc("GET "+release.IndexPath+"{sha256}", kiosks(o.handIndex))
	return m
}

// check takes a report and answers with what there is for that kiosk.
func (o *Rollout) check(w http.ResponseWriter, r *http.Request, kiosk string) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, release.MaxReport))
	var rep release.Report
	if err == nil {
		rep, err = release.ParseReport(raw)
	}
	if err != nil {
		o.c.Log.Info("rollout: a report cannot be read", "kiosk", kiosk, "err", err)
		http.Error(w, "the report cannot be read", http.StatusBadRequest)
		return
	}
	s, err := o.reported(r.Context(), kiosk, raw, rep)
	var all []ledger.Release
	if err == nil {
		all, err = o.c.Ledger.Releases(r.Context())
	}
	if err != nil {
		o.fail(w, kiosk, err)
		return
	}
	c := Choose(all, s.Ring(), rep)
	if c == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/cbor")
	_, _ = w.Write(c.Signed) // who asked has gone
}

// wanted returns the release whose bundle is asked for, if it was let out to the kiosk's
// ring; the ring is the one of its last report. It answers where it was not.
func (o *Rollout) wanted(w http.ResponseWriter, r *http.Request, kiosk string) (ledger.Release, bool) {
	sum, err := hex.DecodeString(r.PathValue("sha256"))
	if err != nil || len(sum) != 32 {
		http.NotFound(w, r)
		return ledger.Release{}, false
	}
	fleet, err := o.c.Ledger.Software(r.Context())
	if err != nil {
		o.fail(w, kiosk, err)
		return ledger.Release{}, false
	}
	all, err := o.c.Ledger.Releases(r.Context())
	if err != nil {
		o.fail(w, kiosk, err)
		return ledger.Release{}, false
	}
	at := slices.IndexFunc(fleet, func(s ledger.Software) bool { return s.Kiosk == kiosk })
	i := slices.IndexFunc(all, func(c ledger.Release) bool {
		return c.SHA256 == [32]byte(sum) && c.Paused == "" && c.Ring != 0 && at >= 0 && fleet[at].Ring() <= c.Ring
	})
	if i < 0 {
		http.NotFound(w, r)
		return ledger.Release{}, false
	}
	return all[i], true
}

// bundle hands out a bundle, or a part of it.
func (o *Rollout) bundle(w http.ResponseWriter, r *http.Request, kiosk string) {
	c, ok := o.wanted(w, r, kiosk)
	if !ok {
		return
	}
	f, err := os.Open(BundleFile(o.c.Folder, c.SHA256))
	if errors.Is(err, fs.ErrNotExist) {
		o.c.Log.Error("rollout: a bundle is missing", "build", c.Build, "err", err)
		http.NotFound(w, r)
		return
	}
	if err != nil {
		o.fail(w, kiosk, err)
		return
	}
	defer func() { _ = f.Close() }() // it was read only
	w.Header().Set("Content-Type", "application/vnd.rauc.bundle")
	w.Header().Set("ETag", `"`+r.PathValue("sha256")+`"`)
	http.ServeContent(w, r, "", c.At, f)
}

// handIndex hands out the index of a bundle. Where there is none the kiosk is told so, and
// fetches the whole; where the portal has trouble it comes again first.
func (o *Rollout) handIndex(w http.ResponseWriter, r *http.Request, kiosk string) {
	c, ok := o.wanted(w, r, kiosk)
	if !ok {
		return
	}
	b, err := o.index(&release.Content{SHA256: c.SHA256, Size: c.Size})
	if err != nil {
		o.c.Log.Error("rollout: a bundle has no index", "build", c.Build, "err", err)
		if errors.Is(err, fs.ErrNotExist) {
			http.NotFound(w, r)
			return
		}
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/cbor")
	_, _ = w.Write(b) // who asked has gone
}

func (o *Rollout) fail(w http.ResponseWriter, kiosk string, err error) {
	o.c.Log.Error("rollout", "kiosk", kiosk, "err", err)
	http.Error(w, "the ledger does not answer", http.StatusServiceUnavailable)
}
