package desk

import (
	"bytes"
	"net/http"
	"net/url"
	"testing"
)

// answerResidence answers the residence certificate through the form.
func (o *office) answerResidence(b *browser) (at string) {
	b.t.Helper()
	s, _ := o.Catalogue().Service("residence-certificate")
	at = "/desk/requests/" + o.residence
	fields := url.Values{"step": {"sign"}}
	for _, f := range s.Result.Facts {
		fields.Set("fact."+f.Name, "Değer "+f.Name)
	}
	b.post(at+"/answer", fields, at+"?done")
	return at
}

func TestPaperCopy(t *testing.T) {
	o := openOffice(t)
	b := o.browser(t).signIn("myrat")
	b.get("/desk/requests/"+o.residence+"/copy", 404) // not answered
	at := o.answerResidence(b)
	wants1(t, "the answered request", b.get(at, 200), "Certified copy (A4, PDF)", at+"/copy")

	w := b.send("GET", at+"/copy", nil)
	q := o.get(t, o.residence)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/pdf" || !bytes.HasPrefix(w.Body.Bytes(), []byte("%PDF-1.7")) {
		t.Fatalf("the copy = %d %s, %d bytes", w.Code, w.Header().Get("Content-Type"), w.Body.Len())
	}
	if got, want := w.Header().Get("Content-Disposition"), `attachment; filename="`+q.Code+`.pdf"`; got != want {
		t.Errorf("Content-Disposition = %q, want %q", got, want)
	}
	api := b.send("GET", "/api"+at+"/copy", nil)
	if !bytes.Equal(api.Body.Bytes(), w.Body.Bytes()) {
		t.Errorf("the API's copy (%d) is not the desk's", api.Code)
	}

	// Another agency's is not even there.
	other := "/desk/requests/" + o.complaint
	b.get(other+"/copy", 404)
}
