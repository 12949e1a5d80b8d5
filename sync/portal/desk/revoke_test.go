package desk

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
)

func TestRevoke(t *testing.T) {
	o := openOffice(t)
	b := o.browser(t).signIn("myrat")
	b.get("/desk/requests/"+o.residence+"/revoke", 404) // there is no seal yet
	at := o.answerResidence(b)
	s, err := seal.Parse(o.get(t, o.residence).Answer.Seal)
	if err != nil {
		t.Fatal(err)
	}
	o.browser(t).signIn("merdan").get(at+"/revoke", 404) // another agency's

	wants1(t, "the form", b.get(at+"/revoke", 200), formatCode(s.CheckNumber()), "It was issued by mistake", "cannot be undone")
	for _, reason := range []string{"", "because"} {
		w := b.page(b.send("POST", at+"/revoke", url.Values{"reason": {reason}}), "no reason", 422)
		wants1(t, "no reason", w, "Error: ", "Choose the reason")
	}
	if o.RevokedSeals().Has(s.ID()) {
		t.Fatal("the seal is revoked without a reason")
	}
	b.post(at+"/revoke", url.Values{"reason": {ledger.RevokedReplaced}}, at)
	wants1(t, "the request", b.get(at, 200), "The seal of this answer is cancelled", "Another document was issued", "Nusgaýew Myrat")
	if l := o.RevokedSeals(); !l.Has(s.ID()) {
		t.Errorf("the portal's list, version %d, does not revoke the seal", l.Version)
	}
	if r := s.Verify(o.Trust(), noon, o.RevokedSeals()); r.Verdict != trust.No || r.Reason != seal.ReasonRevoked {
		t.Errorf("the seal is %v, want revoked", r.Finding)
	}
	// Pressed again, and on a page that was open: it stays as it is.
	b.post(at+"/revoke", url.Values{"reason": {ledger.RevokedOrder}}, at)
	if all, err := o.Ledger().RevokedSeals(t.Context()); err != nil || len(all) != 1 || all[0].Reason != ledger.RevokedReplaced {
		t.Errorf("the ledger has %v, %v, want the first revocation", all, err)
	}
	// No copy is certified any more.
	b.get(at+"/copy", 409)
	if body := b.get(at, 200); strings.Contains(body, at+"/copy") || strings.Contains(body, at+"/revoke") {
		t.Error("the page still offers the copy or its revocation")
	}
}

// do sends a request with the browser's cookies.
func (b *browser) do(r *http.Request) *http.Response {
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	return w.Result()
}

func TestAPIRevoke(t *testing.T) {
	o := openOffice(t)
	b := o.browser(t).signIn("myrat")
	at := o.answerResidence(b)
	post := func(body string) *http.Response {
		r := httptest.NewRequest("POST", "/api"+at+"/revoke", strings.NewReader(body))
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		return b.do(r)
	}
	for body, want := range map[string]int{`{`: 400, `{"reason":"x"}`: 422, `{"why":"mistake"}`: 400} {
		if w := post(body); w.StatusCode != want {
			t.Errorf("%s = %d, want %d", body, w.StatusCode, want)
		}
	}
	if w := post(`{"reason":"mistake"}`); w.StatusCode != 200 {
		t.Fatalf("revoke = %d", w.StatusCode)
	}
	if w := post(`{"reason":"mistake"}`); w.StatusCode != 409 {
		t.Errorf("revoke again = %d, want 409", w.StatusCode)
	}
	w := b.send("GET", "/api"+at, nil)
	wants1(t, "the API", w.Body.String(), `"revoked":{"reason":"mistake","by":"Nusgaýew Myrat"`)
	if w := b.send("GET", "/api"+at+"/copy", nil); w.Code != 409 || !strings.Contains(w.Body.String(), "not-certified") {
		t.Errorf("the copy = %d %s, want 409 not-certified", w.Code, w.Body)
	}
}
