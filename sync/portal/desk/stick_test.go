package desk

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/stick"
	"github.com/penjire/penjire/sync/wire"
)

// exported is a file of a kiosk that asks what there is for it.
func (o *office) exported(t *testing.T, number uint64, who edoc.Signer) []byte {
	t.Helper()
	hello, err := wire.Marshal(&wire.Hello{Kiosk: "K-000001", Epoch: [16]byte{7}, Oldest: 1, Newest: 1, Software: "test"})
	if err != nil {
		t.Fatal(err)
	}
	h := stick.Header{Kind: stick.Export, Kiosk: "K-000001", Epoch: [16]byte{7}, Number: number, At: time.Now().Unix()}
	parts, err := stick.Pack(h, [][]byte{hello}, who)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(parts...)
}

// upload posts files as a browser without JavaScript does.
func (b *browser) upload(files map[string][]byte) *httptest.ResponseRecorder {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, data := range files {
		w, err := form.CreateFormFile("file", name)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		b.t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/desk/stick", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Accept-Language", "en")
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	return w
}

// TestStick has an operator take sticks, by the page and by the API.
func TestStick(t *testing.T) {
	o := openOffice(t)
	b := o.browser(t).signIn("serdar")
	wants1(t, "the kiosks", b.get("/desk/kiosks", 200), `href="/desk/stick"`)
	wants1(t, "the page", b.get("/desk/stick", 200), "Choose its files here", `type="file"`)
	good := o.exported(t, 3, o.Device.Signing.Signer())
	body := b.page(b.upload(map[string][]byte{
		"a.penjire": good, "b.penjire": []byte("no such file at all"), "c.penjire": good[:20],
		"d.penjire": o.exported(t, 4, o.PortalReceipt.Signer()), "e.penjire": bytes.Replace(good, []byte("PjStick\x01"), []byte("PjStick\x02"), 1),
	}), "/desk/stick", 200)
	wants1(t, "the result", body, "Kiosk K-000001, file 3 of", "the kiosk asks what there is for it", "This is no file of a kiosk",
		"cut off at its beginning", "signed by no kiosk of this portal", "newer software")
	links := regexp.MustCompile(`/desk/stick/[A-Z0-9]+`).FindAllString(body, -1)
	if len(links) != 1 {
		t.Fatalf("links to answers = %v, want one", links)
	}
	w := b.send("GET", links[0], nil)
	f, err := stick.Read(bytes.NewReader(w.Body.Bytes()))
	if err != nil || f.Kind != stick.Answer || f.Number != 3 || !strings.Contains(w.Header().Get("Content-Disposition"), f.Name()) {
		t.Errorf("the answer = %+v, %v, %s", f, err, w.Header())
	}
	b.get("/desk/stick/NOTKEPT", http.StatusNotFound)
	b.page(b.upload(nil), "/desk/stick", http.StatusUnprocessableEntity)

	api := func(officer string, body []byte) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/api/stick", bytes.NewReader(body))
		if officer != "" {
			r.SetBasicAuth(officer, "nusga-1")
		}
		w := httptest.NewRecorder()
		b.h.ServeHTTP(w, r)
		return w
	}
	w = api("serdar", good)
	var in portal.Imported
	if err := json.Unmarshal([]byte(w.Header().Get("Penjire-Import")), &in); err != nil || w.Code != http.StatusOK || in.Number != 3 {
		t.Errorf("API = %d %+v, %v", w.Code, in, err)
	}
	if _, err := stick.Read(w.Body); err != nil {
		t.Errorf("the API's answer: %v", err)
	}
	for _, c := range []struct {
		officer string
		body    []byte
		status  int
		code    string
	}{
		{"", good, http.StatusUnauthorized, "sign-in"},
		{"myrat", good, http.StatusForbidden, "operator"},
		{"serdar", []byte("x"), http.StatusUnprocessableEntity, "other"},
		{"serdar", make([]byte, stickMax+1), http.StatusUnprocessableEntity, "large"},
	} {
		if w := api(c.officer, c.body); w.Code != c.status || !strings.Contains(w.Body.String(), `"`+c.code+`"`) {
			t.Errorf("API for %q = %d %s, want %d %s", c.officer, w.Code, w.Body, c.status, c.code)
		}
	}
	// Whoever only answers requests has no such page.
	officer := o.browser(t).signIn("myrat")
	officer.get("/desk/stick", http.StatusNotFound)
	if w := officer.upload(map[string][]byte{"a.penjire": good}); w.Code != http.StatusNotFound {
		t.Errorf("an officer's upload = %d, want 404", w.Code)
	}
	if w := o.browser(t).upload(map[string][]byte{"a.penjire": good}); w.Code != http.StatusSeeOther {
		t.Errorf("an upload without signing in = %d, want to be led to the sign-in", w.Code)
	}
}

// TestStickBusy: there are places for two, and the third is asked to come again.
func TestStickBusy(t *testing.T) {
	o := openOffice(t)
	b := o.browser(t).signIn("serdar")
	d := b.h.(*Desk)
	for range cap(d.hands) {
		d.hands <- struct{}{}
	}
	w := b.upload(map[string][]byte{"a.penjire": {1}})
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("upload = %d, want 503 with Retry-After", w.Code)
	}
	b.page(w, "/desk/stick", http.StatusServiceUnavailable)
}

// TestShelf forgets the oldest answers when there are too many, and all in time.
func TestShelf(t *testing.T) {
	var s shelf
	big := make([]byte, answersBytes/2)
	first := s.keep(noon, "a", big)
	second := s.keep(noon, "b", big)
	third := s.keep(noon, "c", big)
	if _, ok := s.get(noon, first); ok {
		t.Error("the first answer is kept beside two that fill the shelf")
	}
	for _, id := range []string{second, third} {
		if _, ok := s.get(noon, id); !ok {
			t.Error("a newer answer is gone")
		}
		if _, ok := s.get(noon.Add(answersFor+time.Second), id); ok {
			t.Error("an old answer is given")
		}
	}
}
