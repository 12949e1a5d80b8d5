package spdx

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"
)

func TestDocument(t *testing.T) {
	ps := []Package{Deb("b", "1:2+x", "amd64", "bb"), Deb("a", "1", "all", "aa"), Deb("a", "1", "all", "aa")}
	at := time.Unix(1e9, 0)
	got, err := Document("vm", "1.0", at, ps)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(ps)
	if again, err := Document("vm", "1.0", at, ps); err != nil || !bytes.Equal(got, again) {
		t.Errorf("Document in another order = %s, %v, want the same bytes", again, err)
	}
	var d struct {
		SPDXVersion string `json:"spdxVersion"`
		Packages    []struct {
			SPDXID, Name string
			Purpose      string `json:"primaryPackagePurpose"`
			ExternalRefs []struct{ ReferenceLocator string }
		}
		Relationships []struct{ RelatedSpdxElement string }
	}
	if err := json.Unmarshal(got, &d); err != nil {
		t.Fatal(err)
	}
	if d.SPDXVersion != "SPDX-2.3" || d.Packages[0].Purpose != "OPERATING_SYSTEM" || len(d.Packages) != 3 || len(d.Relationships) != 3 {
		t.Fatalf("Document = %s", got)
	}
	if got, want := d.Packages[2].ExternalRefs[0].ReferenceLocator, "pkg:deb/debian/b@1%3A2%2Bx?arch=amd64"; got != want {
		t.Errorf("package URL = %s, want %s", got, want)
	}
}

func TestModules(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ps, err := Modules(self)
	if err != nil || len(ps) == 0 || ps[0].Name != "Go standard library" {
		t.Errorf("Modules = %v, %v, want at least the standard library", ps, err)
	}
}
