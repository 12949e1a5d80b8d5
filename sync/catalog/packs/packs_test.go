package packs_test

import (
	"testing"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/catalog/packs"
	"github.com/penjire/penjire/sync/citizen"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// Each service with answers that must pass, and which pages they lead over.
func TestWalk(t *testing.T) {
	c, err := packs.Catalogue(1)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		id      string
		answers map[string]string
		pages   int
		gone    []string // answered, but not relevant in the end
	}{
		{"residence-certificate", map[string]string{
			"purpose": "bank", "at_registered": "yes", "since": "2009-03-07", "family": "3", "street": "Magtymguly",
		}, 5, []string{"street"}},
		{"residence-certificate", map[string]string{
			"purpose": "other", "purpose_other": "Nusga", "at_registered": "no", "region": "mary",
			"settlement": "Nusga obasy", "street": "Magtymguly şaýoly", "house": "12", "since": "2009-03-07", "family": "0", "phone": "+993 65 12 34 56",
		}, 10, nil},
		{"job-seeker", map[string]string{
			"profession": "tikinçi", "education": "college", "experience": "0", "last_work": "Nusga", "skills": "sewing carpets",
			"wanted": "tikinçi", "work_time": "full", "region": "ahal", "ready": "2026-12-01", "phone": "+99365123456",
			"email": "ayna@nusga.tm", "privacy": "service", "retention": "6m",
		}, 13, []string{"last_work"}},
		{"complaint", map[string]string{
			"subject": "quality", "body": "Nusga edarasy", "what": "Nobat örän uzyn boldy.", "call": "no", "phone": "+99365123456",
		}, 6, []string{"phone"}},
	} {
		s, ok := c.Service(tt.id)
		if !ok {
			t.Fatalf("no service %q", tt.id)
		}
		a := citizen.NewAnswers(tt.answers)
		if got := len(s.Pages(a)); got != tt.pages {
			t.Errorf("%s: Pages = %d pages, want %d", tt.id, got, tt.pages)
		}
		out, faults := s.Final(a, now)
		for _, f := range faults {
			t.Errorf("%s: Final finds fault with %s: %s", tt.id, f.Name, f.Text.EN)
		}
		if got, want := len(out.Names()), len(tt.answers)-len(tt.gone); got != want {
			t.Errorf("%s: Final = %v, want %d answers", tt.id, out.Names(), want)
		}
		for _, n := range tt.gone {
			if out.Get(n) != "" {
				t.Errorf("%s: Final kept %s, which is not relevant", tt.id, n)
			}
		}
	}
}

// What must be refused, and by the words of the row itself.
func TestRefused(t *testing.T) {
	c, err := packs.Catalogue(1)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ id, row, value, want string }{
		{"residence-certificate", "since", "2026-11-23", "Give today's date or an earlier one."},
		{"residence-certificate", "since", "2026-11-22", ""},
		{"residence-certificate", "since", "1899-12-31", "Give today's date or an earlier one."},
		{"residence-certificate", "family", "31", "Give a number from 0 to 30."},
		{"residence-certificate", "family", "0", ""},
		{"residence-certificate", "phone", "", ""},
		{"residence-certificate", "phone", "one", "Give a telephone number, for example +993 65 12 34 56."},
		{"residence-certificate", "purpose", "fun", "Choose from the answers shown."},
		{"job-seeker", "skills", "none sewing", "With “None of these”, choose nothing else."},
		{"job-seeker", "skills", "none", ""},
		{"job-seeker", "email", "ayna", "Give the whole address, for example ayna@nusga.tm."},
		{"job-seeker", "email", "", ""},
		{"job-seeker", "ready", "2026-11-21", "Give a date from today on, within a year."},
		{"job-seeker", "ready", "2026-11-22", ""},
		{"complaint", "what", "yes", "Say a little more: at least 10 letters."},
		{"complaint", "body", "", "This question needs an answer."},
	} {
		s, _ := c.Service(tt.id)
		r, ok := s.Row(tt.row)
		if !ok {
			t.Fatalf("%s has no row %s", tt.id, tt.row)
		}
		if got := s.CheckRow(r, tt.value, citizen.Answers{}, now); got.EN != tt.want {
			t.Errorf("%s: CheckRow(%s, %q) = %q, want %q", tt.id, tt.row, tt.value, got.EN, tt.want)
		}
	}
}

// The product's services keep to the register's promises.
func TestPromises(t *testing.T) {
	c, err := packs.Catalogue(1)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(c.Services); got != 3 {
		t.Errorf("got %d services, want 3", got)
	}
	for _, s := range c.Services {
		for _, r := range s.Survey {
			switch r.Name {
			case "surname", "name", "patronymic":
				t.Errorf("%s asks for %s: the card says it (EG-10)", s.ID, r.Name)
			}
		}
		if s.Identification == catalog.IdentifyNone && s.ID != "complaint" {
			t.Errorf("%s does not identify the applicant", s.ID)
		}
	}
	s, _ := c.Service("residence-certificate")
	if got := c.Due(s, time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)).Format(time.DateOnly); got != "2026-11-27" {
		t.Errorf("Due = %s, want 2026-11-27: five working days after a Friday", got)
	}
}
