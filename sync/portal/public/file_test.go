package public

import (
	"bytes"
	"encoding/pem"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal/page/pagetest"
)

// give sends a file and wants a page of that status.
func (h *hall) give(data []byte, status int) string {
	h.t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	f, err := m.CreateFormFile("file", "NUSGAÝEWA AÝNA.asice")
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := f.Write(data); err != nil {
		h.t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		h.t.Fatal(err)
	}
	return h.post(m.FormDataContentType(), &body, status)
}

func (h *hall) post(kind string, body io.Reader, status int) string {
	h.t.Helper()
	r := httptest.NewRequest("POST", "/check/file", body)
	r.RemoteAddr = h.from
	r.Header.Set("Accept-Language", "en")
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	h.pages.ServeHTTP(w, r)
	if w.Code != status {
		h.t.Fatalf("POST /check/file = %d, want %d\n%s", w.Code, status, w.Body)
	}
	for _, f := range pagetest.Faults(w.Body.Bytes(), "en") {
		h.t.Errorf("POST /check/file: %s", f)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		h.t.Error("the answer about a file may be kept by caches")
	}
	return w.Body.String()
}

func TestFile(t *testing.T) {
	h := openHall(t)
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	var log bytes.Buffer
	h.pages.log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))

	c, _ := h.Receive(t, "citizen-1", h.Document(t, "citizen-1", "residence-certificate", map[string]string{"street": "Magtymguly"}))
	p := h.give(c.Bytes(), 200)
	says(t, "a good document", p, "The document is in order", "verdict--yes", "The document is whole", "The signature is valid", "The certificate is not cancelled",
		"The time is confirmed", "Certificate of residence", "Magtymguly", "a citizen", "confirmed: no later than", "has this document in its registry", `href="/trust"`)
	saysNot(t, "a good document", p, "NUSGAÝEWA AÝNA.asice")

	changed := bytes.Replace(c.Bytes(), []byte("Magtymguly"), []byte("Magtymgulo"), 1)
	p = h.give(changed, 200)
	says(t, "a changed document", p, "Do not rely on this document", "verdict--no")
	saysNot(t, "a changed document", p, "Magtymgulo", "Certificate of residence")
	for name, b := range map[string][]byte{"half a file": c.Bytes()[:900], "a text": []byte("a letter"), "zeros": make([]byte, 5000)} {
		says(t, name, h.give(b, 200), "cannot be read as an e-document", "verdict--no")
	}

	// Without a time stamp it is in order, but not for good.
	bare, err := edoc.Sign(h.Document(t, "citizen-2", "complaint", nil), h.Cards[1].Slots[specimen.SlotSign].Signer(), noon)
	if err != nil {
		t.Fatal(err)
	}
	says(t, "a document without a time stamp", h.give(bare.Bytes(), 200), "verdict--yes", "This is provisional", "stamp.none")
	saysNot(t, "a document with one", h.give(c.Bytes(), 200), "This is provisional")

	other := openHall(t) // another portal's world: nobody here knows its centres
	foreign, _ := other.Receive(t, "citizen-1", other.Document(t, "citizen-1", "complaint", nil))
	says(t, "a foreign document", h.give(foreign.Bytes(), 200), "verdict--no", "No centre of the state list", "does not have this document", "does not make it false")

	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("files were left: %v, %v", left, err)
	}
	if log.Len() > 0 {
		t.Errorf("the log says %s", &log)
	}
}

// TestFileOther takes what else may lie in a file: a seal, an answer.
func TestFileOther(t *testing.T) {
	h := openHall(t)
	s := h.certified("citizen-1")
	says(t, "a seal in a file", h.give([]byte(s.URL("https://portal.specimen")+"\n"), 200), "The seal is genuine")
	list, err := h.Ledger().ByDoc(t.Context(), registered(t, h))
	if err != nil || len(list) != 1 || list[0].Answer == nil {
		t.Fatalf("ByDoc = %+v, %v", list, err)
	}
	k := envelope.Packet{Container: list[0].Answer.Container, Seal: s.Bytes()}
	b, err := k.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"an answer": list[0].Answer.Container, "a packet": b} {
		says(t, name, h.give(b, 200), "The document is in order", "Answer of an agency", "fact of citizen-1", "Civil registry", "has this document in its registry")
	}
}

// registered returns the identity of the only registered document.
func registered(t *testing.T, h *hall) []byte {
	t.Helper()
	ds, err := h.Ledger().DocsAfter(t.Context(), 0, 2)
	if err != nil || len(ds) != 1 {
		t.Fatalf("DocsAfter = %v, %v", ds, err)
	}
	return ds[0].Doc[:]
}

func TestFileWrong(t *testing.T) {
	h := openHall(t)
	says(t, "no file", h.give(nil, 422), "Choose a file first", "Error: ")
	says(t, "a form without a file", h.post("multipart/form-data; boundary=x", strings.NewReader("--x--\r\n"), 422), "Choose a file first")
	says(t, "half a form", h.post("multipart/form-data; boundary=x", strings.NewReader("--x\r\nContent-Disp"), 400), "Choose a file first")
	says(t, "another form", h.post("application/x-www-form-urlencoded", strings.NewReader("file=x"), 400), "Choose a file first")
	says(t, "a large file", h.give(make([]byte, fileMax+1), 413), "larger than 16 MB")
	for range filesAtOnce {
		h.pages.hands <- struct{}{}
	}
	says(t, "one file too many at once", h.give([]byte("x"), 503), "Many files are being checked")
	for range filesAtOnce {
		<-h.pages.hands
	}
	h.from = "192.0.2.9:1000"
	for range 20 {
		h.give([]byte("x"), 200)
	}
	says(t, "the 21st file", h.give([]byte("x"), 429), "Too many tries")
}

// TestTrackingCodeAtCheck: who types a tracking code where a check number is
// asked for gets the standing of his request.
func TestTrackingCodeAtCheck(t *testing.T) {
	h := openHall(t)
	doc := h.Register(t, "citizen-1", h.Document(t, "citizen-1", "complaint", nil), noon.Add(5*24*time.Hour))
	says(t, "a tracking code typed as a check number", h.send("POST", "/check", url.Values{"number": {edoc.ID(doc).Code()}}, 200), "Registered with the agency")
}

func TestTrust(t *testing.T) {
	h := openHall(t)
	h.pages.roots = h.Roots()
	p := h.send("GET", "/trust", nil, 200)
	says(t, "the page of whom we trust", p, "Whom we trust", "Certification centres", "Accreditation", "works", "/trust/centres.pem", "Compare the roots first")
	for _, c := range h.Trust().Centres {
		says(t, "the page of whom we trust", p, trust.Name(c.Cert).Reveal(), print(c.Cert))
	}
	count := func(file, kind string) int {
		t.Helper()
		r := httptest.NewRequest("GET", "/trust/"+file, nil)
		w := httptest.NewRecorder()
		h.pages.ServeHTTP(w, r)
		n, rest := 0, w.Body.Bytes()
		for b, more := pem.Decode(rest); b != nil; b, more = pem.Decode(rest) {
			if b.Type != kind {
				t.Errorf("%s has a %s", file, b.Type)
			}
			n, rest = n+1, more
		}
		return n
	}
	if n, want := count("centres.pem", "CERTIFICATE"), 1+len(h.Trust().Centres); n != want {
		t.Errorf("centres.pem has %d certificates, want %d", n, want)
	}
	if n := count("roots.pem", "CERTIFICATE"); n != 1 {
		t.Errorf("roots.pem has %d certificates, want 1", n)
	}
	if n := count("crls.pem", "X509 CRL"); n != len(h.Trust().CRLs) {
		t.Errorf("crls.pem has %d lists, want %d", n, len(h.Trust().CRLs))
	}
	fetch := func(file string) (int, []byte) {
		w := httptest.NewRecorder()
		h.pages.ServeHTTP(w, httptest.NewRequest("GET", "/trust/"+file, nil))
		return w.Code, w.Body.Bytes()
	}
	_, signed := fetch("catalogue.cbor")
	if _, _, err := trust.OpenObject(trust.KindCatalogue, signed, h.Trust()); err != nil {
		t.Errorf("catalogue.cbor: %v", err)
	}
	if code, _ := fetch("revoked-seals.signed"); code != 404 {
		t.Errorf("a list of revoked seals, before there is one = %d, want 404", code)
	}
	saysNot(t, "the page of whom we trust", p, "revoked-seals.signed")
	s := h.certified("citizen-1")
	found, err := h.Ledger().ByAnswer(t.Context(), s.Doc)
	if err != nil || len(found) != 1 {
		t.Fatalf("ByAnswer = %d requests, %v, want 1", len(found), err)
	}
	if err := h.RevokeSeal(t.Context(), "civil-registry", found[0].Doc, ledger.RevokedMistake, "Nusgaýew Myrat"); err != nil {
		t.Fatal(err)
	}
	says(t, "the page of whom we trust", h.send("GET", "/trust", nil, 200), "/trust/revoked-seals.signed")
	_, signed = fetch("revoked-seals.signed")
	if l, err := trust.ParseRevokedSeals(signed, h.Trust(), 0); err != nil || !l.Has(s.ID()) {
		t.Errorf("revoked-seals.signed: %v", err)
	}

	r := httptest.NewRequest("GET", "/trust/trust.cbor", nil)
	w := httptest.NewRecorder()
	h.pages.ServeHTTP(w, r)
	if b, err := trust.ParseBundle(w.Body.Bytes(), h.Roots(), 0); err != nil || b.Version != h.Trust().Version {
		t.Errorf("trust.cbor = %+v, %v, want the bundle in force", b, err)
	}
	h.send("GET", "/trust/keys.pem", nil, 404)
	h.pages.bundle = func() *trust.Bundle { return nil }
	h.send("GET", "/trust", nil, 404)
}
