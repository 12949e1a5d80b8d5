package public

import (
	"context"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"html"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/portal/page/pagetest"
	"github.com/penjire/penjire/sync/portal/portaltest"
)

// hall is the public pages over a ledger in a file.
type hall struct {
	*portaltest.World
	t     *testing.T
	pages *Pages
	from  string // address of the reader
}

func openHall(t *testing.T) *hall {
	t.Helper()
	h := &hall{World: portaltest.Open(t, noon), t: t, from: "192.0.2.1:1000"}
	var err error
	h.pages, err = New(Config{
		Portal: h, Bundle: func() *trust.Bundle { return h.Trust() }, Now: func() time.Time { return h.Now },
		Floor: time.Nanosecond, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// send wants a page of that status, without faults, and returns it.
func (h *hall) send(method, path string, form url.Values, status int) string {
	h.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.RemoteAddr = h.from
	r.Header.Set("Accept-Language", "en")
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	h.pages.ServeHTTP(w, r)
	if w.Code != status {
		h.t.Fatalf("%s %s = %d, want %d\n%s", method, path, w.Code, status, w.Body)
	}
	for _, f := range pagetest.Faults(w.Body.Bytes(), "en") {
		h.t.Errorf("%s %s: %s", method, path, f)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		h.t.Errorf("%s %s may be kept by caches", method, path)
	}
	return w.Body.String()
}

func (h *hall) status(code string, status int) string {
	h.t.Helper()
	return h.send("POST", "/status", url.Values{"code": {code}}, status)
}

func says(t *testing.T, where, body string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(body, w) {
			t.Errorf("%s does not say %q", where, w)
		}
	}
}

func saysNot(t *testing.T, where, body string, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(body, w) {
			t.Errorf("%s says %q", where, w)
		}
	}
}

func TestFront(t *testing.T) {
	h := openHall(t)
	front := h.send("GET", "/", nil, 200)
	for _, s := range h.Catalogue().Services {
		says(t, "the front page", front, s.Title.EN, "/service/"+s.ID)
		says(t, "the page of "+s.ID, h.send("GET", "/service/"+s.ID, nil, 200), html.EscapeString(s.Regulation.Title.EN), s.Regulation.Number)
	}
	h.send("GET", "/service/none", nil, 404)
	h.send("GET", "/no/such/page", nil, 404)
	h.send("GET", "/status", nil, 200)
	h.send("GET", "/check", nil, 200)
}

func TestStatus(t *testing.T) {
	h := openHall(t)
	due := noon.Add(5 * 24 * time.Hour)
	doc := h.Register(t, "citizen-1", h.Document(t, "citizen-1", "residence-certificate", map[string]string{"street": "Magtymguly"}), due)
	code := edoc.ID(doc).Code()
	for _, typed := range []string{code, edoc.FormatCode(code), strings.ToLower(code), " " + code[:5] + " " + code[5:] + " "} {
		p := h.status(typed, 200)
		says(t, "the status", p, "Certificate of residence", "Registered with the agency", "The agency answers by", "27 November 2026", edoc.FormatCode(code))
		// Neither who asked nor what was asked is anyone's who has the code.
		saysNot(t, "the status", p, "Nusga", "Magtymguly", h.Device.ID)
	}
	// The language buttons post the code again: it is in no address.
	p := h.status(code, 200)
	says(t, "the status", p, `<form method="post" action="/status"><input type="hidden" name="code" value="`+code+`">`)
	saysNot(t, "the status", p, "?code=", "/"+code)

	h.Now = noon.Add(6 * 24 * time.Hour)
	says(t, "the status after its term", h.status(code, 200), "should have answered", "You may complain")
	h.Now = noon.Add(time.Hour)
	if _, err := h.Answer(t.Context(), "civil-registry", doc, portal.AnswerDraft{Decision: ledger.Returned, Text: citizen.NewText("Salgyny anyklaň"), By: "Nusgaýew Myrat"}); err != nil {
		t.Fatal(err)
	}
	p = h.status(code, 200)
	says(t, "the status of a returned request", p, "Returned for correction", "what to correct")
	saysNot(t, "the status of a returned request", p, "Salgyny", "Myrat")

	c, _ := h.Receive(t, "citizen-2", h.Document(t, "citizen-2", "complaint", map[string]string{"text": "Uzak"}))
	says(t, "the status of what is only received", h.status(c.Code(), 200), "The signature is being verified")

	// Without a card the code is known as soon as the document is open, and what
	// the document's hash gives is nobody's code.
	c, _ = h.Receive(t, "", h.Document(t, "", "complaint", nil))
	says(t, "the code of what nobody has opened", h.status(c.Code(), 404), "It may be on its way")
	open := h.Document(t, "", "complaint", nil)
	id := edoc.ID(h.Register(t, "", open, due))
	says(t, "the status without a card", h.status(open.Code(id), 200), "Registered with the agency")
	h.status(id.Code(), 404)
}

func TestStatusWrong(t *testing.T) {
	h := openHall(t)
	other := edoc.ID{1}.Code()
	says(t, "an unknown code", h.status(other, 404), "has no request with this code", "It may be on its way", "Error: ")
	for _, bad := range []string{"", "abc", strings.Repeat("A", 500), other[:9] + "*", strings.Repeat("0", 9) + "1"} {
		says(t, "what is no code", h.status(bad, 422), "not the code of a request")
	}
	typo := []byte(other)
	typo[0]++
	says(t, "a code with a typing error", h.status(string(typo), 422), "not the code of a request")
}

func TestStatusLimit(t *testing.T) {
	h := openHall(t)
	code := edoc.ID{1}.Code()
	for range 20 {
		h.status(code, 404)
	}
	says(t, "the 21st code", h.status(code, 429), "Too many tries")
	h.from = "192.0.2.2:1000"
	h.status(code, 404)
}

// failing is a ledger whose ByCode fails.
type failing struct{ ledger.Ledger }

func (failing) ByCode(context.Context, string) ([]ledger.Request, error) {
	return nil, errors.New("the disk is gone")
}

// empty is a ledger in which there is nothing.
type empty struct{ ledger.Ledger }

func (empty) ByCode(context.Context, string) ([]ledger.Request, error) { return nil, nil }

// TestStatusFloor: the time of an answer does not tell whether a code exists.
func TestStatusFloor(t *testing.T) {
	for name, l := range map[string]ledger.Ledger{"nothing": empty{}, "a failure": failing{}} {
		synctest.Test(t, func(t *testing.T) {
			p, err := New(Config{
				Portal: &fakePortal{l, testCatalogue(t)}, Bundle: func() *trust.Bundle { return nil }, Floor: time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest("POST", "/status", strings.NewReader("code="+edoc.ID{1}.Code()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			start := time.Now()
			w := httptest.NewRecorder()
			p.ServeHTTP(w, r)
			if d := time.Since(start); d != time.Second {
				t.Errorf("the answer to %s took %v, want 1s", name, d)
			}
			if name == "a failure" && (w.Code != 500 || strings.Contains(w.Body.String(), "disk")) {
				t.Errorf("a failure = %d, want 500 without the cause", w.Code)
			}
		})
	}
}

func (h *hall) copySeal(by string) (seal.Seal, specimen.Identity) {
	return seal.Seal{
		Kind: seal.Copy, Issuer: by, Service: "residence-certificate", Doc: make([]byte, 32), Date: noon.Add(-time.Hour).UTC(),
		Subject: "Aýna N.", Facts: [][2]string{{"number", "YH-417"}, {"address", "Aşgabat, Magtymguly şaýoly 12"}, {"new-fact", "bar"}},
	}, h.Agencies[by]
}

func (h *hall) sealed(s seal.Seal, by specimen.Identity) *seal.Sealed {
	h.t.Helper()
	x, err := seal.Make(s, by.Key, by.Cert)
	if err != nil {
		h.t.Fatal(err)
	}
	return x
}

// path returns where the printed code leads on this server.
func path(x *seal.Sealed) string {
	return strings.TrimPrefix(x.URL("https://portal.specimen"), "HTTPS://PORTAL.SPECIMEN")
}

func TestSealGenuine(t *testing.T) {
	h := openHall(t)
	s, by := h.copySeal("civil-registry")
	x := h.sealed(s, by)
	at := path(x)
	for _, p := range []string{at, strings.ToLower(at), "/v" + at[2:]} {
		page := h.send("GET", p, nil, 200)
		says(t, "a genuine seal", page, "The seal is genuine", "verdict--yes", "Certificate of residence", "Place of residence",
			"Aşgabat, Magtymguly şaýoly 12", "new-fact", "Aýna N.", "Civil registry", "22 November 2026", "Cancelled certificates and seals", edoc.FormatCode(x.CheckNumber()))
	}
	says(t, "a pasted seal", h.send("POST", "/check", url.Values{"seal": {"  " + x.URL("https://portal.specimen") + "\n"}}, 200), "The seal is genuine")
	h.send("POST", "/check", url.Values{"seal": {" "}}, 422)
}

// certified registers a request and answers it with a certified copy.
func (h *hall) certified(card string) *seal.Sealed {
	h.t.Helper()
	service, _ := h.Catalogue().Service("residence-certificate")
	doc := h.Register(h.t, card, h.Document(h.t, card, service.ID, nil), noon.Add(5*24*time.Hour))
	d := portal.AnswerDraft{Decision: ledger.Answered, By: "Nusgaýew Myrat"}
	for _, f := range service.Result.Facts {
		d.Facts = append(d.Facts, portal.Fact{Name: f.Name, Value: citizen.NewText("fact of " + card)})
	}
	if _, err := h.Answer(h.t.Context(), service.Agency, doc, d); err != nil {
		h.t.Fatal(err)
	}
	q, err := h.Ledger().Get(h.t.Context(), doc)
	if err != nil {
		h.t.Fatal(err)
	}
	s, err := seal.Parse(q.Answer.Seal)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (h *hall) number(typed string, status int) string {
	h.t.Helper()
	return h.send("POST", "/check", url.Values{"number": {typed}, "seal": {""}}, status)
}

// TestCheckNumber types what the paper says beside the code that no camera reads.
func TestCheckNumber(t *testing.T) {
	h := openHall(t)
	s, other := h.certified("citizen-1"), h.certified("citizen-2")
	number := s.CheckNumber()
	letters := strings.NewReplacer("0", "o", "1", "l")
	for _, typed := range []string{
		number, edoc.FormatCode(number), strings.ToLower(number), letters.Replace(number), " " + number[:5] + " - " + number[5:] + "\t",
	} {
		p := h.number(typed, 200)
		says(t, "the copy's number", p, "The seal is genuine", "verdict--yes", "fact of citizen-1", "Civil registry", edoc.FormatCode(number))
		saysNot(t, "the copy's number", p, "citizen-2", "?number=", "/"+number)
	}
	// The language buttons post it again, and the other field takes it too.
	says(t, "the copy's number", h.number(number, 200), `<input type="hidden" name="number" value="`+number+`">`)
	says(t, "the number in the seal's field", h.send("POST", "/check", url.Values{"seal": {edoc.FormatCode(number)}}, 200), "fact of citizen-1")
	says(t, "the other copy's number", h.number(other.CheckNumber(), 200), "fact of citizen-2")

	// It is checked now, not when it was made.
	id := s.ID()
	b := *h.Trust()
	b.RevokedSeals = append(b.RevokedSeals, id[:])
	h.pages.bundle = func() *trust.Bundle { return &b }
	p := h.number(number, 200)
	says(t, "the number of a revoked copy", p, "verdict--no", "The agency that issued this copy has cancelled it")
	saysNot(t, "the number of a revoked copy", p, "fact of citizen-1")

	for _, p := range []string{"/v", "/v/", "/V", "/V/"} { // the address that the paper says to type
		r := httptest.NewRequest("GET", p, nil)
		w := httptest.NewRecorder()
		h.pages.ServeHTTP(w, r)
		if w.Code != 303 || w.Header().Get("Location") != "/check" {
			t.Errorf("GET %s = %d to %q, want 303 to /check", p, w.Code, w.Header().Get("Location"))
		}
	}
}

func TestCheckNumberWrong(t *testing.T) {
	h := openHall(t)
	s := h.certified("citizen-1")
	says(t, "an unknown number", h.number(edoc.ID{1}.Code(), 404), "has no copy with this check number", "Do not rely on this paper", "Error: ")
	typo := []byte(s.CheckNumber())
	if typo[4]++; typo[4] == 'I' || typo[4] == 'L' || typo[4] == 'O' || typo[4] == 'U' {
		typo[4]++
	}
	for _, bad := range []string{"", " ", "abc", string(typo), s.CheckNumber() + "A", strings.Repeat("A", 500)} {
		says(t, "what is no number", h.number(bad, 422), "not a check number")
	}
	h.pages.portal = &fakePortal{doubled{}, h.Catalogue()}
	says(t, "a number of two copies", h.number(s.CheckNumber(), 409), "More than one copy")
}

func TestCheckNumberLimit(t *testing.T) {
	h := openHall(t)
	for range 20 {
		h.number(edoc.ID{1}.Code(), 404)
	}
	says(t, "the 21st number", h.number(edoc.ID{1}.Code(), 429), "Too many tries")
	h.status(edoc.ID{1}.Code(), 404) // has an allowance of its own
	h.from = "192.0.2.2:1000"
	h.number(edoc.ID{1}.Code(), 404)
}

// doubled is a ledger in which two copies share each number.
type doubled struct{ ledger.Ledger }

func (doubled) ByCheckNumber(context.Context, string) ([]string, error) {
	return []string{"HTTPS://X/V/A", "HTTPS://X/V/B"}, nil
}

func TestSealForged(t *testing.T) {
	h := openHall(t)
	s, by := h.copySeal("civil-registry")
	raw := h.sealed(s, by).Bytes()
	i := strings.Index(string(raw), "YH-417")
	raw[i+3] = '9' // another number on the same signature
	forged := "/v/" + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)
	page := h.send("GET", forged, nil, 200)
	says(t, "a forged seal", page, "Do not rely on this paper", "verdict--no", "changed or is a forgery", "seal.broken")
	saysNot(t, "a forged seal", page, "YH-917", "Magtymguly", "The seal is genuine")

	// An agency that signs in another's name.
	other := s
	page = h.send("GET", path(h.sealed(other, h.Agencies["ombudsman"])), nil, 200)
	says(t, "a seal in another's name", page, "verdict--no", "seal.not_issuer")

	// A signer that nobody knows.
	stranger, err := specimen.New(noon)
	if err != nil {
		t.Fatal(err)
	}
	page = h.send("GET", path(h.sealed(s, stranger.Agencies["civil-registry"])), nil, 200)
	says(t, "a stranger's seal", page, "verdict--no", "seal.unknown_signer")
	saysNot(t, "a stranger's seal", page, "Magtymguly")
}

func TestSealRevoked(t *testing.T) {
	h := openHall(t)
	s, by := h.copySeal("civil-registry")
	x := h.sealed(s, by)
	id := x.ID()
	b := *h.Trust()
	b.RevokedSeals = append(b.RevokedSeals, id[:])
	h.pages.bundle = func() *trust.Bundle { return &b }
	says(t, "a revoked seal", h.send("GET", path(x), nil, 200), "verdict--no", "The agency that issued this copy has cancelled it")
	h.pages.bundle = h.Trust

	s.Expires = noon.Add(-time.Minute).UTC()
	says(t, "an expired seal", h.send("GET", path(h.sealed(s, by)), nil, 200), "verdict--no", "seal.expired")

	if err := h.Revoke(by.Cert, noon.Add(-2*time.Hour), false); err != nil {
		t.Fatal(err)
	}
	says(t, "a seal of a cancelled certificate", h.send("GET", path(x), nil, 200), "verdict--no", "cert.revoked")
}

func TestSealUnreadable(t *testing.T) {
	h := openHall(t)
	for _, p := range []string{"/v/AAAA", "/v/not-base32!", "/v/%00", "/v/" + strings.Repeat("A", 6000)} {
		page := h.send("GET", p, nil, 200)
		says(t, "what is no seal", page, "It cannot be told", "verdict--unknown", "seal.unreadable")
	}
}

func TestSealReceipt(t *testing.T) {
	h := openHall(t)
	c, _ := h.Receive(t, "citizen-1", h.Document(t, "citizen-1", "residence-certificate", nil))
	id := c.ID()
	s := seal.Seal{
		Kind: seal.Receipt, Issuer: h.Device.ID, Service: "residence-certificate", Doc: id[:], Date: noon.Add(-time.Hour).UTC(),
		Index: 4, Size: 5, Root: []byte{0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4},
	}
	page := h.send("GET", path(h.sealed(s, h.Device.Signing)), nil, 200)
	says(t, "a receipt", page, "The seal is genuine", "Receipt of a kiosk", h.Device.ID, "dead beef 0102 0304",
		"The portal has received the request")
	s.Doc = make([]byte, 32)
	page = h.send("GET", path(h.sealed(s, h.Device.Signing)), nil, 200)
	says(t, "a receipt of what has not come", page, "The seal is genuine", "does not have the request now", "evidence that the kiosk has accepted")
}

// TestSealReceiptJournal compares receipts with the heads that the portal kept:
// it says what is proven, and of nothing else that it is.
func TestSealReceiptJournal(t *testing.T) {
	h := openHall(t)
	ctx := t.Context()
	s := seal.Seal{
		Kind: seal.Receipt, Issuer: h.Device.ID, Service: "complaint", Doc: make([]byte, 32), Date: noon.Add(-time.Hour).UTC(),
		Index: 4, Size: 5, Root: []byte{0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4},
	}
	epoch := ledger.Epoch{7, 7, 7, 7, 1}
	look := func(what string, want ...string) {
		t.Helper()
		page := h.send("GET", path(h.sealed(s, h.Device.Signing)), nil, 200)
		says(t, what, page, append(want, "The seal is genuine")...)
		for _, never := range []string{"PROVEN", "is the one of this receipt"} {
			if strings.Contains(page, never) && !slices.ContainsFunc(want, func(w string) bool { return strings.Contains(w, never) }) {
				t.Errorf("%s says %q", what, never)
			}
		}
	}
	proved := ledger.Head{}
	keep := func(size int64, root byte) {
		t.Helper()
		c := journal.Checkpoint{Origin: h.Device.ID + "/" + hex.EncodeToString(epoch[:]), Size: size, Root: [32]byte{0xde, 0xad, 0xbe, 0xef, 1, 2, 3, root}}
		head, err := c.Sign(h.Device.ID, h.Device.Signing.Signer(), noon, false)
		if err != nil {
			t.Fatal(err)
		}
		next := ledger.Head{Size: size, Root: c.Root, Note: head.Marshal(), At: noon}
		if err := h.Ledger().SetHead(ctx, h.Device.ID, epoch, proved, next); err != nil {
			t.Fatal(err)
		}
		proved = next
	}
	look("a receipt without an epoch")
	s.Epoch = epoch[:4]
	look("a receipt of a journal nobody has seen", "has not yet seen", "accepted the request")
	keep(4, 9)
	look("a receipt of an entry that the head does not cover", "has not yet seen", "accepted the request")
	keep(6, 9)
	look("a receipt below a later head", "later state", "cannot be told from the receipt alone")
	s.Index, s.Size, s.Root[7] = 5, 6, 9
	look("a receipt of the head's size and root", "is the one of this receipt")
	s.Root[7] = 8
	look("a receipt of the head's size with another root", "PROVEN", "Keep this receipt")
	s.Epoch = []byte{7, 7, 7, 8}
	look("a receipt of another epoch", "has not yet seen")

	// Of two epochs that begin alike nobody can say which one is meant.
	s.Epoch = epoch[:4]
	epoch[15]++
	proved = ledger.Head{}
	keep(6, 9)
	look("a receipt of one of two epochs", "has not yet seen")
}
