package desk

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal/page/pagetest"
	"github.com/penjire/penjire/sync/portal/portaltest"
)

// The officers of the tests. A hash takes long on purpose: it is made once.
var testOfficers = sync.OnceValue(func() []Officer {
	h := HashPassword("nusga-1")
	return []Officer{
		{ID: "myrat", Name: "Nusgaýew Myrat", Agency: "civil-registry", Password: h},
		{ID: "ogulgerek", Name: "Nusgaýewa Ogulgerek", Agency: "civil-registry", Password: h},
		{ID: "merdan", Name: "Nusgaýew Merdan", Agency: "employment-service", Password: h},
		{ID: "serdar", Name: "Nusgaýew Serdar", Operator: true, Password: h},
		{ID: "jeren", Name: "Nusgaýewa Jeren", Agency: "civil-registry", Operator: true, Password: h},
	}
})

// browser is an officer's browser: it keeps cookies and follows nothing.
type browser struct {
	t       *testing.T
	h       http.Handler
	cookies map[string]*http.Cookie
}

func (b *browser) send(method, path string, form url.Values) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	r.Header.Set("Accept-Language", "en")
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		b.cookies[c.Name] = c
	}
	return w
}

// cross is a post that another site has the browser send.
func (b *browser) cross(path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	return w
}

// get wants a page of that status without faults.
func (b *browser) get(path string, status int) string {
	b.t.Helper()
	return b.page(b.send("GET", path, nil), path, status)
}

func (b *browser) page(w *httptest.ResponseRecorder, path string, status int) string {
	b.t.Helper()
	if w.Code != status {
		b.t.Fatalf("%s = %d, want %d\n%s", path, w.Code, status, w.Body)
	}
	for _, f := range pagetest.Faults(w.Body.Bytes(), "en") {
		b.t.Errorf("%s: %s", path, f)
	}
	return w.Body.String()
}

// post wants to be led on to a path.
func (b *browser) post(path string, form url.Values, to string) {
	b.t.Helper()
	w := b.send("POST", path, form)
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != to {
		b.t.Fatalf("POST %s = %d to %q, want 303 to %q\n%s", path, w.Code, got, to, w.Body)
	}
}

// home is where that officer is led after signing in.
func (b *browser) home(officer string) string {
	if officer == "serdar" {
		return "/desk/kiosks"
	}
	return "/desk/requests"
}

func (b *browser) signIn(officer string) *browser {
	b.t.Helper()
	b.post("/desk/sign-in", url.Values{"officer": {officer}, "password": {"nusga-1"}}, b.home(officer))
	return b
}

func wants1(t *testing.T, where, body string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(body, w) {
			t.Errorf("%s does not say %q", where, w)
		}
	}
}

// office is a desk over a ledger in a file, with one request of each service
// with a card and one without.
type office struct {
	*portaltest.World
	desk      *Desk
	now       time.Time
	residence string // document in hexadecimal
	complaint string
	jobseeker string
}

func openOffice(t *testing.T) *office {
	t.Helper()
	o := &office{World: portaltest.Open(t, noon), now: noon}
	given := map[string]string{}
	s, _ := o.Catalogue().Service("residence-certificate")
	for _, row := range s.Survey {
		switch row.Kind() {
		case catalog.KindSelectOne:
			given[row.Name] = s.ChoicesOf(row)[0].Name
		case catalog.KindText:
			given[row.Name] = "Magtymguly şaýoly"
		}
	}
	due := noon.Add(5 * 24 * time.Hour)
	o.residence = hexDoc(o.Register(t, "citizen-1", o.Document(t, "citizen-1", s.ID, given), due))
	o.jobseeker = hexDoc(o.Register(t, "citizen-2", o.Document(t, "citizen-2", "job-seeker", nil), due))
	o.complaint = hexDoc(o.Register(t, "", o.Document(t, "", "complaint", map[string]string{"text": "Uzak garaşdym"}), due))
	var err error
	o.desk, err = New(Config{
		Portal: o, Officers: testOfficers(), Bundle: func() *trust.Bundle { return o.Trust() },
		Now: func() time.Time { return o.now }, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *office) browser(t *testing.T) *browser {
	return &browser{t: t, h: o.desk, cookies: map[string]*http.Cookie{}}
}

func (o *office) get(t *testing.T, doc string) ledger.Request {
	t.Helper()
	q, err := o.desk.load(t.Context(), Officer{Agency: "civil-registry"}, doc)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestAnswerARequest(t *testing.T) {
	o := openOffice(t)
	b := o.browser(t).signIn("myrat")
	at := "/desk/requests/" + o.residence
	q := o.get(t, o.residence)

	list := b.get("/desk/requests", 200)
	wants1(t, "the list", list, formatCode(q.Code), at, q.Signer.Reveal(), "5 days left", "Waiting for an answer")
	if strings.Contains(list, o.jobseeker) || strings.Contains(list, o.complaint) {
		t.Error("the list shows another agency's request")
	}

	page := b.get(at, 200)
	wants1(t, "the request", page, "The document is whole", "The signature is valid", "The certificate is not cancelled", "Time stamp:",
		"Checked just now", "Magtymguly şaýoly", "Consent", "Surname")
	b.post(at+"/assign", nil, at)
	wants1(t, "the request", b.get(at, 200), "You handle it")
	wants1(t, "the tab «mine»", b.get("/desk/requests?show=mine", 200), formatCode(q.Code))

	form := b.get(at+"/answer", 200)
	s, _ := o.Catalogue().Service("residence-certificate")
	fields := url.Values{"step": {"check"}}
	for _, f := range s.Result.Facts {
		wants1(t, "the form", form, f.Label.EN, `name="fact.`+f.Name+`"`)
		fields.Set("fact."+f.Name, "Değer & "+f.Name)
	}
	empty := b.page(b.send("POST", at+"/answer", url.Values{"step": {"sign"}}), "an empty answer", 422)
	wants1(t, "an empty answer", empty, "Error: ", "There is a problem", `aria-invalid="true"`)

	preview := b.page(b.send("POST", at+"/answer", fields), "the preview", 200)
	wants1(t, "the preview", preview, "Nothing is signed yet", "Değer &amp; "+s.Result.Facts[0].Name, "Sign and send the answer")
	if n := o.Signed.Load(); n != 0 {
		t.Fatalf("after the preview %d answers are signed, want 0", n)
	}
	fields.Set("step", "edit")
	wants1(t, "the form again", b.page(b.send("POST", at+"/answer", fields), "the form again", 200), "Değer &amp; "+s.Result.Facts[0].Name, "<textarea")

	fields.Set("step", "sign")
	b.post(at+"/answer", fields, at+"?done")
	wants1(t, "the answered request", b.get(at+"?done", 200), "Signed and handed over", "Nusgaýew Myrat", "Değer &amp; "+s.Result.Facts[0].Name)
	wants1(t, "the tab «answered»", b.get("/desk/requests?show=answered", 200), formatCode(q.Code))
	if got := o.get(t, o.residence); got.State != ledger.Answered || got.Answer.By != "Nusgaýew Myrat" {
		t.Errorf("the request is %s, answered by %q, want answered by Nusgaýew Myrat", got.State, got.Answer.By)
	}
	// Whoever reads the paper's code sees what was signed.
	if x, err := seal.Parse(o.get(t, o.residence).Answer.Seal); err != nil {
		t.Errorf("the answer's seal: %v", err)
	} else if r := x.Verify(o.Trust(), noon); r.Verdict != trust.Yes || x.Facts[0][1] != "Değer & "+s.Result.Facts[0].Name {
		t.Errorf("the seal is %v and states %q", r.Finding, x.Facts)
	}
	if w := b.send("GET", at+"/answer-container", nil); w.Code != 200 || w.Header().Get("Content-Type") != "application/vnd.etsi.asic-e+zip" {
		t.Errorf("the answer's container = %d %s", w.Code, w.Header().Get("Content-Type"))
	}
	// The form of an answered request leads back to it.
	if w := b.send("GET", at+"/refuse", nil); w.Code != http.StatusSeeOther {
		t.Errorf("the form of an answered request = %d, want 303", w.Code)
	}
}

// TestDoubleSubmit presses «sign» at once from several windows.
func TestDoubleSubmit(t *testing.T) {
	o := openOffice(t)
	o.browser(t).signIn("myrat")
	at := "/desk/requests/" + o.residence
	form := url.Values{"step": {"sign"}, "text": {"Salgyny anyklaň"}}
	var wg sync.WaitGroup
	for i := range 6 {
		b := o.browser(t).signIn("myrat")
		wg.Go(func() {
			w := b.send("POST", at+"/"+[]string{"return", "refuse"}[i%2], form)
			if w.Code != http.StatusSeeOther {
				t.Errorf("press %d = %d, want 303", i, w.Code)
			}
		})
	}
	wg.Wait()
	if n := o.Signed.Load(); n != 1 {
		t.Errorf("%d answers are stored, want 1", n)
	}
}

func TestContainer(t *testing.T) {
	o := openOffice(t)
	b := o.browser(t).signIn("myrat")
	w := b.send("GET", "/desk/requests/"+o.residence+"/container", nil)
	q := o.get(t, o.residence)
	if !bytes.Equal(w.Body.Bytes(), q.Container) {
		t.Error("the download is not the container of the ledger")
	}
	if !strings.Contains(b.get("/desk/requests/"+o.residence, 200), "/original\"") {
		t.Error("the page does not offer the document as it was received")
	}
	if w := b.send("GET", "/desk/requests/"+o.residence+"/original", nil); w.Code != 200 || w.Body.String() != string(q.Original) || len(q.Original) == 0 {
		t.Error("the download is not the document as it was received")
	}
	if got, want := w.Header().Get("Content-Disposition"), `attachment; filename="`+q.Code+`.asice"`; got != want {
		t.Errorf("Content-Disposition = %q, want %q", got, want)
	}
	if _, err := zip.NewReader(bytes.NewReader(w.Body.Bytes()), int64(w.Body.Len())); err != nil {
		t.Errorf("the download is no zip: %v", err)
	}
}

func TestOtherAgency(t *testing.T) {
	o := openOffice(t)
	b := o.browser(t).signIn("merdan")
	for _, p := range []string{"", "/container", "/original", "/copy", "/answer", "/answer-container", "/no-such-thing"} {
		b.get("/desk/requests/"+o.residence+p, 404)
	}
	for _, p := range []string{"zz", strings.Repeat("0", 64), strings.Repeat("zz", 32), o.residence + "00"} {
		b.get("/desk/requests/"+p, 404)
	}
	for _, p := range []string{"/assign", "/answer", "/refuse"} {
		b.page(b.send("POST", "/desk/requests/"+o.residence+p, url.Values{"step": {"sign"}, "text": {"x"}}), p, 404)
	}
	if q := o.get(t, o.residence); q.State != ledger.Registered || q.Assigned != "" {
		t.Errorf("another agency's officer changed the request: %s, assigned to %q", q.State, q.Assigned)
	}
}

// TestSuspended opens a request whose card was suspended afterwards: the facts
// found at registration are not what is true now.
func TestSuspended(t *testing.T) {
	o := openOffice(t)
	card, _ := o.Card("citizen-1")
	if err := o.Revoke(card.Slots[0x9C].Cert, noon.Add(-2*time.Hour), true); err != nil {
		t.Fatal(err)
	}
	b := o.browser(t).signIn("myrat")
	wants1(t, "the request", b.get("/desk/requests/"+o.residence, 200), "must not be acted upon", "suspended or cancelled", "cert.suspended", "mark--no")
}

func TestAnonymous(t *testing.T) {
	o := openOffice(t)
	officer := Officer{ID: "oraz", Name: "Nusgaýew Oraz", Agency: "ombudsman", Password: testOfficers()[0].Password}
	o.desk.officers[officer.ID] = officer
	b := o.browser(t).signIn("oraz")
	page := b.get("/desk/requests/"+o.complaint, 200)
	wants1(t, "a complaint", page, "did not identify", o.Device.ID, "as intermediary", "Uzak garaşdym")
	b.page(b.send("POST", "/desk/requests/"+o.complaint+"/answer", url.Values{"step": {"check"}}), "no words", 422)
	b.post("/desk/requests/"+o.complaint+"/answer", url.Values{"step": {"sign"}, "text": {"Sag boluň"}}, "/desk/requests/"+o.complaint+"?done")
}

func TestSearch(t *testing.T) {
	o := openOffice(t)
	b := o.browser(t).signIn("myrat")
	q := o.get(t, o.residence)
	for _, text := range []string{q.Code, strings.ToLower(formatCode(q.Code)), q.Code[:4], q.Signer.Reveal()} {
		w := b.send("POST", "/desk/find", url.Values{"text": {text}})
		if !strings.Contains(b.page(w, "search", 200), o.residence) {
			t.Errorf("a search for %d characters does not find the request", len(text))
		}
	}
	wants1(t, "a search", b.page(b.send("POST", "/desk/find", url.Values{"text": {"ýok"}}), "search", 200), "Nothing was found")
}

// TestSearchText: codes lose their grouping, names do not change. Two codes in a
// hundred have no digit.
func TestSearchText(t *testing.T) {
	var letters string
	for i := 0; letters == ""; i++ {
		d := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		if code := edoc.CodeOf(d[:]); !strings.ContainsAny(code, "0123456789") {
			letters = code
		}
	}
	for in, want := range map[string]string{
		strings.ToLower(formatCode(letters)): letters, formatCode(letters): letters, letters: letters,
		"k7m4": "K7M4", "k7m4p·2": "K7M4P2", "Aýna Nusgaýewa": "Aýna Nusgaýewa", "Merdan": "Merdan", "": "",
	} {
		if got := searchText(in); got != want {
			t.Errorf("searchText(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSignIn(t *testing.T) {
	o := openOffice(t)
	b := o.browser(t)
	for _, p := range []string{"/desk/requests", "/desk/requests/" + o.residence, "/desk/requests/" + o.residence + "/container"} {
		if w := b.send("GET", p, nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/desk/sign-in" {
			t.Errorf("%s without signing in = %d to %q, want the sign-in page", p, w.Code, w.Header().Get("Location"))
		}
	}
	b.get("/desk/sign-in", 200)
	for _, f := range []url.Values{{"officer": {"myrat"}, "password": {"wrong"}}, {"officer": {"nobody"}, "password": {"nusga-1"}}} {
		wants1(t, "a wrong password", b.page(b.send("POST", "/desk/sign-in", f), "sign-in", 422), "is not right", "Error: ")
	}
	b.signIn("myrat")
	c := b.cookies[cookieName]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode {
		t.Errorf("the session's cookie is %+v, want HttpOnly and SameSite=Strict", c)
	}
	o.now = o.now.Add(idle - time.Second)
	b.get("/desk/requests", 200)
	o.now = o.now.Add(idle + time.Second)
	if w := b.send("GET", "/desk/requests", nil); w.Code != http.StatusSeeOther {
		t.Errorf("after %v without a touch = %d, want the sign-in page", idle, w.Code)
	}
	b.signIn("myrat")
	old := *b.cookies[cookieName]
	b.post("/desk/sign-out", nil, "/desk/sign-in")
	b.cookies[cookieName] = &old
	if w := b.send("GET", "/desk/requests", nil); w.Code != http.StatusSeeOther {
		t.Errorf("with the cookie of an ended session = %d, want the sign-in page", w.Code)
	}
	for range 9 { // two were wrong before
		b.send("POST", "/desk/sign-in", url.Values{"officer": {"myrat"}, "password": {"x"}})
	}
	b.page(b.send("POST", "/desk/sign-in", url.Values{"officer": {"myrat"}, "password": {"nusga-1"}}), "too many tries", 429)
}

func TestOfficers(t *testing.T) {
	h := testOfficers()[0].Password
	for _, c := range []struct {
		name string
		o    []Officer
		want string
	}{
		{"no id", []Officer{{Name: "N", Agency: "a", Password: h}}, "officers[0]: id"},
		{"an id with a space", []Officer{{ID: "a b", Name: "N", Agency: "a", Password: h}}, "officers[0]: id"},
		{"no agency", []Officer{{ID: "a", Name: "N", Password: h}}, "no agency"},
		{"a plain password", []Officer{{ID: "a", Name: "N", Agency: "a", Password: "secret"}}, "not a hash"},
		{"a cut hash", []Officer{{ID: "a", Name: "N", Agency: "a", Password: h[:len(h)-4]}}, "length"},
		{"one id twice", []Officer{{ID: "a", Name: "N", Agency: "a", Password: h}, {ID: "a", Name: "M", Agency: "a", Password: h}}, "twice"},
	} {
		_, err := New(Config{Portal: &fakePortal{}, Officers: c.o})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New with %s = %v, want %q", c.name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("New with %s tells the password: %v", c.name, err)
		}
	}
}

// call is a program that uses the API.
func (o *office) call(t *testing.T, officer, method, path, body string, status int) map[string]any {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if officer != "" {
		r.SetBasicAuth(officer, "nusga-1")
	}
	w := httptest.NewRecorder()
	o.desk.ServeHTTP(w, r)
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != status {
		t.Fatalf("%s %s = %d, %v, want %d: %s", method, path, w.Code, err, status, w.Body)
	}
	return out
}

func TestAPI(t *testing.T) {
	o := openOffice(t)
	const all = "/api/desk/requests"
	at := all + "/" + o.residence
	o.call(t, "", "GET", all, "", 401)
	o.call(t, "myrat", "GET", all+"?agency=ombudsman", "", 403)
	o.call(t, "merdan", "GET", at, "", 404)

	list := o.call(t, "myrat", "GET", all+"?agency=civil-registry&state=registered", "", 200)["requests"].([]any)
	if len(list) != 1 || list[0].(map[string]any)["doc"] != o.residence {
		t.Fatalf("the list is %v, want the one request", list)
	}
	one := o.call(t, "myrat", "GET", at, "", 200)
	whole := one["verification"].(map[string]any)["whole"].(map[string]any)["verdict"]
	if whole != "yes" || one["verified_now"] != true || len(one["answers"].(map[string]any)) == 0 {
		t.Errorf("one request: whole %v, verified now %v, %d answers", whole, one["verified_now"], len(one["answers"].(map[string]any)))
	}
	if got := o.call(t, "myrat", "POST", at+"/assign", "", 200)["assigned"]; got != "myrat" {
		t.Errorf("assigned = %v, want myrat", got)
	}
	for body, want := range map[string]int{`{"txt": "x"}`: 400, `not json`: 400, `{}`: 422, `{"facts": {"no-such-fact": "x"}, "text": "x"}`: 422} {
		o.call(t, "myrat", "POST", at+"/refuse", body, want)
	}
	q := o.get(t, o.residence)
	if got := one["draft"].(map[string]any)["number"]; got != formatCode(q.Code) {
		t.Errorf("the draft's number = %v, want the tracking code", got)
	}
	short := o.call(t, "myrat", "POST", at+"/answer", `{"facts": {"address": ""}}`, 422)
	if got := fmt.Sprint(short["facts"]); short["error"] != "incomplete" || !strings.Contains(got, "address") || strings.Contains(got, "number") {
		t.Errorf("an answer without an address: %v, want it named", short)
	}
	o.call(t, "myrat", "POST", at+"/burn", `{}`, 404)
	facts := map[string]string{}
	s, _ := o.Catalogue().Service("residence-certificate")
	for _, f := range s.Result.Facts {
		facts[f.Name] = "value of " + f.Name
	}
	body, err := json.Marshal(map[string]any{"facts": facts, "text": "Taýýar"})
	if err != nil {
		t.Fatal(err)
	}
	done := o.call(t, "myrat", "POST", at+"/answer", string(body), 200)
	answer := done["answer"].(map[string]any)
	if done["state"] != "answered" || answer["text"] != "Taýýar" || answer["facts"].(map[string]any)[s.Result.Facts[0].Name] != "value of "+s.Result.Facts[0].Name {
		t.Errorf("the answer is %v", done)
	}
	if got := o.call(t, "myrat", "POST", at+"/answer", string(body), 409)["error"]; got != "answered" {
		t.Errorf("a second answer: error %v, want answered", got)
	}
}

func TestOfficersFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "officers.json")
	if err := WriteOfficers(file, testOfficers()); err != nil {
		t.Fatal(err)
	}
	got, err := ReadOfficers(file)
	if err != nil || !slices.Equal(got, testOfficers()) {
		t.Errorf("ReadOfficers = %d officers, %v, want what was written", len(got), err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode = %v, %v, want 0600", info.Mode().Perm(), err)
	}
	if err := os.WriteFile(file, []byte(`[{"id": "a", "pasword": "x"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadOfficers(file); err == nil {
		t.Error("ReadOfficers took an unknown key")
	}
	if _, err := ReadOfficers(file + ".no"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadOfficers of no file = %v, want fs.ErrNotExist", err)
	}
}
