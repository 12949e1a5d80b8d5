package catalog_test

import (
	"testing"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/catalog/packs"
	"github.com/penjire/penjire/sync/citizen"
)

// TestFactPrefill: a certificate of residence states the whole address, in the
// language of the request, without what the applicant left empty.
func TestFactPrefill(t *testing.T) {
	c, err := packs.Catalogue(1)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := c.Service("residence-certificate")
	whole := citizen.NewAnswers(map[string]string{"region": "lebap", "settlement": "Nusga obasy", "street": "Magtymguly şaýoly", "house": "12"})
	part := citizen.NewAnswers(map[string]string{"region": "lebap", "house": "12"})
	for _, tc := range []struct {
		prefill, lang, want string
		a                   citizen.Answers
	}{
		{"region settlement street house", "tk", "Lebap welaýaty, Nusga obasy, Magtymguly şaýoly, 12", whole},
		{"region settlement street house", "ru", "Лебапский велаят, Nusga obasy, Magtymguly şaýoly, 12", whole},
		{"region settlement street house", "en", "Lebap region, 12", part},
		{"street", "tk", "", part},
		{"card.surname", "tk", "Nusgaýewa", whole},
		{"", "tk", "", whole},
	} {
		got := s.FactPrefill(catalog.Fact{Name: "f", Prefill: tc.prefill}, citizen.Person{Surname: citizen.NewText("Nusgaýewa")}, tc.a, tc.lang)
		if got != tc.want {
			t.Errorf("FactPrefill(%q, %s) = %q, want %q", tc.prefill, tc.lang, got, tc.want)
		}
	}
	for _, f := range s.Result.Facts {
		if f.Name == "address" {
			if got, want := s.FactPrefill(f, citizen.Person{}, whole, "tk"), "Lebap welaýaty, Nusga obasy, Magtymguly şaýoly, 12"; got != want {
				t.Errorf("the address of the certificate starts as %q, want %q", got, want)
			}
		}
	}
}
